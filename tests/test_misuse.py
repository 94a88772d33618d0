"""What a clumsy user may do, in tables: each row is an error before the first batch that says which argument is meant,
what came and what to do; and `docs/messages.md` lists the messages, no more and no less."""

import atexit
import contextlib
import functools
import io
import logging
import re
import socket
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from tiny_models import SHAPE, Subclassed, backbone, dict_outputs, flat, linear, photos, two_inputs

import keras_see as see
from keras_see import metrics
from keras_see.callbacks import CAM, ContentImages, GradCAM, NeuronImages, Saliency, Watch
from keras_see.cli.main import main
from keras_see.runs.records import Number, Picture
from keras_see.runs.tensorboard import TensorBoard

X, Y = photos(4), np.arange(4) % 3
TWO = X[:2]
MAPS = np.ones((2, 4, 3), "float32")
BOXES = [(0, 0, 4, 4)] * 2
PICTURES = np.zeros((2, 8, 6, 3), "uint8")
NEURON = {"objective": "neuron"}

# One compiled model for all that is trained here; others take images of any size, or have many channels.
MODEL, SMALL = flat(), backbone()
MODEL.compile("sgd", "sparse_categorical_crossentropy")
OPEN = see.gap_classifier(3, backbone=keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)]))
WIDE = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(65, 1), layers.Flatten(), layers.Dense(2)])
VECTORS = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
TWO_CHANNELS = keras.Sequential([keras.Input((8, 8, 2)), layers.Flatten(), layers.Dense(2)])
SQUARE, WIDER = Image.new("RGB", (8, 8)), Image.new("RGB", (9, 8))
MAPPED = {"model": MODEL, "images": TWO}


class Batches(keras.utils.PyDataset):
    """Batches that are each larger than the one before, or that cannot be read."""

    def __init__(self, broken=False):
        super().__init__()
        self.broken = broken

    def __len__(self):
        return 2

    def __getitem__(self, number):
        if self.broken:
            raise RuntimeError("row 7 is missing")
        return np.zeros((2, 8 + number, 6, 3)), np.zeros(2)


class Rows:
    """Like a dataset of PyTorch: rows by their numbers, and no batches."""

    def __getitem__(self, number):
        return X[number], Y[number]

    def __len__(self):
        return len(X)


def raises(images):
    raise RuntimeError("no such file")


def looked_up(log_dir, tag):
    return see.read(log_dir)[tag]


