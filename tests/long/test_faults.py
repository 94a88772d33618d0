"""What can happen to a whole process: full disks, kills, others that write too. Each case starts processes."""

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

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                os.kill(os.getpid(), signal.SIGKILL)

    if case in ("kill", "resume"):
        callbacks.append(keras.callbacks.BackupAndRestore(os.path.join(folder, "backup"), delete_checkpoint=False))
    if case == "kill":
        callbacks.append(Kill())
    history = model.fit(x, y, epochs=6, callbacks=callbacks, verbose=0)
    print("epochs", len(history.history["loss"]), "failures", len(watch.failures))
"""


def start(folder, case):
    command = [sys.executable, "-c", textwrap.dedent(TRAIN), str(folder), case]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def steps(folder, tag="see/overview"):
    return [step for step, _ in keras_see.read(folder)[tag]]


def test_a_full_disk_ends_no_training_and_leaves_a_readable_file(tmp_path):
    said, complaints = start(tmp_path, "full").communicate()
    assert "epochs 6" in said, complaints
    assert "failures 0" not in said
    assert "No picture at step" in complaints
    found = steps(tmp_path, "see/saliency")
    assert found
    assert found == list(range(-1, -1 + len(found)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_is_readable_and_a_restored_one_goes_on_after_it(tmp_path):
    killed = start(tmp_path, "kill")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    before = steps(tmp_path)
    assert before in ([-1, 0, 1, 2], [-1, 0, 1])  # the last may still have been on its way
    said, complaints = start(tmp_path, "resume").communicate()
    assert "failures 0" in said, complaints
    assert steps(tmp_path) == [*before, *range(3, 6)]
    for path in tmp_path.glob("*tfevents*"):
        assert path.stat().st_size > 0


def test_two_processes_can_write_to_one_folder(tmp_path):
    both = [start(tmp_path, "plain") for _ in range(2)]
    for process in both:
        said, complaints = process.communicate()
        assert "epochs 6 failures 0" in said, complaints
    assert len(list(tmp_path.glob("*tfevents*"))) == 2
    assert steps(tmp_path)[-1] >= 5


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_read_only_disk_is_refused_before_training(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        said, complaints = start(disk / "logs", "plain").communicate()
        assert "epochs" not in said
        assert "`log_dir` must be a folder that can be written to" in complaints
    finally:
        subprocess.run(["umount", str(disk)], check=True)
