import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from PIL import Image

from keras_see.runs.records import Picture
from keras_see.runs.tensorboard import TensorBoard


@pytest.fixture
def run(tmp_path):
    """A run of twenty steps, more than TensorBoard keeps by itself."""
    writer = TensorBoard(tmp_path)
    for step in range(20):
        writer.write(step, {"see/overview": Picture(Image.new("RGB", (8, 8), (step, 0, 0)))})
    return tmp_path


@contextmanager
def board(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "keras_see", "board", *map(str, arguments)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address_in(line):
    return re.search(r"(http://\S+/)#see", line)[1]


def steps_shown(address):
    """Return the steps of the pictures, once TensorBoard has read them."""
    for _ in range(60):
        with urllib.request.urlopen(f"{address}data/plugin/images/tags", timeout=30) as response:
            if "see/overview" in json.loads(response.read()).get(".", {}):
                break
        time.sleep(0.5)
    with urllib.request.urlopen(f"{address}data/plugin/images/images?run=.&tag=see/overview&sample=0") as response:
        return [image["step"] for image in json.loads(response.read())]


def test_the_board_shows_every_step_says_only_where_and_ends_with_its_process(run):
    with board(run, "--port", free_port()) as process:
        address = address_in(process.stdout.readline())
        assert steps_shown(address) == list(range(20))
        process.terminate()
        assert process.communicate(timeout=30) == ("", "")
    with pytest.raises(OSError, match="refused"):
        steps_shown(address)


def test_a_board_beside_another_takes_the_next_free_port_and_says_so(run):
    with listening(6006), board(run) as process:
        assert process.stdout.readline() == "Port 6006 is in use; this is the next free one.\n"
        address = address_in(process.stdout.readline())
        assert ":6006" not in address
        assert steps_shown(address)


@contextmanager
def listening(port):
    """Keep a port in use, unless another program does."""
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
        except OSError:
            assert one.connect_ex(("127.0.0.1", port)) == 0
        yield one.getsockname()[1]


def free_port():
    with listening(0) as port:
        return port


def test_a_port_in_use_is_refused_in_one_line(run):
    with listening(0) as port, board(run, "--port", port) as process:
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert said == (
        f"keras-see: --port must be a free port. Another program uses {port}. "
        "Leave --port out for the first free one from 6006.\n"
    )