# What is done: the callback and its arguments (`images` and `log_dir` are given if they do not stand there), the error,
# the argument that it names, and what came.
CALLBACKS = {
    "no images": (Watch, {"images": None}, TypeError, "images", "Got None."),
    "a path for images": (Watch, {"images": "photos/*.jpg"}, ValueError, "images", "pattern 'photos/*.jpg'."),
    "a Path for images": (Watch, {"images": Path("photos")}, ValueError, "images", "no file 'photos'."),
    "an address for images": (Watch, {"images": "https://a.b/c.png"}, ValueError, "images", "Got a web address."),
    "grey images without channels": (Watch, {"images": X[..., 0]}, ValueError, "images", "Got (4, 8, 6)."),
    "pictures of several sizes": (Watch, {"images": [SQUARE, WIDER]}, ValueError, "images", "Got 8 × 8, 8 × 9."),
    "images of several sizes": (
        Saliency,
        {"images": [X[0], X[0, 1:]]},
        ValueError,
        "images",
        "Got 8 × 6, 7 × 6.",
    ),
    "images of several channels": (
        Saliency,
        {"images": [X[0], X[0, ..., :1]]},
        ValueError,
        "images",
        "Got (8, 6, 3), (8, 6, 1).",
    ),
    "images and labels in a list": (Watch, {"images": [X, Y[:, None]]}, ValueError, "images", "Got 2."),
    "images with channels first": (
        CAM,
        {"images": np.moveaxis(TWO, -1, 1)},
        ValueError,
        "images",
        "shape (2, 3, 8, 6)",
    ),
    "images of another size": (Watch, {"images": np.zeros((2, 9, 9, 3))}, ValueError, "images", "shape (2, 9, 9, 3)"),
    "a whole dataset": (Watch, {"images": np.zeros((99, *SHAPE))}, ValueError, "images", "Got 99."),
    "images that are NaN": (Watch, {"images": TWO * np.nan}, ValueError, "images", "index [0, 1] hold NaN"),
    "no image": (Watch, {"images": X[:0]}, ValueError, "images", "Got (0, 8, 6, 3)."),
    "images of words": (Watch, {"images": np.full((2, *SHAPE), "red")}, TypeError, "images", "Got <U3 values."),
    "a generator": (Watch, {"images": (image for image in X)}, TypeError, "images", "Got generator."),
    "an iterator": (Watch, {"images": iter(X)}, TypeError, "images", "Got iterator."),
    "a model for images": (Watch, {"images": MODEL}, TypeError, "images", "Got Functional."),
    "a function for images": (Watch, {"images": photos}, TypeError, "images", "Got function."),
    "rows without a loader": (Watch, {"images": Rows()}, TypeError, "images", "Got Rows."),
    "a tuple of four": (Watch, {"images": (X, Y, Y, Y)}, ValueError, "images", "Got a tuple of 4."),
    "a dict with an unknown name": (Watch, {"images": {"photo": TWO}}, ValueError, "images", "Got photo."),
    "batches of several sizes": (
        Watch,
        {"images": Batches()},
        ValueError,
        "images",
        "Got images of (8, 6, 3), (9, 6, 3)",
    ),
    "a broken dataset": (
        Watch,
        {"images": Batches(broken=True)},
        ValueError,
        "images",
        "RuntimeError: row 7 is missing.",
    ),
    "a folder that is a number": (Watch, {"log_dir": 3}, TypeError, "log_dir", "Got 3."),
    "no folder": (Watch, {"log_dir": None}, TypeError, "log_dir", "Got None."),
    "a folder that is a file": (Watch, {"log_dir": __file__}, ValueError, "log_dir", "test_misuse.py' cannot"),
    "folder and images exchanged": (
        Watch,
        {"log_dir": X, "images": "logs"},
        TypeError,
        "log_dir",
        "shape (4, 8, 6, 3)",
    ),
    "a target that is no word": (Watch, {"targets": "cat"}, ValueError, "targets", "Got 'cat'."),
    "a class too high": (Watch, {"targets": 7}, ValueError, "targets", "got 7."),
    "a class below zero": (GradCAM, {"targets": -1}, ValueError, "targets", "got -1."),
    "half a class": (Watch, {"targets": 0.5}, ValueError, "targets", "got 0.5."),
    "too many targets": (Watch, {"targets": [0, 1, 2]}, ValueError, "targets", "Got an array of shape (3,)."),
    "targets of unequal length": (Watch, {"targets": [[0], [1, 2]]}, ValueError, "targets", "Got [[0], [1, 2]]."),
    "targets that are words": (Watch, {"targets": ["cat", "dog"]}, ValueError, "targets", "Got ['cat', 'dog']."),
    "a target that is an object": (Watch, {"targets": object()}, ValueError, "targets", "Got object."),
    "targets of labels that there are not": (Watch, {"targets": "label"}, ValueError, 'targets="label"', "none came"),
    "targets of labels that are no classes": (
        Watch,
        {"targets": "label", "labels": [1, 30]},
        ValueError,
        'targets="label"',
        "30 is none of the model's classes, 0 to 2.",
    ),
    "targets that are NaN": (Watch, {"targets": np.full((2, 3), np.nan)}, ValueError, "targets", "weights are NaN"),
    "a function of all outputs": (Watch, {"targets": lambda y: y}, ValueError, "targets", "it returned (n, 3)."),
    "a function without a result": (Watch, {"targets": lambda y: None}, ValueError, "targets", "it returned NoneType."),
    "a function that fails": (Watch, {"targets": raises}, ValueError, "targets", "no such file."),
    "a function of nothing": (Watch, {"targets": lambda: 1}, ValueError, "targets", "takes 0 positional arguments"),
    "too few labels": (Watch, {"labels": [1]}, ValueError, "labels", "Got [1]."),
    "one label": (Watch, {"labels": 1}, ValueError, "labels", "Got 1."),
    "a label that is a word": (Watch, {"labels": "cat"}, ValueError, "labels", "Got 'cat'."),
    "labels that are names of no class": (
        Watch,
        {"labels": ["cat", "cow"], "class_names": ["cat", "dog", "owl"]},
        ValueError,
        "labels",
        "Got 'cow'.",
    ),
    "labels that are names without a number": (
        Watch,
        {"labels": ["cat", "dog"]},
        ValueError,
        "labels",
        "Got no `class_names`.",
    ),
    "several names for each image": (
        Watch,
        {"labels": [["cat", "dog"], ["dog", "owl"]], "class_names": ["cat", "dog", "owl"]},
        ValueError,
        "labels",
        "Got an array of shape (2, 2).",
    ),
    "a method misspelt": (Watch, {"methods": "gradcam"}, ValueError, "methods", "Got 'gradcam'."),
    "a method that is a number": (Watch, {"methods": 3}, ValueError, "methods", "Got 3."),
    "a method that is a function": (Watch, {"methods": see.maps}, ValueError, "methods", "Got function."),
    "methods in a list of lists": (Watch, {"methods": [["cam"]]}, ValueError, "methods", "Got ['cam']."),
    "no method": (Watch, {"methods": []}, ValueError, "methods", "Got none."),
    "an option misspelt": (Watch, {"methods": {"grad_cam": {"lyer": "a"}}}, ValueError, "methods", "Got 'lyer'."),
    "options that are a name": (Watch, {"methods": {"grad_cam": "a"}}, TypeError, "methods", "Got 'a' for 'grad_cam'."),
    "a layer for saliency": (Watch, {"methods": {"saliency": {"layer": "a"}}}, ValueError, "layer", "Got 'a'."),
    "another layer for CAM": (Watch, {"methods": {"cam": {"layer": "a"}}}, ValueError, "layer", "Got the layer 'a'."),
    "a layer misspelt": (GradCAM, {"layer": "pol"}, ValueError, "layer", "It calls no 'pol'. Did you mean 'pool'?"),
    "a layer by its number": (GradCAM, {"layer": -1}, ValueError, "layer", "Got -1."),
    "a layer of another model": (
        GradCAM,
        {"layer": layers.ReLU(name="other")},
        ValueError,
        "layer",
        "calls no 'other'.",
    ),
    "a layer without rows": (GradCAM, {"layer": "gap"}, ValueError, "layer", "That of 'gap' has shape (batch, 5)."),
    "the output for a layer": (GradCAM, {"layer": "head"}, ValueError, "layer", "'head' gives what comes out of it."),
    "no layer in a list": (GradCAM, {"layer": []}, ValueError, "layer", "Got none."),
    "layers in a list of lists": (GradCAM, {"layer": [["a"]]}, ValueError, "layer", "Got ['a']."),
    "no images at all": (Watch, {"n": 0}, ValueError, "n", "Got 0."),
    "more images than there are": (Watch, {"n": 50}, ValueError, "n", "Got 50."),
    "how many images in words": (Watch, {"n": "8"}, ValueError, "n", "Got '8'."),
    "every 0 epochs": (Watch, {"every": 0}, ValueError, "every", "Got 0."),
    "every half epoch": (Watch, {"every": 0.5}, ValueError, "every", "Got 0.5."),
    "every so many words": (Watch, {"every": "epoch"}, ValueError, "every", "Got 'epoch'."),
    "every of an array": (Watch, {"every": np.arange(3)}, ValueError, "every", "Got an array of shape (3,)."),
    "how many epochs": (Watch, {"epochs": 5}, TypeError, "epochs", "Got 5."),
    "epochs below zero": (Watch, {"epochs": [-1]}, ValueError, "epochs", "Got -1."),
    "no epochs": (Watch, {"epochs": []}, ValueError, "epochs", "Got none."),
    "epochs as yes and no": (Watch, {"epochs": [True, False]}, ValueError, "epochs", "Got True."),
    "epochs and every": (Watch, {"epochs": [1], "every": 2}, ValueError, "epochs", "Got every=2 too."),
    "a budget in per cent": (Watch, {"budget": 5}, ValueError, "budget", "Got 5."),
    "a budget in words": (Watch, {"budget": "5 %"}, ValueError, "budget", "Got '5 %'."),
    "a budget that is an object": (Watch, {"budget": object()}, ValueError, "budget", "Got object."),
    "a size with its unit": (Watch, {"max_megabytes": "50 MB"}, ValueError, "max_megabytes", "Got '50 MB'."),
    "a size below zero": (Watch, {"max_megabytes": -2}, ValueError, "max_megabytes", "Got -2."),
    "a name with spaces": (Watch, {"name": "my run"}, ValueError, "name", "Got 'my run'."),
    "a name that is a number": (Watch, {"name": 3}, ValueError, "name", "Got 3."),
    "class names in one word": (Watch, {"class_names": "cat"}, TypeError, "class_names", "Got 'cat'."),
    "class names in a dict": (Watch, {"class_names": {0: "cat"}}, TypeError, "class_names", "Got {0: 'cat'}."),
    "class names in lists": (
        Watch,
        {"class_names": [["a"], ["b", "c"]]},
        TypeError,
        "class_names",
        "Got [['a'], ['b', 'c']]",
    ),
    "too few class names": (Watch, {"class_names": ["cat", "dog"]}, ValueError, "class_names", "Got 2."),
    "the name of a preprocess": (Watch, {"preprocess": "resnet"}, TypeError, "preprocess", "Got 'resnet'."),
    "a preprocess that fails": (Watch, {"preprocess": raises}, ValueError, "preprocess", "RuntimeError: no such file."),
    "a preprocess without a result": (Watch, {"preprocess": lambda x: None}, ValueError, "preprocess", "Got None."),
    "a preprocess that crops": (Watch, {"preprocess": lambda x: x[:, 1:]}, ValueError, "preprocess", "(2, 7, 6, 3)."),
    "a preprocess that gives NaN": (Watch, {"preprocess": lambda x: x * np.nan}, ValueError, "preprocess", "NaN"),
    "a display in words": (Watch, {"display": "rgb"}, ValueError, "display", "Got 'rgb'."),
    "a display of one value": (Watch, {"display": (1, 1)}, ValueError, "display", "Got (1, 1)."),
    "a display of words": (Watch, {"display": ("black", "white")}, ValueError, "display", "Got ('black', 'white')."),
    "a display that fails": (Watch, {"display": raises}, ValueError, "display", "RuntimeError: no such file."),
    "a display without a result": (Watch, {"display": lambda x: None}, ValueError, "display", "Got None."),
    "a display of too few": (Watch, {"display": PICTURES[:1]}, ValueError, "display", "Got 1."),
    "a scale that is unknown": (Watch, {"scale": "epoch"}, ValueError, "scale", "Got 'epoch'."),
    "no scale": (Watch, {"scale": None}, ValueError, "scale", "Got None."),
    "too few regions": (Watch, {"regions": BOXES[:1]}, ValueError, "regions", "Got [(0, 0, 4, 4)]."),
    "a region that is a word": (Watch, {"regions": "face"}, ValueError, "regions", "Got 'face'."),
    "a region that is a number": (Watch, {"regions": 3}, ValueError, "regions", "Got 3."),
    "regions of three numbers": (
        Watch,
        {"regions": [(1, 2, 3)] * 2},
        ValueError,
        "regions",
        "Got [(1, 2, 3), (1, 2, 3)].",
    ),
    "regions that are none": (Watch, {"regions": [None, None]}, ValueError, "regions", "Got [None, None]."),
    "regions outside": (Watch, {"regions": [(9, 9, 12, 12)] * 2}, ValueError, "regions", "index [0, 1]."),
    "masks of numbers": (
        Watch,
        {"regions": np.ones((2, 8, 6))},
        ValueError,
        "regions",
        "Got an array of shape (2, 8, 6).",
    ),
    "sheets of another word": (Watch, {"sheets": "some"}, ValueError, "sheets", "Got 'some'."),
    "images shown by half": (Watch, {"show_images": "half"}, TypeError, "show_images", "Got 'half'."),
    "hidden images that are rebuilt": (
        *(Watch, {"show_images": False, "methods": ["cam", "content"]}, ValueError, "show_images=False"),
        "Got both.",
    ),
    "a tracker that is unknown": (Watch, {"trackers": ["fodler"]}, ValueError, "trackers", "Got 'fodler'."),
    "yes in words": (Watch, {"before_training": "yes"}, TypeError, "before_training", "Got 'yes'."),
    "batches of nothing": (Watch, {"batch_size": 0}, ValueError, "batch_size", "Got 0."),
    "batches of all": (Watch, {"batch_size": None}, ValueError, "batch_size", "Got None."),
    "a channel too high": (NeuronImages, {"layer": "a", "channels": [9]}, ValueError, "channels", "Got [9]."),
    "channels in words": (NeuronImages, {"layer": "a", "channels": "all"}, ValueError, "channels", "Got 'all'."),
    "no steps": (NeuronImages, {"steps": 0}, ValueError, "steps", "Got 0."),
    "options of neurons in a list": (
        Watch,
        {"methods": {"neurons": ["a"]}},
        TypeError,
        "methods",
        "Got ['a'] for 'neurons'.",
    ),
    "neurons of no layer": (NeuronImages, {"layer": []}, ValueError, "layer", "Got none."),
    "no neurons": (NeuronImages, {"channels": 0}, ValueError, "channels", "Got 0."),
    "a display of neurons": (NeuronImages, {"display": "rgb"}, ValueError, "display", "Got 'rgb'."),
    "samples in words": (NeuronImages, {"samples": "x"}, ValueError, "samples", "no file 'x'."),
    "samples of vectors": (NeuronImages, {"samples": X[0, 0]}, ValueError, "samples", "Got (6, 3)."),
    "an output misspelt": (Watch, {"targets": lambda y: {"a": y}["b"]}, ValueError, "targets", ": 'b'."),
    "a restart in words": (NeuronImages, {"restart": "often"}, ValueError, "restart", "Got 'often'."),
    "made images of another size": (NeuronImages, {"size": (99, 99)}, ValueError, "size", "Got (99, 99)."),
    "an option of neurons misspelt": (
        Watch,
        {"methods": {"neurons": {"sedd": 1}}},
        ValueError,
        "methods",
        "Got 'sedd'.",
    ),
    "a layer of content misspelt": (ContentImages, {"layers": "hed"}, ValueError, "layer", "Did you mean 'head'?"),
    "no layers of content": (ContentImages, {"layers": []}, ValueError, "layers", "Got an empty list."),
    "a prior below zero": (ContentImages, {"prior": -1}, ValueError, "prior", "Got -1."),
    "a range turned round": (ContentImages, {"value_range": (1, 0)}, ValueError, "value_range", "Got (1, 0)."),
}

