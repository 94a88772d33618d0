"""`keras-see board`: TensorBoard's See tab with every step kept, and its address."""

import signal
import socket
import time
import webbrowser
from pathlib import Path

from keras_see.runs.tensorboard import ServingError, serve
from keras_see.viewer.report import named_folders

# The port that is tried first where none is asked for, as in TensorBoard.
PORT = 6006


def run(options):
    """Serve folders until the process is ended."""
    for folder in options.log_dir:
        if not Path(folder).is_dir():
            raise ValueError(f"FOLDER must hold a run. There is no folder {folder!r}. Check the path.")
    if options.port is not None and _is_used(options.port):
        raise _refused(f"Another program uses {options.port}")
    if not any(True for folder in options.log_dir for _ in Path(folder).rglob("*tfevents*")):
        print(f"There are no event files in {options.log_dir[0]!r} yet; pictures show once a run writes them.")
    signal.signal(signal.SIGTERM, _end)  # TensorBoard's own process ends with this one where it can clean up
    address = f"{_served(options)}#see"
    print(f"Open {address} (Ctrl+C ends it)", flush=True)
    if options.open:
        webbrowser.open(address)
    while True:
        time.sleep(3600)


def _served(options):
    """Start TensorBoard and return its address."""
    from keras_see.viewer.plugin import SeeLoader

    folders = named_folders(options.log_dir)
    try:
        address = serve(folders, options.port, options.host, [SeeLoader])
    except ServingError as error:
        raise _refused(str(error)) from error
    if options.port is None and f":{PORT}/" not in address:
        print(f"Port {PORT} is in use; this is the next free one.")
    return address


def _end(number, frame):
    raise SystemExit(128 + number)


def _is_used(port):
    with socket.socket() as one:
        return one.connect_ex(("localhost", port)) == 0


def _refused(why):
    return ValueError(f"--port must be a free port. {why}. Leave --port out for the first free one from {PORT}.")
