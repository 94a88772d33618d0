"""Writers: where callbacks leave their records, beside or instead of TensorBoard's event file."""

from keras_see.runs.folder import Folder
from keras_see.runs.tensorboard import TensorBoard

__all__ = ["Folder", "TensorBoard"]