# What functions are given unless a row says otherwise.
GIVEN = {
    see.saliency_maps: MAPPED,
    see.grad_cam_maps: MAPPED,
    see.class_activation_maps: MAPPED,
    see.maps: MAPPED,
    metrics.energy_inside: {"maps": MAPS, "regions": BOXES},
    metrics.pointing_hits: {"maps": MAPS, "regions": BOXES},
    see.layers: {},
    see.gap_classifier: {"classes": 3},
    see.overlay: {"images": TWO, "maps": MAPS},
    see.sheet: {"images": TWO, "columns": {}},
    see.save_film: {"source": [(0, PICTURES[0])], "path": "film.gif"},
    see.save_report: {"log_dir": "log", "path": "run.html"},
    see.show: {"log_dir": "log"},
    see.read: {"log_dir": "log"},
    looked_up: {"log_dir": "log"},
    see.dream: {"model": OPEN, "image": PICTURES[0], "octaves": 1, "steps": 1},
    see.neuron_images: {"model": MODEL, "layer": "a", "channels": 0, "steps": 1},
    see.class_images: {"model": MODEL, "targets": None, "steps": 1},
    see.content_images: {"model": MODEL, "images": TWO, "layer": "a", "steps": 1},
}

# What is called, with what beside that which `GIVEN` says.
FUNCTIONS = {
    "a batch of photos": (see.dream, {"image": PICTURES}, ValueError, "image", "Got (2, 8, 6, 3)."),
    "a photo of ragged rows": (see.dream, {"image": [[1], [1, 2]]}, TypeError, "image", "Got [[1], [1, 2]]."),
    "a path of a photo": (see.dream, {"image": "photo.jpg"}, ValueError, "image", "no file 'photo.jpg'."),
    "a guide that is a text": (see.dream, {"guide": "text.keras"}, ValueError, "guide", "'text.keras' is none"),
    "a photo of seven channels": (see.dream, {"image": np.zeros((8, 6, 7))}, ValueError, "image", "shape (8, 6, 7)."),
    "a photo that is NaN": (see.dream, {"image": X[0] * np.nan}, ValueError, "image", "holds NaN or infinity."),
    "a dream of no octaves": (see.dream, {"octaves": 0}, ValueError, "octaves", "Got 0."),
    "a dream of half a step": (see.dream, {"steps": 0.5}, ValueError, "steps", "Got 0.5."),
    "octaves that do not grow": (see.dream, {"octave_scale": 1}, ValueError, "octave_scale", "Got 1."),
    "a step of no size": (see.dream, {"step_size": 0}, ValueError, "step_size", "Got 0."),
    "a tile of three sides": (see.dream, {"tile": (1, 2, 3)}, ValueError, "tile", "Got (1, 2, 3)."),
    "a dream against itself": (see.dream, {"strength": -1}, ValueError, "strength", "Got -1."),
    "a mask of another size": (
        see.dream,
        {"mask": np.ones((2, 2))},
        ValueError,
        "mask",
        "Got shape (2, 2)",
    ),
    "a mask of ragged rows": (see.dream, {"mask": [[1], [1, 2]]}, TypeError, "mask", "Got [[1], [1, 2]]."),
    "a mask of bytes": (see.dream, {"mask": np.full((8, 6), 255)}, ValueError, "mask", "from 255 to 255."),
    "layers in a list in a list": (see.dream, {"layers": [["conv2d"]]}, TypeError, "layers", "Got ['conv2d']."),
    "no layers to dream of": (see.dream, {"layers": []}, ValueError, "layers", "Got none."),
    "layers that count nothing": (see.dream, {"layers": {"class_maps": 0}}, ValueError, "layers", "All weights are 0."),
    "layers of odd weight": (see.dream, {"layers": {"class_maps": "much"}}, ValueError, "layers", "has 'much'."),
    "a path for the model": (see.saliency_maps, {"model": "model.keras"}, TypeError, "model", "Got 'model.keras'."),
    "a class for the model": (see.layers, {"model": keras.Model}, TypeError, "model", "Got the class Model."),
    "images for the model": (
        see.grad_cam_maps,
        {"model": TWO},
        TypeError,
        "model",
        "Got an array of shape (2, 8, 6, 3).",
    ),
    "a model without weights": (see.maps, {"model": Subclassed()}, ValueError, "model", "has no weights yet."),
    "a dataset for images": (see.maps, {"images": Batches()}, TypeError, "images", "Got Batches."),
    "a folder for images": (see.maps, {"images": "log"}, ValueError, "images", "'log' is a folder."),
    "a text for images": (see.maps, {"images": ["text.keras"]}, ValueError, "images", "'text.keras' is none"),
    "an iterator for images of maps": (see.maps, {"images": iter(X)}, TypeError, "images", "Got iterator."),
    "labels in a list with images": (see.maps, {"images": [TWO, Y[:2]]}, ValueError, "images", "Got 2."),
    "too many labels": (see.maps, {"images": (TWO, Y)}, ValueError, "labels", "Got an array of shape (4,)."),
    "pictures of two inputs": (
        see.maps,
        {"model": two_inputs(), "images": "photo.jpg"},
        TypeError,
        "images",
        "Got 'photo.jpg'.",
    ),
    "pictures of two channels": (
        see.saliency_maps,
        {"model": TWO_CHANNELS, "images": SQUARE},
        ValueError,
        "images",
        "takes 2.",
    ),
    "pictures of several sizes for any": (
        see.maps,
        {"model": OPEN, "images": [SQUARE, WIDER]},
        ValueError,
        "images",
        "Got 8 × 8, 8 × 9.",
    ),
    "a model of vectors": (see.saliency_maps, {"model": VECTORS}, ValueError, "model", "takes (n, 4)."),
    "a layer for all methods": (see.maps, {"layer": "a"}, TypeError, "layer", "Got 'a'."),
    "a method misspelt for maps": (see.maps, {"methods": "Grad-CAM"}, ValueError, "methods", "Got 'Grad-CAM'."),
    "unequal inputs": (see.maps, {"images": [X, Y[:2, None]]}, ValueError, "images", "Got (4, 8, 6, 3), (2, 1)."),
    "a number for two outputs": (see.maps, {"model": dict_outputs(), "targets": 1}, ValueError, "targets", "Got 1."),
    "a set of targets": (see.saliency_maps, {"targets": {1, 2}}, ValueError, "targets", "Got {1, 2}."),
    "CAM without a GAP head": (
        see.class_activation_maps,
        {"model": linear()},
        ValueError,
        "model",
        "has none: nothing",
    ),
    "Grad-CAM without rows": (see.grad_cam_maps, {"model": linear()}, ValueError, "model", "None of the 2 calls"),
    "two layers of Grad-CAM": (see.grad_cam_maps, {"layer": ["a", "b"]}, ValueError, "layer", "Got ['a', 'b']."),
    "a layer that is a dict": (see.grad_cam_maps, {"layer": {}}, ValueError, "layer", "Got {}."),
    "a size of one number": (see.grad_cam_maps, {"size": 8}, ValueError, "size", "Got 8."),
    "a size of broken pixels": (see.grad_cam_maps, {"size": (8.5, 4)}, ValueError, "size", "Got (8.5, 4)."),
    "a size in words": (see.class_activation_maps, {"size": "big"}, ValueError, "size", "Got 'big'."),
    "made images for maps": (
        see.maps,
        {"methods": "neurons"},
        ValueError,
        "methods",
        "'neurons' are optimized images.",
    ),
    "a number for methods": (see.maps, {"methods": 3}, ValueError, "methods", "Got 3."),
    "one side of layers": (see.layers, {"model": OPEN, "size": 32}, ValueError, "size", "Got 32."),
    "layers of nothing": (see.layers, {"model": OPEN, "size": (0, 8)}, ValueError, "size", "Got (0, 8)."),
    "layers of too little": (see.layers, {"model": OPEN, "size": (1, 1)}, ValueError, "model", "on shape (n, 1, 1, 3)"),
    "no classes": (see.gap_classifier, {"classes": 0}, ValueError, "classes", "Got 0."),
    "names of classes": (see.gap_classifier, {"classes": ["a", "b"]}, ValueError, "classes", "Got ['a', 'b']."),
    "a shape of one number": (see.gap_classifier, {"input_shape": 32}, ValueError, "input_shape", "Got 32."),
    "a shape below zero": (
        see.gap_classifier,
        {"input_shape": (-8, 8, 3)},
        ValueError,
        "input_shape",
        "Got (-8, 8, 3).",
    ),
    "no channels": (see.gap_classifier, {"input_shape": (8, 8, None)}, ValueError, "input_shape", "Got (8, 8, None)."),
    "an image for a shape": (see.gap_classifier, {"input_shape": X[0]}, ValueError, "input_shape", "shape (8, 6, 3)."),
    "another shape": (
        see.gap_classifier,
        {"input_shape": (9, 9, 3), "backbone": SMALL},
        ValueError,
        "input_shape",
        "Got (9, 9, 3).",
    ),
    "the name of a backbone": (see.gap_classifier, {"backbone": "resnet"}, TypeError, "backbone", "Got 'resnet'."),
    "a layer for a backbone": (see.gap_classifier, {"backbone": layers.ReLU()}, TypeError, "backbone", "Got ReLU."),
    "a shapeless backbone": (see.gap_classifier, {"backbone": Subclassed()}, ValueError, "backbone", "tells none."),
    "a backbone and its head": (see.gap_classifier, {"backbone": MODEL}, ValueError, "backbone", "gives (None, 3)."),
    "an unknown head": (see.gap_classifier, {"head": "mlp"}, ValueError, "head", "Got 'mlp'."),
    "an activation of a kind": (
        see.gap_classifier,
        {"activation": layers.ReLU},
        ValueError,
        "activation",
        "the class ReLU.",
    ),
    "too few maps": (see.overlay, {"maps": MAPS[:1]}, ValueError, "maps", "Got 1."),
    "one map": (see.overlay, {"maps": MAPS[0]}, ValueError, "maps", "Got an array of shape (4, 3)."),
    "all that maps returned": (see.overlay, {"maps": {"cam": MAPS}}, ValueError, "maps", "Got a dict of 1."),
    "no maps": (see.overlay, {"maps": None}, ValueError, "maps", "Got None."),
    "an opacity in words": (see.overlay, {"alpha": "half"}, ValueError, "alpha", "Got 'half'."),
    "an opacity above one": (see.overlay, {"alpha": 2}, ValueError, "alpha", "Got 2."),
    "unknown colours": (see.overlay, {"colors": "jet"}, ValueError, "colors", "Got 'jet'."),
    "colours in a list": (see.overlay, {"colors": ["red"]}, ValueError, "colors", "Got ['red']."),
    "the scale of a run": (see.overlay, {"scale": "run"}, ValueError, "scale", "Got 'run'."),
    "no scale of an overlay": (see.overlay, {"scale": None}, ValueError, "scale", "Got None."),
    "pictures without a title": (see.sheet, {"columns": PICTURES}, TypeError, "columns", "shape (2, 8, 6, 3)."),
    "maps for pictures": (see.sheet, {"columns": {"CAM": MAPS}}, ValueError, "columns", "shape (2, 4, 3) for 'CAM'."),
    "too few pictures": (see.sheet, {"columns": {"CAM": PICTURES[:1]}}, ValueError, "columns", "Got 1."),
    "too few captions": (see.sheet, {"captions": ["a"]}, ValueError, "captions", "Got 1."),
    "captions that are numbers": (see.sheet, {"captions": [1, 2]}, TypeError, "captions", "Got [1, 2]."),
    "a footer that is a number": (see.sheet, {"footer": 3}, TypeError, "footer", "Got 3."),
    "a film of another kind": (see.save_film, {"path": "film.mp4"}, ValueError, "path", "Got 'film.mp4'."),
    "a film in no folder": (see.save_film, {"path": "no/film.gif"}, FileNotFoundError, "path", "no folder 'no'."),
    "a film of no folder": (see.save_film, {"source": "no"}, FileNotFoundError, "source", "There is no folder 'no'."),
    "pictures without steps": (see.save_film, {"source": list(PICTURES)}, ValueError, "source", "shape (8, 6, 3)."),
    "a film of nothing": (see.save_film, {"source": None}, TypeError, "source", "Got None."),
    "a film of numbers": (see.save_film, {"source": "log", "tag": "loss"}, ValueError, "tag", "see/cam. Got 'loss'."),
    "a report of another kind": (see.save_report, {"path": "run.pdf"}, ValueError, "path", "Got 'run.pdf'."),
    "a report in no folder": (see.save_report, {"path": "no/a.html"}, FileNotFoundError, "path", "no folder 'no'."),
    "a report of no folder": (see.save_report, {"log_dir": "no"}, FileNotFoundError, "log_dir", "no folder 'no'."),
    "a report of nothing": (see.save_report, {"log_dir": []}, ValueError, "log_dir", "Got an empty list."),
    "a report of a number": (see.save_report, {"log_dir": 3}, TypeError, "log_dir", "Got 3."),
    "a report without maps": (see.save_report, {}, ValueError, "log_dir", "There are none in 'log'."),
    "a viewer of no height": (see.show, {"height": 0}, ValueError, "height", "Got 0."),
    "a film in no time": (see.save_film, {"seconds": 0}, ValueError, "seconds", "Got 0."),
    "no folder to read": (see.read, {"log_dir": "no"}, FileNotFoundError, "log_dir", "There is no folder 'no'."),
    "a number to read": (see.read, {"log_dir": 3}, TypeError, "log_dir", "Got 3."),
    "a number for tags": (see.read, {"tags": 3}, TypeError, "tags", "Got 3."),
    "a tag that is not there": (looked_up, {"tag": "see/cma"}, KeyError, "tag", "Got 'see/cma'."),
    "too few boxes": (metrics.energy_inside, {"regions": BOXES[:1]}, ValueError, "regions", "Got [(0, 0, 4, 4)]."),
    "boxes for maps": (metrics.pointing_hits, {"maps": BOXES}, ValueError, "maps", "Got [(0, 0, 4, 4), (0, 0, 4, 4)]."),
    "no boxes": (metrics.pointing_hits, {"regions": None}, ValueError, "regions", "Got None."),
    "images for their size": (metrics.energy_inside, {"size": TWO}, ValueError, "size", "shape (2, 8, 6, 3)."),
    "a neuron of no layer": (see.neuron_images, {"layer": "zz"}, ValueError, "layer", "It calls no 'zz'."),
    "a neuron of two layers": (see.neuron_images, {"layer": ["a", "b"]}, ValueError, "layer", "Got ['a', 'b']."),
    "neurons of two inputs": (
        see.neuron_images,
        {"model": two_inputs()},
        ValueError,
        "model",
        "takes (None, 1), (None,",
    ),
    "a neuron too high": (see.neuron_images, {"channels": 9}, ValueError, "channels", "Got 9."),
    "neurons in words": (see.neuron_images, {"channels": "all"}, ValueError, "channels", "Got 'all'."),
    "all of many neurons": (
        see.neuron_images,
        {"model": WIDE, "layer": None, "channels": None},
        ValueError,
        "channels",
        "has 65.",
    ),
    "steps in words": (see.neuron_images, {"steps": "many"}, ValueError, "steps", "Got 'many'."),
    "a seed below zero": (see.neuron_images, {"seed": -1}, ValueError, "seed", "Got -1."),
    "made images in words": (see.neuron_images, {"size": "big"}, ValueError, "size", "Got 'big'."),
    "made images too small": (
        see.neuron_images,
        {"model": OPEN, "layer": None, "size": (2, 2)},
        ValueError,
        "size",
        "(n, 2, 2, 3)",
    ),
    "a range of one number": (see.neuron_images, {"value_range": 255}, ValueError, "value_range", "Got 255."),
    "a preprocess of nothing": (see.neuron_images, {"preprocess": raises}, ValueError, "preprocess", "no such file."),
    "the word for preprocess": (see.neuron_images, {"preprocess": "vgg"}, TypeError, "preprocess", "Got 'vgg'."),
    "a crop for neurons": (
        see.neuron_images,
        {"preprocess": lambda x: x[:, 1:]},
        ValueError,
        "preprocess",
        "(n, 7, 6, 3)",
    ),
    "an unknown objective": (see.neuron_images, {"objective": "logit"}, ValueError, "objective", "Got 'logit'."),
    "a neuron without a place": (
        see.neuron_images,
        {"layer": "gap", **NEURON},
        ValueError,
        'objective="neuron"',
        "(batch, 5).",
    ),
    "a position outside": (see.neuron_images, {"position": (9, 9), **NEURON}, ValueError, "position", "Got (9, 9)."),
    "a position of a channel": (see.neuron_images, {"position": (1, 1)}, ValueError, "position", "Got (1, 1)"),
    "a direction too short": (
        see.neuron_images,
        {"channels": None, "direction": [1, 2]},
        ValueError,
        "direction",
        "Got [1, 2].",
    ),
    "a direction and channels": (
        see.neuron_images,
        {"direction": [1, 0, 0, 0]},
        ValueError,
        "direction",
        "Got more than one.",
    ),
    "a diversity in words": (see.neuron_images, {"diversity": "much"}, ValueError, "diversity", "Got 'much'."),
    "views in words": (see.neuron_images, {"transforms": "jitter"}, TypeError, "transforms", "Got 'jitter'."),
    "a rate below zero": (see.neuron_images, {"rate": -1}, ValueError, "rate", "Got -1."),
    "an unknown storage": (
        see.neuron_images,
        {"parameterization": "fft"},
        ValueError,
        "parameterization",
        "Got 'fft'.",
    ),
    "samples in grey": (see.neuron_images, {"samples": X[..., :1]}, ValueError, "samples", "shape (4, 8, 6, 1)."),
    "a class in words": (see.class_images, {"targets": "cat"}, ValueError, "targets", "Got 'cat'."),
    "no class": (see.class_images, {"targets": []}, ValueError, "targets", "Got []."),
    "a class image too high": (see.class_images, {"targets": 9}, ValueError, "targets", "got 9."),
    "classes of two outputs": (
        see.class_images,
        {"model": dict_outputs()},
        ValueError,
        "targets",
        "has several outputs.",
    ),
    "a layer for content": (see.content_images, {"images": "a"}, ValueError, "images", "no file 'a'."),
    "content of two inputs": (
        see.content_images,
        {"model": two_inputs(), "images": [Y[:2, None], TWO]},
        ValueError,
        "images",
        "Got a list of 2.",
    ),
    "content out of range": (see.content_images, {"value_range": (0, 0.1)}, ValueError, "images", "Theirs go from"),
    "content of no layer": (see.content_images, {"layer": []}, ValueError, "layer", "Got none."),
    "a prior in words": (see.content_images, {"prior": "smooth"}, ValueError, "prior", "Got 'smooth'."),
}

