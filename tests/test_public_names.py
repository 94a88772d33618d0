import inspect

import keras_see

NAMES = {
    *("saliency_maps", "grad_cam_maps", "class_activation_maps", "maps"),
    *("neuron_images", "class_images", "content_images", "dream"),
    *("gap_classifier", "layers", "overlay", "sheet", "save_film", "read"),
    *("callbacks", "metrics", "Watch"),
}
CALLBACKS = {"Watch", "Saliency", "GradCAM", "CAM", "NeuronImages", "ContentImages"}
METRICS = {"energy_inside", "pointing_hits"}


def test_the_public_names_are_these_and_no_others():
    assert set(keras_see.__all__) == NAMES
    assert set(keras_see.metrics.__all__) == METRICS
    assert set(keras_see.callbacks.__all__) == CALLBACKS


def public_things():
    modules = {keras_see: NAMES - {"callbacks", "metrics"}, keras_see.callbacks: CALLBACKS, keras_see.metrics: METRICS}
    return [getattr(module, name) for module, names in modules.items() for name in names]


def test_every_public_function_says_what_it_takes_returns_and_raises_and_gives_an_example():
    for thing in public_things():
        if inspect.isfunction(thing):
            for section in ("Args:", "Raises:", "Example:", ">>>"):
                assert section in thing.__doc__, f"{thing.__name__} has no {section}"


def test_every_public_argument_and_result_has_a_type():
    for thing in public_things():
        signature = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing)
        untyped = {name for name, each in signature.parameters.items() if each.annotation is each.empty} - {"self"}
        assert not untyped, thing
        assert signature.return_annotation is not signature.empty, thing
