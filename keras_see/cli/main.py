"""The command line: `keras-see demo | dream | layers | board | report`."""

import argparse
import sys
from pathlib import Path

from keras_see import __version__
from keras_see.cli import board, dream, report


def main(arguments=None):
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except ModuleNotFoundError as error:
        print(
            f"keras-see: this needs {str(error.name).partition('.')[0]}, which is not installed. Install it (the "
            "demo's needs come with pip install 'keras_see[demo]'), or set KERAS_BACKEND to a framework that you have.",
            file=sys.stderr,
        )
        return 2
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"keras-see: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser():
    parser = argparse.ArgumentParser(prog="keras-see", description="See what a Keras network is learning.")
    parser.add_argument("--version", action="version", version=f"keras-see {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="train a small classifier and watch where it looks")
    demo.set_defaults(command=_demo)
    demo.add_argument("--data", metavar="FOLDER", help="your own photographs, as FOLDER/class/picture.jpg")
    demo.add_argument("--log-dir", metavar="FOLDER", help="where to write (default: a new folder in logs)")
    demo.add_argument("--epochs", type=_positive, metavar="N", help="default: 6; 12 with --data")

    dream.add_command(commands)

    layers = commands.add_parser("layers", help="list the layers of a saved model and the methods for each")
    layers.set_defaults(command=_layers)
    layers.add_argument("model", metavar="MODEL.keras")

    board_of = commands.add_parser("board", help="open TensorBoard's See tab, with every step kept")
    board_of.set_defaults(command=board.run)
    board_of.add_argument("log_dir", nargs="+", metavar="FOLDER", help="the folder of a run or of runs, or several")
    board_of.add_argument("--port", type=_port, metavar="N", help="default: the first free one from 6006")
    board_of.add_argument("--host", metavar="ADDRESS", help="default: this machine alone (localhost)")
    board_of.add_argument("--open", action="store_true", help="open the page in a browser")

    report.add_command(commands)
    return parser


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def _port(text):
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 65535, not {text!r}")
    return int(text)


def _demo(options):
    if options.data is not None and not Path(options.data).is_dir():
        raise ValueError(
            "--data must be a folder with one folder of pictures per class. "
            f"There is no folder {options.data!r}. Check the path: FOLDER/class/picture.jpg."
        )
    from keras_see.cli import demo

    demo.run(options.data, options.log_dir, options.epochs)


def _layers(options):
    if not Path(options.model).is_file():
        raise ValueError(f"MODEL must be a .keras file. There is no file {options.model!r}. Check the path.")
    from keras_see import layers
    from keras_see.cli.model_loading import loaded_model

    print(layers(loaded_model(options.model)))


if __name__ == "__main__":
    sys.exit(main())
