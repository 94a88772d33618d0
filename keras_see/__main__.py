"""`python -m keras_see`: the command line."""

import sys

from keras_see.cli.main import main

sys.exit(main())
