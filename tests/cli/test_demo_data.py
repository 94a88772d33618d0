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


def all_of(dataset):
    return np.concatenate([dataset[number][0] for number in range(len(dataset))])


def test_photographs_are_turned_by_their_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate by 90 degrees
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            picture = Image.new("RGB", (20, 20))
            picture.paste((255, 255, 255), (0, 0, 10, 20))  # left half white, which is the upper half once turned
            picture.save(tmp_path / name / f"{number}.png", exif=exif)
    images = all_of(photographs(tmp_path, 4)[0])
    assert (images[:, 0] > 240).all()
    assert (images[:, 3] < 15).all()


def test_tiff_files_are_photographs_and_16_bits_are_not_clipped(tmp_path):
    for name, value in (("a", 100), ("b", 200)):
        (tmp_path / name).mkdir()
        for number in range(6):
            Image.fromarray(np.full((9, 9), 257 * value, "uint16")).save(
                tmp_path / name / f"{number}.tif{'f' * (number % 2)}"
            )
    training, validation, _ = photographs(tmp_path, 4)
    images = np.concatenate([all_of(training), all_of(validation)])
    assert sorted(images[:, 0, 0, 0].tolist()) == [100] * 6 + [200] * 6


def test_files_that_only_look_like_pictures_are_named(tmp_path, capsys):
    folder_of(tmp_path)
    for name in ("c.heic", "d.svg", "e.txt"):
        (tmp_path / "a" / name).write_text("no picture")
    photographs(tmp_path, 4)
    said = capsys.readouterr().out
    assert (
        f"Left out, since they cannot be read as pictures: {tmp_path / 'a' / 'c.heic'}, {tmp_path / 'a' / 'd.svg'}"
        in said
    )
    assert "e.txt" not in said


def test_what_was_changed_in_pictures_is_told_in_one_line_for_all(tmp_path, capsys):
    folder_of(tmp_path)
    for number in range(7):
        Image.fromarray(np.array([[-1.0, number + 2]], "float32")).save(tmp_path / "a" / f"map{number}.tif")
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(tmp_path / "b" / "clear.png")
    photographs(tmp_path, 4)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"Values are stretched: {tmp_path / 'a' / 'map0.tif'}, ")
    assert lines[0].endswith("map4.tif and 2 more")
    assert lines[1] == f"Transparency is left out: {tmp_path / 'b' / 'clear.png'}"
