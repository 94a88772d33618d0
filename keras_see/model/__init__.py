"""Everything that touches a Keras model: running it untouched, taps, layer calls, targets, inputs."""
