import inspect

import keras_see

NAMES = {
    *("saliency_maps", "grad_cam_maps", "class_activation_maps", "maps"),
    *("neuron_images", "class_images", "content_images"),
    *("gap_classifier", "layers", "overlay", "sheet", "save_film", "read"),
    "dream",
    *("callbacks", "metrics", "Watch"),
}
CALLBACKS = {"Watch", "Saliency", "GradCAM", "CAM", "NeuronImages", "ContentImages"}
METRICS = {"energy_inside", "pointing_hits"}


def test_the_public_names_are_these_and_no_others():
    assert set(keras_see.__all__) == NAMES
    assert set(keras_see.metrics.__all__) == METRICS
    assert set(keras_see.callbacks.__all__) == CALLBACKS


def test_every_public_function_says_what_it_takes_returns_and_raises_and_gives_an_example():
    things = [getattr(keras_see, name) for name in NAMES] + [getattr(keras_see.metrics, name) for name in METRICS]
    for thing in things:
        if inspect.isfunction(thing):
            for section in ("Args:", "Raises:", "Example:", ">>>"):
                assert section in thing.__doc__, f"{thing.__name__} has no {section}"