# What is typed, and what the last line of the answer holds.
USED_PORT = socket.create_server(("127.0.0.1", 0))
atexit.register(USED_PORT.close)
COMMANDS = {
    "a model that is not there": (["layers", "none.keras"], "MODEL", "no file 'none.keras'", "Check the path."),
    "a model that is a folder": (["layers", "log"], "MODEL", "no file 'log'", "Check the path."),
    "a model that is a text": (["layers", "text.keras"], "MODEL", "'text.keras' is none: ", "Save one with"),
    "a run that is not there": (["board", "none"], "FOLDER", "no folder 'none'", "Check the path."),
    "a run that is a file": (["board", "text.keras"], "FOLDER", "no folder 'text.keras'", "Check the path."),
    "a port in words": (
        ["board", "log", "--port", "http"],
        "--port",
        "'http'",
        "must be a whole number from 1 to 65535",
    ),
    "a port that is too high": (["board", "log", "--port", "65536"], "--port", "'65536'", "from 1 to 65535"),
    "a port in use": (
        ["board", "log", "--port", str(USED_PORT.getsockname()[1])],
        "--port",
        "Another program uses",
        "Leave --port out",
    ),
    "a photo that is not there": (
        ["dream", "none.jpg", "-o", "a.png"],
        "picture",
        "no file 'none.jpg'",
        "Check the path.",
    ),
    "a photo that is a text": (
        ["dream", "text.keras", "-o", "a.png"],
        "picture",
        "'text.keras' is none",
        "save it as PNG.",
    ),
    "a dream that is a text": (["dream", "a.jpg", "-o", "a.txt"], "output", "Got 'a.txt'.", "one of these endings."),
    "a dream in no folder": (["dream", "a.jpg", "-o", "x/a.png"], "output", "Got 'x/a.png'.", "Make the folder"),
    "layers of odd numbers": (
        ["dream", "a.jpg", "-o", "a.png", "--layers", "a=much"],
        "--layers",
        "Got 'a=much'.",
        "A weight is a number.",
    ),
    "photographs that are not there": (
        ["demo", "--data", "none"],
        "--data",
        "no folder 'none'",
        "FOLDER/class/picture",
    ),
    "photographs without classes": (["demo", "--data", "log"], "--data", "0 classes", "FOLDER/class/picture.jpg."),
    "a demo of no epochs": (["demo", "--epochs", "0"], "--epochs", "'0'", "must be a whole number from 1"),
}

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    crops = tf.data.Dataset.range(8, 12).map(lambda side: tf.zeros((side, 6, 3)))
    came = "Got images of (8, 6, 3), (9, 6, 3), (10, 6, 3)"
    CALLBACKS["a tf.data set of several sizes"] = (Watch, {"images": crops}, ValueError, "images", came)
    ragged = crops.ragged_batch(2)
    CALLBACKS["ragged batches of tf.data"] = (Watch, {"images": ragged}, ValueError, "images", "(9, 6, 3), (11, 6, 3).")

