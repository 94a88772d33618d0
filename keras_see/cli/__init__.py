"""The command line: `keras-see demo | dream | layers | board`."""
