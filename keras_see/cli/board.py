"""`keras-see board`: TensorBoard with every step kept, and the address of its images."""

import contextlib
import io
import os
import socket
import time
from pathlib import Path

# The port that is tried first where none is asked for, as in TensorBoard.
PORT = 6006


def run(options):
    """Serve a folder until the process is ended."""
    if not Path(options.log_dir).is_dir():
        raise ValueError(f"FOLDER must hold a run. There is no folder {options.log_dir!r}. Check the path.")
    if options.port is not None and _is_used(options.port):
        raise _refused(f"Another program uses {options.port}")
    if not any(Path(options.log_dir).rglob("*tfevents*")):
        print(f"There are no event files in {options.log_dir!r} yet; pictures show once a run writes them.")
    address = serve(options.log_dir, options.port)
    if options.port is None and f":{PORT}/" not in address:
        print(f"Port {PORT} is in use; this is the next free one.")
    print(f"Open {address}#images (Ctrl+C ends it)", flush=True)
    while True:
        time.sleep(3600)


def serve(log_dir, port=None):
    """Start TensorBoard in this process, on another thread, and return its address.

    Args:
        log_dir: The folder to show.
        port: The port to use, or None for the first free one from 6006.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorBoard imports TensorFlow where that is installed
    with contextlib.redirect_stderr(io.StringIO()):
        from tensorboard import program

        board = program.TensorBoard()
        # TensorBoard keeps ten images per tag, chosen at random, unless told otherwise.
        board.configure(logdir=log_dir, port=port, samples_per_plugin={"images": 1000})
        try:
            return board.launch()
        except program.TensorBoardServerException as error:
            raise _refused(error.msg) from error


def _is_used(port):
    with socket.socket() as one:
        return one.connect_ex(("localhost", port)) == 0


def _refused(why):
    return ValueError(f"--port must be a free port. {why}. Leave --port out for the first free one from {PORT}.")
