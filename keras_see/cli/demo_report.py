"""What the demo prints: how far an epoch is, and at the end what to look at."""

import math
import shlex

import keras
import numpy as np

from keras_see._progress import Pause
from keras_see.cli.board import PORT


class EpochProgress(keras.callbacks.Callback):
    """Prints a plain line about every ten seconds of an epoch, for output that is no terminal."""

    def on_epoch_begin(self, epoch, logs=None):
        """Begin an epoch."""
        self._epoch, self._pause = epoch + 1, Pause()

    def on_train_batch_end(self, batch, logs=None):
        """Print a line if it is time for one."""
        if self._pause.is_over():
            print(f"epoch {self._epoch}, {100 * (batch + 1) // self.params['steps']} %", flush=True)


def most_by_luck(labels):
    """Return the highest accuracy that luck makes likely: guessing, and two standard deviations of the binomial.

    A guess is right with the share of the most frequent class at most.
    """
    share = np.bincount(labels).max() / len(labels)
    return float(min(1, share + 2 * math.sqrt(share * (1 - share) / len(labels))))


def say_whether_by_luck(accuracy, labels):
    """Print a warning if guessing, too, could reach the accuracy."""
    luck = most_by_luck(labels)
    if accuracy <= luck:
        print(
            f"Guessing reaches up to {luck:.0%} by luck, on {len(labels)} photographs. So this does not show that the\n"
            "network has learned the classes, and its maps mean little. Add photographs, or train longer with --epochs."
        )


def say_what_to_look_at(picture, log_dir, epochs, what):
    """Print where the last sheet is, how the board is opened, and what to look for in both."""
    print(
        f"\nPicture: {picture}\n"
        "It shows images that were not trained on, and their maps after the last epoch.\n"
        f"See whether Grad-CAM is bright on {what}, and whether the class is right.\n\n"
        "To see all epochs, run\n\n"
        f"    keras-see board {shlex.quote(str(log_dir))}\n\n"
        f"and open the address that it prints, http://localhost:{PORT}/#see.\n"
        f"Drag the slider from before training to epoch {epochs}, the last,\n"
        f"and see whether the maps move onto {what}.\n"
    )
