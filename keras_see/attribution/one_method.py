"""What the public functions of single methods share: check, explain, and resize where maps are those of a layer."""

from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.visualization.resizing import check_size, resized_to


def maps_of(model, images, request, targets, batch_size):
    """Return the maps of one request, as its method gives them.

    Args:
        model: A built model.
        images: As a user gives them.
        request: The `Request`.
        targets: As a user gives them.
        batch_size: Images per pass.
    """
    images, labels = given_images(model, images)
    return explain(model, images, [request], targets, labels=labels, batch_size=batch_size).maps[0]


def layer_maps_of(model, images, request, targets, size, batch_size):
    """Return the maps ≥ 0 of one request at a layer, in a size that `check_size` accepts; the rest as for `maps_of`."""
    check_size(size)
    images, _ = checked = given_images(model, images)
    return resized_to(maps_of(model, checked, request, targets, batch_size), size, images).clip(0)
