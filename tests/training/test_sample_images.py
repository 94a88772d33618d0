import random

import keras
import numpy as np
import pytest
from PIL import Image

from keras_see import Watch, read
from keras_see.training.sample_images import sample

X = np.random.default_rng(0).random((20, 8, 8, 3)).astype("float32")
Y = np.arange(20) % 4


class Random(keras.utils.PyDataset):
    """Batches of three, that draw random numbers."""

    def __len__(self):
        return 6

    def __getitem__(self, number):
        random.random(), np.random.random()
        part = slice(3 * number, 3 * number + 3)
        return X[part], Y[part]


class Large(np.ndarray):
    """An array that is too large to be copied."""

    def __deepcopy__(self, memo):
        raise MemoryError


class Drawing(keras.utils.PyDataset):
    """Batches of images held in memory, in an order that its own generator and its own list of numbers decide."""

    def __init__(self):
        super().__init__()
        self.data, self.numbers = {"x": [X.view(Large)], "y": Y}, np.arange(20)
        self.random, self.read = np.random.default_rng(3), []

    def __len__(self):
        return 6

    def __getitem__(self, number):
        self.random.shuffle(self.numbers)
        self.read.append(number)
        part = self.numbers[:3]
        return np.asarray(self.data["x"][0])[part], self.data["y"][part]


def test_a_dataset_in_memory_is_read_without_a_copy_of_its_images_and_left_as_it_was():
    dataset = Drawing()
    taken = sample(dataset, n=5)
    assert dataset.read == []
    np.testing.assert_array_equal(dataset.numbers, np.arange(20))
    first, _ = dataset[0]
    np.testing.assert_array_equal(taken.images[:3], first)
    assert dataset.read == [0]


def test_all_images_of_an_array_are_taken_or_the_first_n():
    assert sample(X).count == 20
    np.testing.assert_array_equal(sample(X, n=3).images, X[:3])


WORDS = np.array(["a", "b", "c", "d"])[Y]


def labels_of(*args, **options):
    """Return the labels of a model's one output."""
    (labels,) = sample(*args, **options).labels
    return labels


@pytest.mark.parametrize(
    "labels", [Y, Y[:, None], Y / 4, keras.utils.to_categorical(Y), np.ones((20, 8, 8)), WORDS, list(WORDS)]
)
def test_labels_come_with_the_images_as_they_are(labels):
    np.testing.assert_array_equal(labels_of((X, labels), n=5), labels[:5])
    np.testing.assert_array_equal(labels_of((X, labels, np.ones(20)), n=5), labels[:5])


def test_labels_can_be_given_beside_the_images():
    np.testing.assert_array_equal(labels_of(X, labels=Y.astype("float32"), n=4), Y[:4])
    assert sample(X, n=4).labels == []


def test_a_dataset_gives_its_first_images_and_random_state_is_kept():
    random.seed(1), np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1), np.random.seed(1)
    taken = sample(Random())
    assert (random.random(), np.random.random()) == expected
    np.testing.assert_array_equal(taken.images, X[:8])
    np.testing.assert_array_equal(taken.labels, [Y[:8]])


@pytest.mark.backends("tensorflow")
@pytest.mark.parametrize("batch", [3, None])
def test_a_tf_dataset_gives_its_first_images(batch):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    taken = sample(dataset if batch is None else dataset.batch(batch), n=7)
    np.testing.assert_array_equal(taken.images, X[:7])
    np.testing.assert_array_equal(taken.labels, [Y[:7]])


@pytest.mark.parametrize("labels", [{"p": Y, "q": 1 - Y}, (Y, 1 - Y), [Y, 1 - Y]])
def test_labels_of_several_outputs_are_an_array_each(labels):
    found = sample((X, labels), n=3)
    np.testing.assert_array_equal(found.labels, [Y[:3], 1 - Y[:3]])
    np.testing.assert_array_equal(found.images, X[:3])


def test_labels_of_unequal_length_do_not_keep_the_images_away():
    found = sample((X, [[1], [0, 2]] * 10))
    np.testing.assert_array_equal(found.images, X)
    assert set(found.labels[0]) == {None}


@pytest.mark.parametrize("wrap", [lambda y: {"p": y}, lambda y: [y], lambda y: list(y), lambda y: (y,)])
def test_labels_of_one_output_are_one_array_in_any_structure(wrap):
    np.testing.assert_array_equal(labels_of((X, wrap(Y))), Y)


@pytest.mark.parametrize("wrap", [lambda y: (y, y), lambda y: {"p": y, "q": y}])
def test_a_dataset_s_labels_of_several_outputs_are_an_array_each(wrap):
    class Several(Random):
        def __getitem__(self, number):
            x, y = super().__getitem__(number)
            return x, wrap(y)

    taken = sample(Several())
    np.testing.assert_array_equal(taken.labels, [Y[:8]] * 2)
    np.testing.assert_array_equal(taken.images, X[:8])