if keras.backend.backend() == "torch":
    import torch

    rows = torch.utils.data.TensorDataset(torch.from_numpy(X))
    CALLBACKS["a torch dataset without a loader"] = (Watch, {"images": rows}, TypeError, "images", "Got TensorDataset.")

EVERYTHING = [*CALLBACKS, *FUNCTIONS, *COMMANDS]


class FirstBatch(keras.callbacks.Callback):
    """Counts the batches that were begun."""

    begun = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.begun += 1


def fit(*callbacks):
    return MODEL.fit(X, Y, batch_size=4, verbose=0, callbacks=list(callbacks))


def made_of(name, folder, **options):
    kind, given, *_ = CALLBACKS[name]
    images = {} if kind is NeuronImages else {"images": TWO}
    return kind(**{"log_dir": folder, **images, **given, **options})


def do(name):
    """Do what a row says, in a folder that holds a `log` and a text that is no model."""
    if name in COMMANDS:
        raise ValueError(said_by_command(COMMANDS[name][0]))
    if name in CALLBACKS:
        first_batch = FirstBatch()
        try:
            fit(first_batch, made_of(name, "run"))
        finally:
            assert not first_batch.begun
    else:
        function, given, *_ = FUNCTIONS[name]
        function(**GIVEN[function] | given)


