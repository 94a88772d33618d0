"""Build the views of a callback from its options."""

from keras_see._validation import is_word, shown
from keras_see.attribution.registry import maps_and_optimized
from keras_see.training.callback_options import check_yes_or_no
from keras_see.training.map_view import MapView
from keras_see.training.sample_images import sample

# Which sheets are drawn: the overview (or that of a single method), all, or none.
SHEETS = ("overview", "all")


def map_views(
    images,
    targets,
    methods,
    *,
    labels,
    n,
    class_names,
    preprocess,
    display,
    scale,
    regions,
    batch_size,
    sheets="all",
    show_images=True,
):
    """Return a view of attribution maps, and views of the optimized images that `methods` names; see `Watch`."""
    _check_sheets(sheets)
    check_yes_or_no("show_images", show_images)
    samples = sample(images, labels, n, preprocess)
    maps, optimized = maps_and_optimized(methods)
    _check_hidden(show_images, optimized)
    shared = {"class_names": class_names, "display": display, "show_images": show_images}
    views = []
    if maps or not optimized:
        options = {"scale": scale, "regions": regions, "batch_size": batch_size, "sheets": sheets}
        views.append(MapView(samples, maps, targets, **shared, **options))
    return views + _optimized_image_views(optimized, samples, **shared, preprocess=preprocess)


def _check_sheets(sheets):
    if sheets is not None and not is_word(sheets, SHEETS):
        raise ValueError(
            '`sheets` must be "overview" (all methods side by side), "all" (one per method too) or None (no sheet). '
            f'Got {shown(sheets)}. "overview" is the default.'
        )


def _check_hidden(show_images, optimized):
    if not show_images and "content" in optimized:
        raise ValueError(
            '`show_images=False` excludes the method "content", whose pictures are the images, reconstructed. '
            'Got both. Leave "content" out of `methods`.'
        )


def neuron_views(images, *, labels, n, class_names, display, preprocess, **options):
    """Return a view per layer of optimized images, beside sample images if there are any; see `NeuronImages`."""
    samples = None if images is None else sample(images, labels, n, preprocess)
    shown = {"class_names": class_names, "display": display}
    return _optimized_image_views({"neurons": options}, samples, **shown, preprocess=preprocess)


def content_views(images, *, labels, n, display, preprocess, **options):
    """Return the view of the content images of sample images; see `ContentImages`."""
    samples = sample(images, labels, n, preprocess)
    return _optimized_image_views({"content": options}, samples, display=display, preprocess=preprocess)


def _optimized_image_views(methods, samples, **shared):
    if not methods:
        return []
    # Imported here: a callback of maps alone does not load `keras_see.optimization`.
    from keras_see.training.optimized_image_views import optimized_image_views

    return optimized_image_views(methods, samples, **shared)
