import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from keras_see.cli.model_loading import named_model

PHOTO = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")


def saved(folder, *first):
    path = folder / "model.keras"
    keras.Sequential([keras.Input((8, 8, 3)), *first, layers.Conv2D(2, 3)]).save(path)
    return str(path)


def test_a_model_file_gets_pixels_of_0_to_255_only_if_it_rescales(tmp_path):
    assert named_model(saved(tmp_path, layers.Rescaling(1 / 255)))[1] is None
    _, preprocess = named_model(saved(tmp_path))
    np.testing.assert_allclose(preprocess(PHOTO), PHOTO / 255)


def test_a_given_preprocessing_mode_is_used(tmp_path):
    path = saved(tmp_path)
    assert named_model(path, "none")[1] is None
    caffe = PHOTO[..., ::-1] - [103.939, 116.779, 123.68]
    np.testing.assert_allclose(named_model(path, "caffe")[1](PHOTO.copy()), caffe, atol=1e-3)
    np.testing.assert_allclose(named_model(path, "tf")[1](PHOTO.copy()), PHOTO / 127.5 - 1, atol=1e-5)


def test_a_model_file_cannot_run_code(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="a model that Keras can load by itself"):
        named_model(str(tmp_path / "model.keras"))


def test_a_failed_download_names_the_alternative(tmp_path):
    nowhere = {"KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    block = "from keras_see.cli.model_loading import named_model; named_model('VGG-16')"
    done = subprocess.run(
        [sys.executable, "-c", block],
        env=os.environ | nowhere | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "That failed: " in done.stderr
    assert "Pass a model that is on this machine: --model path/to/model.keras" in done.stderr
