"""See what a Keras network is learning, while it learns.

The public names are listed in `__init__.pyi`. Each is imported when it is first used (SPEC 1), so that
`import keras_see` and the help of the command line do not wait for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
