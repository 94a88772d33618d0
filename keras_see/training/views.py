"""Build the views of a callback from its options."""

from keras_see.attribution.registry import maps_and_optimized
from keras_see.training.map_view import MapView
from keras_see.training.sample_images import sample


def map_views(
    images, targets, methods, *, labels, n, class_names, preprocess, display, scale, regions, image, batch_size
):
    """Return a view of attribution maps, and views of the optimized images that `methods` names; see `Watch`."""
    samples = sample(images, labels, n, preprocess)
    maps, optimized = maps_and_optimized(methods)
    shown = {"class_names": class_names, "display": display}
    views = []
    if maps or not optimized:
        options = {"scale": scale, "regions": regions, "image": image, "batch_size": batch_size}
        views.append(MapView(samples, maps, targets, **shown, **options))
    return views + _optimized_image_views(optimized, samples, **shown, preprocess=preprocess)


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
