import numpy as np
import pytest
from PIL import Image

from keras_see.cli.demo_data import SIDE, cluttered_digits, photographs

pytest.importorskip("sklearn", reason="scikit-learn, of the extra `demo`, ships the digits")


def test_the_digit_lies_in_its_box_and_the_same_seed_gives_the_same_images():
    images, labels, boxes = cluttered_digits(40, seed=3)
    again = cluttered_digits(40, seed=3)
    for first, second in zip((images, labels, boxes), again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert images.shape == (40, SIDE, SIDE, 1)
    for image, (x0, y0, x1, y1) in zip(images[..., 0], boxes, strict=True):
        assert 0 <= x0 < x1 <= SIDE
        assert 0 <= y0 < y1 <= SIDE
        assert image[y0:y1, x0:x1].mean() > image.mean()


def test_validation_digits_are_never_trained_on():
    from sklearn.datasets import load_digits

    digits = load_digits()
    first = len(digits.images) * 4 // 5
    _, labels, _ = cluttered_digits(500, seed=1, validation=True)
    chosen = np.random.default_rng(1).integers(len(digits.images) - first, size=500)
    np.testing.assert_array_equal(labels, digits.target[first:][chosen])


def folder_of(path, classes=("a", "b"), count=6):
    for place, name in enumerate(classes):
        (path / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (20, 30), (100 * place, number, 0)).save(path / name / f"{number}.png")


def test_a_folder_of_class_folders_is_split_and_every_picture_is_used_once(tmp_path):
    folder_of(tmp_path, count=10)
    training, validation, classes = photographs(tmp_path, 16)
    assert classes == ["a", "b"]
    seen = []
    for dataset in (training, validation):
        for number in range(len(dataset)):
            images, labels = dataset[number]
            assert images.shape[1:] == (16, 16, 3)
            assert (images[:, 0, 0, 0] == labels * 100).all()
            seen += [(label, image[0, 0, 1]) for image, label in zip(images, labels, strict=True)]
    assert len(seen) == len(set(seen)) == 20


def test_a_folder_with_train_and_val_keeps_its_split(tmp_path):
    folder_of(tmp_path / "train")
    folder_of(tmp_path / "val", count=5)
    training, validation, _ = photographs(tmp_path, 16)
    assert sum(len(training[number][1]) for number in range(len(training))) == 12
    assert sum(len(validation[number][1]) for number in range(len(validation))) == 10


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="FOLDER/class/picture"):
        photographs(tmp_path, 16)


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path, capsys):
    folder_of(tmp_path)
    whole = (tmp_path / "a" / "0.png").read_bytes()
    (tmp_path / "a" / "0.png").write_bytes(whole[:-30])
    (tmp_path / "b" / "0.png").write_text("no picture")
    training, validation, _ = photographs(tmp_path, 16)
    assert sum(len(part[number][1]) for part in (training, validation) for number in range(len(part))) == 10
    said = capsys.readouterr().out
    assert "Left out, since they cannot be read as pictures: " in said
    assert all(f"{tmp_path / name / '0.png'}" in said for name in ("a", "b"))
