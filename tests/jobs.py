"""Start the processes of a job, and read what they say and write."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np

import keras_see

PROGRAM = pathlib.Path(__file__).with_name("process_job.py")
SOURCE = pathlib.Path(keras_see.__file__).parents[1]


def free_port():
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return one.getsockname()[1]


def run(kind, folder, case="with", count=1, environment=()):
    """Run a job of `count` processes; return of each its exit status, its last line as JSON, and its complaints."""
    added = {"PYTHONPATH": str(SOURCE), "KERAS_BACKEND": keras.backend.backend(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    without = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    port, pipe = free_port(), subprocess.PIPE
    commands = [[sys.executable, str(PROGRAM), kind, str(each), str(port), str(folder), case] for each in range(count)]
    started = [
        subprocess.Popen(command, env={**without, **added, **dict(environment)}, stdout=pipe, stderr=pipe, text=True)
        for command in commands
    ]
    try:
        ended = []
        for process in started:
            ended.append(process.communicate(timeout=240))
            if process.returncode:  # the others may wait for it
                for other in started:
                    other.kill()
    finally:
        for process in started:
            process.kill()
    lines = [[line for line in said.splitlines() if line.startswith("{")] for said, _ in ended]
    said = [json.loads(line[-1]) if line else None for line in lines]
    return [
        (process.returncode, *rest) for process, *rest in zip(started, said, (end[1] for end in ended), strict=True)
    ]


def assert_is_one_run(folder):
    assert len(list(folder.glob("*tfevents*"))) == 1
    assert [step for step, _ in keras_see.read(folder)["see/overview"]] == [-1, 0, 1, 2]


def assert_same_maps(folder, reference):
    """Compare two runs: the numbers of their maps within float tolerance, the pictures within a shade."""
    one, other = keras_see.read(folder), keras_see.read(reference)
    for tag in ("see/saliency/peak", "see/grad_cam/peak", "see/saliency/range", "see/grad_cam/range"):
        assert one[tag]
        np.testing.assert_allclose([v for _, v in one[tag]], [v for _, v in other[tag]], rtol=1e-4, err_msg=tag)
    pairs = zip(one["see/overview"], other["see/overview"], strict=True)
    assert max(np.abs(a.astype(int) - b.astype(int)).mean() for (_, a), (_, b) in pairs) < 0.5
