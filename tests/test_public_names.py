import inspect
import pathlib

import pytest

import keras_see

FUNCTIONS = {
    *("saliency_maps", "grad_cam_maps", "class_activation_maps", "maps"),
    *("neuron_images", "class_images", "content_images", "dream"),
    *("gap_classifier", "layers", "overlay", "sheet", "save_film", "read"),
    *("save_report", "show"),
}
SUBMODULES = {
    "callbacks": {"Watch", "Saliency", "GradCAM", "CAM", "NeuronImages", "ContentImages"},
    "metrics": {"energy_inside", "pointing_hits"},
    "transforms": {"Transforms"},
    "writers": {"Folder", "TensorBoard"},
}

# Limits of what `help` and an editor show of a signature, in characters.
LONGEST_SIGNATURE, LONGEST_ANNOTATION = 1800, 80


def test_the_public_names_are_these_and_no_others():
    assert set(keras_see.__all__) == {"Watch", "__version__", *FUNCTIONS, *SUBMODULES}
    for module, names in SUBMODULES.items():
        assert set(getattr(keras_see, module).__all__) == names


def test_dir_lists_the_public_names_and_another_name_is_an_attribute_error():
    assert set(dir(keras_see)) >= set(keras_see.__all__)
    with pytest.raises(AttributeError, match="wach"):
        keras_see.wach  # noqa: B018


def test_type_checkers_and_the_package_read_the_same_stub():
    stub = pathlib.Path(keras_see.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    imports = [line.split() for line in stub.splitlines() if line and not line.startswith("#")]
    assert all(words[0] == "from" and words[2] == "import" and words[4] == "as" for words in imports)
    assert all(words[3] == words[5] for words in imports)  # without "as", checkers take a name in a stub as private
    assert sorted(words[3] for words in imports) == sorted(keras_see.__all__)


def public_callables():
    found = {name: getattr(keras_see, name) for name in FUNCTIONS}
    for module, names in SUBMODULES.items():
        found |= {f"{module}.{name}": getattr(getattr(keras_see, module), name) for name in names}
    return found


CALLABLES = dict(sorted(public_callables().items()))


def parameters_of(thing):
    return inspect.signature(thing).parameters.values()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_public_function_says_what_it_takes_returns_and_raises_and_gives_an_example(name):
    for section in ("Args:", "Raises:", "Example:", ">>>"):
        assert section in CALLABLES[name].__doc__, section


@pytest.mark.parametrize("name", CALLABLES)
def test_every_public_argument_and_result_has_a_type(name):
    thing = CALLABLES[name]
    assert not [each.name for each in parameters_of(thing) if each.annotation is each.empty]
    signature = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing)
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", CALLABLES)
def test_every_public_signature_names_each_option_and_can_be_read(name):
    parameters = parameters_of(CALLABLES[name])
    assert not [each.name for each in parameters if each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    assert len(str(inspect.signature(CALLABLES[name]))) <= LONGEST_SIGNATURE
    assert not {
        each.name: text
        for each in parameters
        if len(text := inspect.formatannotation(each.annotation)) > LONGEST_ANNOTATION
    }


@pytest.mark.parametrize("name", [f"callbacks.{name}" for name in sorted(SUBMODULES["callbacks"])])
def test_callbacks_share_the_names_and_defaults_of_their_options(name):
    ours = {each.name: each.default for each in parameters_of(CALLABLES[name])}
    watch = {each.name: each.default for each in parameters_of(keras_see.Watch)}
    assert {"every", "epochs", "budget", "max_megabytes", "name", "before_training", "strict", "trackers"} <= set(ours)
    per_step = {"images", "batch_size"} if name in ("callbacks.NeuronImages", "callbacks.ContentImages") else set()
    shared = set(ours) & set(watch) - per_step
    assert {each: ours[each] for each in shared} == {each: watch[each] for each in shared}


@pytest.mark.parametrize(
    ("callback", "function"), [("NeuronImages", "neuron_images"), ("ContentImages", "content_images")]
)
def test_callbacks_of_optimized_images_have_the_options_and_defaults_of_the_function(callback, function):
    ours = {each.name: each.default for each in parameters_of(CALLABLES[f"callbacks.{callback}"])}
    theirs = {each.name: each.default for each in parameters_of(CALLABLES[function])}
    # Positions differ, a callback takes a tenth of the steps per epoch, and it has neither a result nor a bar.
    for name in set(theirs) - {"model", "images", "layer", "steps", "return_history", "verbose"}:
        assert ours[name] == theirs[name], name
