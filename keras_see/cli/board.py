"""`keras-see board`: TensorBoard with every step kept, and the address of its images."""

import socket
import time
from pathlib import Path

from keras_see.runs.event_files import is_address
from keras_see.runs.remote import checked_address
from keras_see.runs.tensorboard import ServingError, serve

# The port that is tried first where none is asked for, as in TensorBoard.
PORT = 6006


def run(options):
    """Serve a folder until the process is ended."""
    is_remote = is_address(options.log_dir)
    if is_remote:
        checked_address("FOLDER", options.log_dir)
    elif not Path(options.log_dir).is_dir():
        raise ValueError(f"FOLDER must hold a run. There is no folder {options.log_dir!r}. Check the path.")
    if options.port is not None and _is_used(options.port):
        raise _refused(f"Another program uses {options.port}")
    if not is_remote and not any(Path(options.log_dir).rglob("*tfevents*")):
        print(f"There are no event files in {options.log_dir!r} yet; pictures show once a run writes them.")
    try:
        address = serve(options.log_dir, options.port)
    except ServingError as error:
        raise _refused(str(error)) from error
    if options.port is None and f":{PORT}/" not in address:
        print(f"Port {PORT} is in use; this is the next free one.")
    print(f"Open {address}#images (Ctrl+C ends it)", flush=True)
    while True:
        time.sleep(3600)


def _is_used(port):
    with socket.socket() as one:
        return one.connect_ex(("localhost", port)) == 0


def _refused(why):
    return ValueError(f"--port must be a free port. {why}. Leave --port out for the first free one from {PORT}.")
