"""`keras-see dream`: deep dream on a photo, written as a picture or as a zoom film."""

import argparse

from keras_see import __version__


def add_command(commands):
    """Add the `dream` command to the parser, without importing a framework."""
    parser = commands.add_parser("dream", help="deep dream: amplify in a photo what a network finds in it")
    parser.set_defaults(command=run)
    add = parser.add_argument
    add("photo", metavar="PHOTO", help="a picture file")
    add("-o", "--output", required=True, metavar="FILE", help=".png, .jpg, .webp, .tif; with --zoom .gif, .webp, .png")
    add("--model", default="inception_v3", help="a file, or a name of keras.applications (default: inception_v3)")
    add("--preprocess", choices=("none", "unit", "tf", "torch", "caffe"), help="preprocessing for a model from a file")
    add("--layers", nargs="+", metavar="LAYER", help="NAME, NAME:CHANNEL, or either with =WEIGHT (default: by depth)")
    add("--octaves", type=int, metavar="N", help="number of sizes (default: 4)")
    add("--octave-scale", type=float, metavar="X", help="enlargement from octave to octave (default: 1.4)")
    add("--steps", type=int, metavar="N", help="steps per octave (default: 12)")
    add("--step-size", type=float, metavar="X", help="root mean square, as a share of the value range (default: 0.014)")
    add("--tile", type=int, metavar="PIXELS", help="largest side of a tile; bounds the memory (default: 512)")
    add("--guide", metavar="FILE", help="another picture, whose features the dream moves towards")
    add("--mask", metavar="FILE", help="a grey picture of the same size: dream where it is white")
    add("--strength", type=float, metavar="X", help="share of the dream that is added to the photo (default: 1)")
    add("--seed", type=int, metavar="N", help="equal seeds give equal dreams (default: 0)")
    add("--zoom", type=_frames, metavar="FRAMES", help="write a film: each frame dreamt from the last, enlarged")
    add("--zoom-scale", type=_scale, default=1.03, metavar="X", help="enlargement from frame to frame (default: 1.03)")
    add("--seconds", type=_seconds, default=0.08, metavar="X", help="how long each frame shows (default: 0.08)")
    add("--force", action="store_true", help="overwrite an existing output")


def run(options):
    """Run the command; wrong options raise before the model is loaded."""
    from keras_see.cli import image_files as files
    from keras_see.deepdream.options import DreamOptions
    from keras_see.pictures.picture_files import logged_picture
    from keras_see.visualization.animation import ANIMATED, STILL

    files.check_output(options.output, ANIMATED if options.zoom else STILL, options.force)
    names = ("octaves", "octave_scale", "steps", "step_size", "tile", "strength", "seed")
    dream_options = DreamOptions(
        **{name: getattr(options, name) for name in names if getattr(options, name) is not None}
    )
    layers, pixels = _layers(options.layers), logged_picture(options.photo)
    files.check_alpha(options.output, pixels)
    guide = logged_picture(options.guide) if options.guide else None
    mask = logged_picture(options.mask)[..., 0] / 255 if options.mask else None
    if options.zoom and mask is not None:
        raise ValueError("--mask and --zoom exclude each other: a film has no mask. Got both. Leave one out.")
    _dream(options, dream_options, layers, pixels, guide, mask)


def _dream(options, dream_options, layers, pixels, guide, mask):
    from keras_see.cli.model_loading import named_model
    from keras_see.deepdream.deep_dream import checked_mask, image_array_for, octave_runner

    model, preprocess = named_model(options.model, options.preprocess)
    photo = image_array_for(model, pixels, (0, 255))
    mask = None if mask is None else checked_mask(mask, photo.size)
    runner = octave_runner(model, layers, photo, dream_options, guide=guide, preprocess=preprocess)
    description = _description(options, dream_options, runner)
    if options.zoom:
        write_film(options, dream_options, runner, photo, description)
    else:
        write_still(options, dream_options, runner, photo, mask, description)


def write_still(options, dream_options, runner, photo, mask, description):
    """Write the dream; on Ctrl-C its last finished octave."""
    from keras_see.deepdream.deep_dream import dream_octaves

    last, count = None, 0
    try:
        for octave in dream_octaves(runner, photo, dream_options, mask=mask, verbose=True):
            last, count = octave, count + 1
    except KeyboardInterrupt:
        if last is not None:
            _write(photo, last, dream_options, options.output, description | {"octaves_done": count})
        _say_stopped("octave", count, options.output)
        raise
    _write(photo, last, dream_options, options.output, description)


def _write(photo, octave, dream_options, path, description):
    from keras_see.deepdream.deep_dream import dreamt
    from keras_see.visualization.animation import write_picture

    write_picture([dreamt(photo, octave, dream_options.strength)], path, metadata=description)


def write_film(options, dream_options, runner, photo, description):
    """Write the film; on Ctrl-C the frames that are finished."""
    from keras_see._progress import Progress
    from keras_see.deepdream.zoom import zoom_frames
    from keras_see.visualization.animation import write_picture

    frames, bar = [], Progress(options.zoom, True, unit="frame")
    try:
        for frame in zoom_frames(runner, photo, dream_options, options.zoom, options.zoom_scale):
            frames.append(frame)
            bar.update()
    except KeyboardInterrupt:
        if frames:
            write_picture(
                frames, options.output, seconds=options.seconds, metadata=description | {"frames_done": len(frames)}
            )
        _say_stopped("frame", len(frames), options.output)
        raise
    write_picture(frames, options.output, seconds=options.seconds, metadata=description)


def _say_stopped(what, count, output):
    left = f"{output!r} holds {count} finished {what}{'s' if count > 1 else ''}" if count else "nothing is written"
    print(f"\nStopped: {left}.", flush=True)


def _description(options, dream_options, runner):
    """Return the metadata of the picture: the options and versions that made it."""
    import dataclasses

    import keras

    layers = {_written(objective): objective.weight for objective in runner.objectives}
    given = {name: getattr(options, name) for name in ("photo", "model", "preprocess", "guide", "mask", "zoom")}
    given |= {"zoom_scale": options.zoom_scale} if options.zoom else {}
    numbers = {key: value for key, value in (given | dataclasses.asdict(dream_options)).items() if value is not None}
    versions = {"keras_see": __version__, "keras": keras.__version__, "backend": keras.backend.backend()}
    return {"command": "keras-see dream", **numbers, "layers": layers, **versions}


def _written(objective):
    """Return a layer objective as `--layers` takes it."""
    return objective.path + ("" if objective.channel is None else f":{objective.channel}")


def _layers(texts):
    """Return layer -> weight, parsed from NAME, NAME:CHANNEL or either with =WEIGHT; None without texts."""
    if texts is None:
        return None
    found = {}
    for text in texts:
        name, equals, weight = text.rpartition("=")
        try:
            found[name if equals else text] = float(weight) if equals else 1.0
        except ValueError as error:
            raise ValueError(
                f"--layers must be NAME, NAME:CHANNEL, or either with =WEIGHT. Got {text!r}. A weight is a number."
            ) from error
    return found


def _frames(text):
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be a whole number from 2, not {text!r}")
    return int(text)


def _scale(text):
    return _number(text, lambda number: 1 < number <= 2, "a number above 1, to 2")


def _seconds(text):
    return _number(text, lambda number: 0 < number <= 10, "a number above 0, to 10")


def _number(text, fits, wanted):
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not fits(number):
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}")
    return number
