"""Make the pictures of docs/deep_dream.md again: python docs/dream_pictures.py MODEL [MODE].

MODEL and MODE are those of `keras-see dream --model MODEL --preprocess MODE`. Those in the repository were made with
BVLC's GoogLeNet, whose weights are released for unrestricted use, and "caffe". The photographs are the two that
scikit-learn ships.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import keras_see
from keras_see.cli.model_loading import named_model
from keras_see.deepdream.deep_dream import image_array_for, octave_runner
from keras_see.deepdream.options import DreamOptions
from keras_see.deepdream.zoom import zoom_frames
from keras_see.visualization.animation import write_picture

HERE = Path(__file__).parent / "pictures"
SMALL = (320, 213)
FRAMES = 36


def main():
    """Make all pictures."""
    model, preprocess = named_model(*sys.argv[1:])
    china, flower = load_sample_images().images
    options = {"preprocess": preprocess, "verbose": True}
    save([[each, keras_see.dream(model, each, **options)] for each in (china, flower)], "dreams")
    joints = [layer.path for layer in keras_see.layers(model) if layer.type == "Concatenate"]
    depths = [joints[int(share * len(joints))] for share in (0.0, 0.25, 0.5, 0.9)]
    dreams = [keras_see.dream(model, china, depth, **options) for depth in depths]
    save([dreams[:2], dreams[2:]], "dream_depths")
    print("From above left:", ", ".join(depths))
    guided = keras_see.dream(model, china, joints[int(0.5 * len(joints))], guide=flower, **options)
    mask = np.arange(china.shape[1]) > china.shape[1] // 2
    half = keras_see.dream(model, china, mask=np.broadcast_to(mask, china.shape[:2]), **options)
    save([[guided, half]], "dream_guide")
    zoom(model, preprocess, flower)


def zoom(model, preprocess, photograph):
    """Save a film that zooms into a dream."""
    small = np.asarray(Image.fromarray(photograph).resize(SMALL, Image.Resampling.LANCZOS))
    photo, dream_options = image_array_for(model, small), DreamOptions()
    runner = octave_runner(model, None, photo, dream_options, preprocess=preprocess)
    frames = list(zoom_frames(runner, photo, dream_options, FRAMES))
    write_picture(frames, HERE / "dream_zoom.webp", seconds=0.09, quality=60)


def save(rows, name):
    """Save pictures in rows and columns, without space between them."""
    whole = Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))
    whole.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
    whole.save(HERE / f"{name}.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main()
