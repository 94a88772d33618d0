"""What can happen to a whole process: full disks, kills, others that write too. Each case starts processes."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest

import keras_see

TRAIN = """
    import os, resource, signal, sys
    import numpy as np, keras, keras_see
    from keras import layers

    folder, case = sys.argv[1:]
    if case == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).random((16, 32, 32, 3)).astype("float32"), np.arange(16) % 2
    parts = [layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((32, 32, 3)), *parts])
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = keras_see.Watch(folder, x[:4])
    callbacks = [watch]

    if case == "kill while writing":
        from keras_see.runs import tensorboard

        append = tensorboard.TensorBoard._append

        def cut_off(self, event):
            if event.step == 2:
                data = event.SerializeToString()
                with (self.folder / self._name).open("ab") as file:
                    file.write(len(data).to_bytes(8, "little") + data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return append(self, event)

        tensorboard.TensorBoard._append = cut_off

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            watch._run_writer.drain()
            if epoch == 3:
                os.kill(os.getpid(), signal.SIGKILL)

    class Fork(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                from keras_see.runs.run_writer import run_writer_at
                from keras_see.runs.records import Number

                child = os.fork()
                if child == 0:
                    mine = run_writer_at(folder)
                    mine.submit(lambda: mine.write(0, {"child": Number(2.0)}))
                    mine.drain()
                    os._exit(0)
                os.waitpid(child, 0)

    if case == "fork":
        callbacks.append(Fork())
    if case in ("kill", "kill while writing", "resume"):
        callbacks.append(keras.callbacks.BackupAndRestore(os.path.join(folder, "backup"), delete_checkpoint=False))
    if case in ("kill", "kill while writing"):
        callbacks.append(Kill())
    history = model.fit(x, y, epochs=6, callbacks=callbacks, verbose=0)
    print("epochs", len(history.history["loss"]), "failures", len(watch.failures))
"""


def start(folder, case):
    command = [sys.executable, "-c", textwrap.dedent(TRAIN), str(folder), case]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def steps(folder, tag="see/overview"):
    return [step for step, _ in keras_see.read(folder)[tag]]


def assert_survived(said, complaints, folder):
    assert "epochs 6" in said, complaints
    assert "failures 0" not in said
    assert "No picture at step" in complaints
    found = steps(folder, "see/saliency/maps")
    assert found
    assert found == list(range(-1, -1 + len(found)))


def test_a_limit_of_the_file_size_ends_no_training_and_leaves_a_readable_file(tmp_path):
    assert_survived(*start(tmp_path, "full").communicate(), tmp_path)


@contextlib.contextmanager
def small_disk(folder, options):
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_no_training_and_leaves_a_readable_file(tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk, "size=800k"):
        said, complaints = start(disk / "logs", "plain").communicate()
        assert "No space left on device" in complaints
        assert_survived(said, complaints, disk / "logs")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("case", ["kill", "kill while writing"])
def test_a_killed_run_is_readable_and_a_restored_one_goes_on_after_it(tmp_path, case):
    killed = start(tmp_path, case)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    before = steps(tmp_path)
    assert before == ([-1, 0, 1, 2] if case == "kill" else [-1, 0, 1])
    said, complaints = start(tmp_path, "resume").communicate()
    assert "failures 0" in said, complaints
    resumed = steps(tmp_path)[len(before) :]
    assert resumed in ([3, 4, 5], [2, 3, 4, 5])  # the kill comes from beside training, before or after the backup
    assert steps(tmp_path) == [*before, *resumed]
    for path in tmp_path.glob("*tfevents*"):
        assert path.stat().st_size > 0


def test_two_processes_can_write_to_one_folder(tmp_path):
    both = [start(tmp_path, "plain") for _ in range(2)]
    for process in both:
        said, complaints = process.communicate()
        assert "epochs 6 failures 0" in said, complaints
    assert len(list(tmp_path.glob("*tfevents*"))) == 2
    assert steps(tmp_path)[-1] >= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_training_forks_off_writes_a_file_of_its_own(tmp_path):
    said, complaints = start(tmp_path, "fork").communicate(timeout=120)
    assert "epochs 6 failures 0" in said, complaints
    assert len(list(tmp_path.glob("*tfevents*"))) == 2
    assert keras_see.read(tmp_path)["child"] == [(0, 2.0)]
    assert steps(tmp_path) == [-1, 0, 1, 2, 3, 4, 5]


def test_a_read_only_disk_is_refused_before_training(tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk, "ro,size=1m"):
        said, complaints = start(disk / "logs", "plain").communicate()
        assert "epochs" not in said
        assert "`log_dir` must be a folder that can be written to" in complaints
