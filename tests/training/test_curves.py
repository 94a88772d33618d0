"""`Watch(logs=True)`: the curves of Keras's own callback, and on other backends those of `History`."""

import keras
import numpy as np
import pytest

import keras_see

rng = np.random.default_rng(0)
X, Y = rng.random((12, 8, 8, 3)).astype("float32"), np.arange(12) % 2


def fit(*callbacks, epochs=3, rate=0.1):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    data = {"batch_size": 4, "validation_data": (X[:8], Y[:8]), "verbose": 0}
    return model.fit(X, Y, epochs=epochs, callbacks=[halving, *callbacks], **data).history


def watch(folder, **options):
    return keras_see.Watch(folder, X[:2], methods="saliency", **options)


def curves(folder):
    log = keras_see.read(folder)
    return {tag: log[tag] for tag in log if tag.startswith(("train/", "validation/"))}


@pytest.mark.backends("tensorflow")
def test_they_are_those_of_keras_tag_for_tag_and_folder_for_folder(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(watch(tmp_path / "ours", logs=True), keras.callbacks.TensorBoard(tmp_path / "theirs", write_graph=False))
    boards = {}
    for place in ("ours/train", "ours/validation", "theirs/train", "theirs/validation"):
        board = EventAccumulator(str(tmp_path / place), size_guidance={"tensors": 0}).Reload()
        boards[place] = {
            tag: [
                (event.step, float(np.frombuffer(_bytes(event.tensor_proto), "<f4")[0])) for event in board.Tensors(tag)
            ]
            for tag in board.Tags()["tensors"]
            if board.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
        }
    for run in ("train", "validation"):
        assert boards[f"ours/{run}"].keys() == boards[f"theirs/{run}"].keys()
        for tag, values in boards[f"theirs/{run}"].items():
            np.testing.assert_allclose(boards[f"ours/{run}"][tag], values, rtol=1e-6, err_msg=tag)
    assert {path.name for path in (tmp_path / "ours").iterdir() if path.is_dir()} == {"train", "validation"}


def _bytes(proto):
    return proto.tensor_content or np.float32(proto.float_val[0]).tobytes()


def test_they_are_those_of_the_history(tmp_path):
    history = fit(watch(tmp_path, logs=True, every=2))
    found = curves(tmp_path)
    names = {"train/epoch_loss": "loss", "train/epoch_accuracy": "accuracy", "validation/epoch_loss": "val_loss"}
    for tag, name in (names | {"validation/epoch_accuracy": "val_accuracy"}).items():
        assert [step for step, _ in found[tag]] == [0, 1, 2]
        np.testing.assert_allclose([value for _, value in found[tag]], history[name], rtol=1e-6)
    np.testing.assert_allclose([value for _, value in found["train/epoch_learning_rate"]], [0.05, 0.025, 0.0125])
    assert [step for step, _ in found["validation/evaluation_loss_vs_iterations"]] == [3, 6, 9]


def test_without_the_option_there_are_none_and_the_history_is_the_same(tmp_path):
    histories = [fit(watch(tmp_path / "with", logs=True)), fit(watch(tmp_path / "without")), fit()]
    assert not curves(tmp_path / "without")
    assert histories[0] == histories[1] == histories[2]


def test_a_resumed_training_goes_on_with_its_curves_where_its_pictures_go_on(tmp_path):
    fit(watch(tmp_path, logs=True), epochs=2)
    fit(watch(tmp_path, logs=True), epochs=2)
    assert [step for step, _ in curves(tmp_path)["train/epoch_loss"]] == [0, 1, 2, 3]
    assert [step for step, _ in keras_see.read(tmp_path)["see/saliency"]] == [-1, 0, 1, 2, 3]


def test_curves_that_cannot_be_written_cost_no_picture_and_are_told_once(tmp_path, caplog):
    (tmp_path / "train").write_text("in the way")
    callback = watch(tmp_path, logs=True)
    fit(callback)
    assert [step for step, _ in keras_see.read(tmp_path)["see/saliency"]] == [-1, 0, 1, 2]
    assert not callback.failures
    (line,) = [record.getMessage() for record in caplog.records if record.name == "keras_see"]
    assert line.startswith("Curves cannot be written: FileExistsError")
