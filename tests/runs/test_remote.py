"""Remote folders: refused without fsspec; with it one run for TensorBoard and `read`, whatever the network does."""

import importlib.util
import pathlib
import uuid

import keras
import numpy as np
import pytest

import keras_see
from keras_see.callbacks import Saliency
from keras_see.cli.main import main
from keras_see.runs import remote
from keras_see.runs.event_files import is_address
from keras_see.runs.records import Number, Picture
from keras_see.runs.run_writer import run_writer_at
from keras_see.runs.tensorboard import TensorBoard

HAS_FSSPEC = importlib.util.find_spec("fsspec") is not None
X = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")

with_fsspec = pytest.mark.skipif(not HAS_FSSPEC, reason="fsspec is not installed")
without_fsspec = pytest.mark.skipif(HAS_FSSPEC, reason="fsspec is installed")

ADDRESSES = ["gs://bucket/run", "s3://bucket/run", "az://box/run", "hdfs://host/run", "file:///var/run", "gs:/bucket"]


def fit(*callbacks, epochs=3):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((4, 2)), epochs=epochs, callbacks=[*callbacks], verbose=0)


def steps(folder, tag="see/saliency"):
    return [step for step, _ in keras_see.read(folder)[tag]]


def ours(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "keras_see"]


@pytest.fixture
def address():
    return f"memory://{uuid.uuid4().hex}/run"


@pytest.fixture
def network(monkeypatch):
    """The store of `memory://`; raises while its `is_away` is true."""
    import fsspec

    system = type(fsspec.filesystem("memory"))
    write = system.pipe_file

    def written(self, *args, **options):
        if network.is_away:
            raise ConnectionError("no route")
        return write(self, *args, **options)

    monkeypatch.setattr(system, "pipe_file", written)
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.01)
    network.is_away = False
    return network


@pytest.mark.parametrize("text", [*ADDRESSES, "memory://a", "simplecache::s3://a"])
def test_addresses_are_told_from_local_paths(text):
    assert is_address(text)
    assert is_address(pathlib.PurePosixPath(text))


@pytest.mark.parametrize("path", ["logs/run1", "/logs", "C:/logs", "C:\\logs", "logs/a:b", "~/logs", "a b/c", 3, None])
def test_local_paths_are_no_addresses(path):
    assert not is_address(path)


