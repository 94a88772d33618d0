"""The texts of a sheet of maps: what is under the images and maps, and what is explained."""

from keras_see.visualization.captions import image_captions, map_captions, names_of_values, value_captions


class MapTexts:
    """The texts that depend on what the outputs and the labels mean.

    Args:
        reading: The `Reading` of the outputs and the labels.
        target: The checked `Target`.
        class_names: Names of the classes, or None.
        units: Number of the model's output units.
    """

    def __init__(self, reading, target, class_names, units):
        self._reading, self._target, self._class_names, self._units = reading, target, class_names, units
        self._are_values = reading.kind == "values"

    def under_images(self, outputs, activation):
        """Return the lines under each image, as `image_captions` or, for a regression, `value_captions` does."""
        if self._are_values:
            return value_captions(outputs, self._reading.true)
        return image_captions(outputs, activation, self._reading.true, self._class_names)

    def under_maps(self, maps, classes):
        """Return the lines under each map; `classes` are the explained ones, -1 for none."""
        names = names_of_values(self._units, self._class_names) if self._are_values else self._class_names
        if self._target.kind == "labels":
            classes = [true or number for true, number in zip(self._reading.true, classes, strict=True)]
        return map_captions(maps, classes, names)

    def explained(self):
        """Return what is explained, as the end of a sentence."""
        if self._target.kind == "callable":
            return "the given function of the outputs"
        if self._target.kind == "predicted":
            return "the highest output" if self._are_values else "the class that the model prefers"
        if self._target.kind == "labels":
            return "the image's true classes, the sum of their outputs"
        if self._are_labels():
            return "the image's label"
        return "the output" if self._are_values and self._units == 1 else "the given class or weights"

    def _are_labels(self):
        """Return whether the explained classes are the labels."""
        classes, true = self._target.classes, self._reading.true_classes
        return classes is not None and true == [(number,) for number in classes.tolist()]