def said_by_command(arguments):
    """Return what a command says when it ends with the status of a mistake, and not otherwise."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            status = main(arguments)
        except SystemExit as end:  # of argparse
            status = end.code
    assert status == 2
    return said.getvalue().strip().splitlines()[-1]


@functools.cache
def error_of(name):
    """Return the error that a row raises, and check that no batch began and nothing was written."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        picture = Picture(Image.fromarray(PICTURES[0]))
        TensorBoard("log").write(0, {"see/cam": picture, "loss": Number(1.0)})
        Path("text.keras").write_text("no model")
        with pytest.raises(Exception) as caught:  # noqa: PT011
            do(name)
        assert {path.name for path in Path().iterdir()} <= {"log", "text.keras", "run"}
        assert not list(Path().glob("run/*"))
    return caught.value


def check(error, kind, argument, came):
    said = str(error.args[0])
    assert type(error) is kind, said
    assert f"`{argument}`" in said
    assert came in said
    assert re.search(r"[.?] \S.{9,}[.?)]$|Did you mean", said[said.index(came) :]), "it says what to do"
    assert not re.search(r"0x|array\(|<(class|function|object)|Traceback|\n", said), "it shows no object, in one line"


@pytest.mark.parametrize("name", COMMANDS)
def test_misuse_of_a_command_ends_in_one_line_that_says_what_to_do(name):
    said = str(error_of(name))
    assert said.startswith("keras-see")
    for words in COMMANDS[name][1:]:
        assert words in said


