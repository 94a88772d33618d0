"""The command `keras-see dream`: from a photo's file to a dream's, or to a film that zooms into it."""

import argparse

STILL_HELP = "where to: .png, .jpg, .webp or .tif; with --zoom .gif, .webp or .png"


def add_command(commands):
    """Add the command to those of the command line; its options need no framework."""
    parser = commands.add_parser("dream", help="deep dream: enhance in a photo what a network sees in it")
    parser.set_defaults(command=run)
    add = parser.add_argument
    add("photo", metavar="PHOTO")
    add("-o", "--output", required=True, metavar="FILE", help=STILL_HELP)
    add(
        "--model", default="inception_v3", help="a name of keras.applications, or a .keras file (default: inception_v3)"
    )
    add("--preprocess", choices=("none", "unit", "tf", "torch", "caffe"), help="what a .keras file wants made of bytes")
    add("--layers", nargs="+", metavar="LAYER", help="NAME, NAME:CHANNEL, or either with =WEIGHT (default: by depth)")
    add("--octaves", type=int, metavar="N", help="in how many sizes (default: 4)")
    add("--octave-scale", type=float, metavar="X", help="how much larger each is than the one before (default: 1.4)")
    add("--steps", type=int, metavar="N", help="in each octave (default: 12)")
    add("--step-size", type=float, metavar="X", help="as a share of the range of values (default: 0.014)")
    add("--tile", type=int, metavar="PIXELS", help="largest side of a tile; bounds the memory (default: 512)")
    add("--guide", metavar="FILE", help="another picture, whose features the dream takes on")
    add("--mask", metavar="FILE", help="a grey picture of the same size: dream where it is white")
    add("--strength", type=float, metavar="X", help="how much of the dream is laid over the photo (default: 1)")
    add("--seed", type=int, metavar="N", help="equal seeds give equal dreams (default: 0)")
    add("--zoom", type=_frames, metavar="FRAMES", help="write a film: each frame dreamt from the last, enlarged")
    add("--zoom-scale", type=_scale, default=1.03, metavar="X", help="how much larger each frame is (default: 1.03)")
    add("--seconds", type=_seconds, default=0.08, metavar="X", help="how long each frame shows (default: 0.08)")
    add("--force", action="store_true", help="overwrite an existing output")


def run(options):
    """Dream as the options say; what is wrong with them is said before the model is loaded."""
    from keras_see.cli import image_files as files
    from keras_see.deepdream.recipe import Recipe

    files.check_output(options.output, files.MOVING if options.zoom else files.STILL, options.force)
    names = ("octaves", "octave_scale", "steps", "step_size", "tile", "strength", "seed")
    recipe = Recipe(**{name: getattr(options, name) for name in names if getattr(options, name) is not None})
    layers, pixels = _layers(options.layers), files.read_picture(options.photo)
    files.check_alpha(options.output, pixels)
    guide = files.read_picture(options.guide) if options.guide else None
    mask = files.read_picture(options.mask)[..., 0] / 255 if options.mask else None
    if options.zoom and mask is not None:
        raise ValueError("--mask and --zoom exclude each other: a film dreams everywhere. Got both. Leave one out.")
    _dream(options, recipe, layers, pixels, guide, mask)


def _dream(options, recipe, layers, pixels, guide, mask):
    from keras_see.cli.model_loading import named_model
    from keras_see.deepdream.deep_dream import checked_mask, dreamer_for, photo_for

    model, preprocess = named_model(options.model, options.preprocess)
    photo = photo_for(model, pixels, (0, 255))
    mask = None if mask is None else checked_mask(mask, photo.size)
    dreamer = dreamer_for(model, layers, photo, recipe, guide=guide, preprocess=preprocess)
    made = _made(options, recipe, dreamer)
    if options.zoom:
        write_film(options, recipe, dreamer, photo, made)
    else:
        write_still(options, recipe, dreamer, photo, mask, made)


def write_still(options, recipe, dreamer, photo, mask, made):
    """Write the dream; when stopped, the last octave that was finished."""
    from keras_see.cli.image_files import write_picture
    from keras_see.deepdream.deep_dream import dreams, laid_over

    last, count = None, 0
    try:
        for octave in dreams(dreamer, photo, recipe, mask=mask, verbose=True):
            last, count = octave, count + 1
    except KeyboardInterrupt:
        if last is not None:
            write_picture([laid_over(photo, last, recipe.strength)], options.output, made | {"octaves_done": count})
        _say_stopped("octave", count, options.output)
        raise
    write_picture([laid_over(photo, last, recipe.strength)], options.output, made)


def write_film(options, recipe, dreamer, photo, made):
    """Write the frames; when stopped, those that were finished."""
    from keras_see._progress import Progress
    from keras_see.cli.image_files import write_picture
    from keras_see.deepdream.zoom import zoom_frames

    frames, bar = [], Progress(options.zoom, True, unit="frame")
    try:
        for frame in zoom_frames(dreamer, photo, recipe, options.zoom, options.zoom_scale):
            frames.append(frame)
            bar.update()
    except KeyboardInterrupt:
        if frames:
            write_picture(frames, options.output, made | {"frames_done": len(frames)}, options.seconds)
        _say_stopped("frame", len(frames), options.output)
        raise
    write_picture(frames, options.output, made, options.seconds)


def _say_stopped(what, count, output):
    left = f"{output!r} holds {count} finished {what}{'s' if count > 1 else ''}" if count else "nothing is written"
    print(f"\nStopped: {left}.", flush=True)


def _made(options, recipe, dreamer):
    """Return how the picture is made, for its metadata: enough to make it again."""
    import dataclasses

    import keras

    wishes = {wish.place + ("" if wish.channel is None else f":{wish.channel}"): wish.weight for wish in dreamer.wishes}
    given = {name: getattr(options, name) for name in ("photo", "model", "preprocess", "guide", "mask", "zoom")}
    given |= {"zoom_scale": options.zoom_scale} if options.zoom else {}
    numbers = {key: value for key, value in (given | dataclasses.asdict(recipe)).items() if value is not None}
    versions = {"keras_see": _version(), "keras": keras.__version__, "backend": keras.backend.backend()}
    return {"command": "keras-see dream", **numbers, "layers": wishes, **versions}


def _version():
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("keras_see")
    except PackageNotFoundError:  # run from its folder, without being installed
        return "not installed"


def _layers(texts):
    """Return layer -> weight out of NAME, NAME:CHANNEL and either with =WEIGHT; None where nothing was given."""
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
