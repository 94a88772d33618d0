import os

# Two workers share the machine: more threads for each make small models many times slower.
for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(threads, "1")
# Tiny models run for moments: JAX would spend a third of the tests on making their programs fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import keras
import pytest

BACKEND = keras.backend.backend()


def pytest_collection_modifyitems(items):
    for item in items:
        backends = [mark.args for mark in item.iter_markers("backends")]
        if backends and BACKEND not in backends[0]:
            item.add_marker(pytest.mark.skip(reason=f"of {', '.join(backends[0])} only"))


@pytest.fixture(autouse=True)
def fresh_numbers():
    """Give each test the same random numbers, whatever ran before it."""
    keras.utils.set_random_seed(0)


def pytest_configure(config):
    config.addinivalue_line("markers", "backends(*names): run the test on these Keras backends only")