@pytest.mark.parametrize("name", [*CALLBACKS, *FUNCTIONS])
def test_misuse_is_an_error_before_the_first_batch_that_says_what_to_do(name):
    check(error_of(name), *(CALLBACKS | FUNCTIONS)[name][-3:])


def test_with_strict_off_all_of_these_are_only_logged_and_training_runs(tmp_path, caplog):
    with caplog.at_level(logging.ERROR, "keras_see"):
        callbacks = [made_of(name, tmp_path, strict=False) for name in CALLBACKS]
        history = fit(*callbacks)
    assert np.isfinite(history.history["loss"]).all()
    expected = [f"{kind.__name__} is switched off: {error_of(name)}" for name, (kind, *_) in CALLBACKS.items()]
    assert sorted(record.getMessage() for record in caplog.records) == sorted(expected)
    assert not list(tmp_path.glob("*tfevents*"))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", [Watch, Saliency, GradCAM, CAM, NeuronImages, ContentImages])
def test_an_option_that_does_not_exist_is_a_type_error_of_python(tmp_path, kind, strict):
    images = {} if kind is NeuronImages else {"images": TWO}
    with pytest.raises(TypeError, match="unexpected keyword argument 'evry'"):
        kind(tmp_path, **images, evry=2, strict=strict)


def beginnings():
    """Return what `docs/messages.md` says that messages begin with, as regular expressions."""
    page = (Path(__file__).parents[1] / "docs" / "messages.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    return [".*".join(map(re.escape, row.split("…"))) for row in rows if row != "message"]


def test_the_page_of_messages_lists_those_that_are_raised_and_no_others():
    said = [re.sub(r"^keras-see[ a-z]*: (error: )?", "", str(error_of(name).args[0])) for name in EVERYTHING]
    listed = beginnings()
    assert len(listed) == len(set(listed))
    matches = {message: [row for row in listed if re.match(row, message)] for message in said}
    assert {message: rows for message, rows in matches.items() if len(rows) != 1} == {}
    assert {row for rows in matches.values() for row in rows} == set(listed)