@without_fsspec
@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_refused_without_fsspec_and_makes_no_folder(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    tries = [lambda: Saliency(text, X[:2]), lambda: keras_see.read(text), lambda: TensorBoard(text)]
    tries += [lambda: keras_see.save_film(text, "film.gif"), lambda: Saliency(pathlib.Path(text), X[:2])]
    for function in tries:
        with pytest.raises(
            ValueError, match=r"must be a local folder, or an address.*fsspec is not installed\. Run pip install"
        ):
            function()
    assert main(["board", text]) == 2
    assert "FOLDER must be a local folder, or an address that fsspec can open" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@with_fsspec
def test_an_address_of_a_store_that_is_not_installed_or_not_known_is_refused():
    with pytest.raises(ValueError, match=r"an address that fsspec can open.*Protocol not known: nosuch"):
        Saliency("nosuch://bucket/run", X[:2])
    if importlib.util.find_spec("gcsfs") is None:
        with pytest.raises(ValueError, match=r"Got 'gs://bucket/run': Please install gcsfs"):
            Saliency(pathlib.Path("gs://bucket/run"), X[:2])


@pytest.mark.parametrize(
    "function",
    [
        lambda text: keras_see.writers.Folder(text),
        lambda text: keras_see.save_film([(0, np.zeros((4, 4, 3), "uint8"))], f"{text}/film.gif"),
    ],
    ids=["Folder", "save_film"],
)
def test_plain_files_are_local(function):
    with pytest.raises(ValueError, match="must be a local"):
        function("s3://bucket/run")


def test_the_demo_is_local(capsys):
    pytest.importorskip("sklearn")
    assert main(["demo", "--log-dir", "s3://bucket/run"]) == 2
    assert "--log-dir must be a local folder" in capsys.readouterr().err


@with_fsspec
def test_a_run_in_a_remote_folder_is_read_as_one_and_goes_on_where_it_ended(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    fit(Saliency(address, X[:2]))
    assert steps(address) == [-1, 0, 1, 2]
    fit(Saliency(address, X[:2]), epochs=2)
    assert steps(address) == [-1, 0, 1, 2, 3, 4]
    assert keras_see.read(address)["see/saliency"][-1][1].dtype == np.uint8
    keras_see.save_film(address, "film.gif", tag="see/saliency")
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


@with_fsspec
@pytest.mark.backends("torch", "jax")  # TensorFlow's own file layer knows no such address
def test_tensorboard_reads_the_objects_of_a_remote_folder_as_one_run(address):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(Saliency(address, X[:2]))
    board = EventAccumulator(address, size_guidance={"tensors": 0}).Reload()
    assert [event.step for event in board.Tensors("see/saliency")] == [-1, 0, 1, 2]


@with_fsspec
def test_runs_below_a_remote_folder_have_their_path_before_their_tags(address):
    for run in ("a", "a/b"):
        writer = TensorBoard(f"{address}/{run}")
        writer.write(0, {"x": Number(1.0)})
        writer.close()
    assert dict(keras_see.read(address)) == {"a/x": [(0, 1.0)], "a/b/x": [(0, 1.0)]}
    assert TensorBoard(address).last_step("x") is None
    assert TensorBoard(f"{address}/a").last_step("x") == 0


class Outage(keras.callbacks.Callback):
    """The network is away during some epochs, once all before is written."""

    def __init__(self, address, network, epochs):
        super().__init__()
        self.writer, self.network, self.epochs = run_writer_at(address), network, epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs[0]:
            self.writer.drain()
        self.network.is_away = epoch in self.epochs


@with_fsspec
def test_a_network_that_fails_for_a_while_loses_nothing_and_is_told_in_one_line(address, network, caplog):
    callback = Saliency(address, X[:2])
    fit(Outage(address, network, [2, 3, 4]), callback, epochs=7)
    assert steps(address) == [-1, *range(7)]
    assert not callback.failures
    (line,) = ours(caplog)
    assert line == f"'{address}' cannot be written to now: no route. " + (
        "Up to 100 MB wait for it; then the oldest pictures are dropped."
    )


@with_fsspec
def test_what_does_not_fit_the_queue_are_the_oldest_pictures_and_what_is_lost_is_told(
    address, network, caplog, monkeypatch
):
    from PIL import Image

    monkeypatch.setattr(remote, "MOST_WAITING", 30_000)
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), "uint8")
    record, writer = Picture(Image.fromarray(noise)), TensorBoard(address)
    network.is_away = True
    for step in range(9):
        writer.write(step, {"picture": record, "number": Number(step)})
    network.is_away = False
    writer.close()
    shown = steps(address, "picture")
    assert 1 < len(shown) < 9
    assert shown == list(range(9))[-len(shown) :]
    assert keras_see.read(address)["number"] == [(step, float(step)) for step in range(9)]
    lost = ", ".join(map(str, range(9 - len(shown))))
    assert ours(caplog)[-1] == f"Pictures of {9 - len(shown)} steps could not be written to '{address}': {lost}."


@with_fsspec
def test_a_network_that_stays_away_ends_no_training_and_what_is_lost_is_told(address, network, caplog, monkeypatch):
    monkeypatch.setattr(remote, "LAST_WAIT", 0.3)
    fit(Outage(address, network, [1, 2]), Saliency(address, X[:2]))
    assert steps(address) == [-1, 0]
    assert ours(caplog)[-1] == f"Pictures of 2 steps could not be written to '{address}': 1, 2."
    network.is_away = False


@with_fsspec
def test_a_store_that_cannot_be_written_to_is_refused_before_training(address, network):
    network.is_away = True
    with pytest.raises(ValueError, match=r"folder that can be written to.*cannot: no route"):
        fit(Saliency(address, X[:2]))
    network.is_away = False


@with_fsspec
def test_a_write_does_not_wait_for_the_network(address, network, monkeypatch):
    """The store hangs until the test lets it go: a writer that waited for it would never come back."""
    import threading

    gate, begun = threading.Event(), threading.Event()
    monkeypatch.setattr(remote.RemoteFolder, "put", lambda *args: (begun.set(), gate.wait()))
    writer = TensorBoard(address)
    for step in range(20):
        writer.write(step, {"a": Number(1.0)})
    assert begun.wait(30)
    gate.set()
    writer.close()