@pytest.mark.backends("tensorflow")
@pytest.mark.parametrize("batch", [3, None])
def test_a_tf_dataset_s_labels_may_be_structures(batch):
    import tensorflow as tf

    for labels, expected in (({"p": Y}, [Y[:8]]), ((Y, Y), [Y[:8]] * 2), (WORDS, [WORDS[:8].astype(bytes)])):
        dataset = tf.data.Dataset.from_tensor_slices((X, labels))
        taken = sample(dataset if batch is None else dataset.batch(batch))
        np.testing.assert_array_equal(taken.images, X[:8])
        np.testing.assert_array_equal(taken.labels, expected)


@pytest.mark.backends("torch")
def test_a_shuffled_data_loader_leaves_torch_s_random_numbers_as_they_were():
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=3, shuffle=True)
    before = torch.get_rng_state()
    taken = sample(loader, n=5)
    assert torch.equal(before, torch.get_rng_state())
    for image, label in zip(taken.images, *taken.labels, strict=True):
        (place,) = np.flatnonzero((image == X).all(axis=(1, 2, 3)))
        assert Y[place] == label


def test_several_inputs_keep_their_structure():
    taken = sample({"photo": X, "age": Y[:, None]}, n=2)
    assert taken.images["photo"].shape == (2, 8, 8, 3)
    assert taken.images["age"].shape == (2, 1)


def test_preprocess_gets_a_copy():
    def preprocess(images):
        images *= 2
        return images - 1

    images = X.copy()
    taken = sample(images, preprocess=preprocess)
    np.testing.assert_array_equal(taken.images, X)
    np.testing.assert_array_equal(images, X)
    np.testing.assert_array_equal(taken.inputs, X * 2 - 1)


def test_an_empty_dataset_is_refused():
    class Empty(Random):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="The dataset is empty"):
        sample(Empty())


@pytest.mark.backends("torch")
def test_a_data_loader_with_a_generator_of_its_own_draws_the_same_batches_as_without_us():
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    generator = torch.Generator().manual_seed(3)
    loader = torch.utils.data.DataLoader(data, batch_size=3, shuffle=True, generator=generator)
    before = generator.get_state()
    sample(loader, n=5)
    assert torch.equal(before, generator.get_state())


def test_a_dataset_with_random_numbers_of_its_own_draws_the_same_as_without_us():
    class Own(Random):
        def __init__(self):
            super().__init__()
            self.numbers = np.random.default_rng(0)

        def __getitem__(self, number):
            return super().__getitem__(self.numbers.integers(6))

    dataset = Own()
    before = dataset.numbers.bit_generator.state
    sample(dataset)
    assert dataset.numbers.bit_generator.state == before


@pytest.mark.parametrize("preprocess", [lambda images: images[:2], lambda images: None, lambda images: 3.0])
def test_a_preprocess_that_loses_images_is_refused(preprocess):
    with pytest.raises(ValueError, match="`preprocess` must return what the model takes, for each of the 20 images"):
        sample(X, preprocess=preprocess)


def test_pictures_are_sample_images_with_their_labels(tmp_path):
    for number in range(3):
        Image.new("RGB", (8, 6), (number, 0, 0)).save(tmp_path / f"{number}.png")
    paths = sorted(tmp_path.iterdir())
    taken = sample((paths, [2, 0, 1]))
    np.testing.assert_array_equal(taken.images[:, 0, 0, 0], [0, 1, 2])
    np.testing.assert_array_equal(taken.labels[0], [2, 0, 1])
    assert taken.images.shape == (3, 6, 8, 3)
    assert taken.images.dtype == np.float32
    for images in (paths[0], str(paths[0]), Image.open(paths[0]), tuple(paths[:1])):
        np.testing.assert_array_equal(sample(images).images, taken.images[:1])
    np.testing.assert_array_equal(sample(paths, preprocess=lambda images: images / 255).inputs * 255, taken.images)


def test_too_many_pictures_are_refused_before_they_are_read():
    with pytest.raises(ValueError, match=r"at most 64 unless .* Got 65\."):
        sample(["none.png"] * 65)


@pytest.mark.parametrize("shape", [(20, 30), (8, 6)])
def test_pictures_that_do_not_fit_the_model_are_refused_with_a_preprocess_that_makes_them_fit(tmp_path, shape):
    Image.new("L", (shape[1], shape[0])).save(tmp_path / "a.png")
    model = keras.Sequential([keras.Input((8, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    watch = Watch(tmp_path / "logs", tmp_path / "a.png", methods="saliency")
    watch.set_model(model)
    with pytest.raises(ValueError, match=r"must fit the model's input.* Pass preprocess=") as caught:
        watch.on_train_begin()
    code = str(caught.value).partition("preprocess=")[2].rstrip(".")
    preprocess = eval(code, {"keras": keras, "numpy": np})
    model.fit(
        np.zeros((2, 8, 6, 3)),
        np.zeros((2, 2)),
        verbose=0,
        callbacks=[Watch(tmp_path / "logs", tmp_path / "a.png", methods="saliency", preprocess=preprocess)],
    )
    assert len(read(tmp_path / "logs")["see/saliency"]) == 2
