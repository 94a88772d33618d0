import dis
import gc
import sys

import keras
import pytest
from keras import ops

from keras_see.model import attributes
from keras_see.model.attributes import attributes_set


class Thing:
    """An object whose attributes are looked at whole."""

    def __init__(self):
        self.own = 1


def test_attributes_are_set_in_the_block_and_put_back_after_it():
    thing = Thing()
    with attributes_set([(thing, "own", 2), (thing, "new", 3)]):
        assert vars(thing) == {"own": 2, "new": 3}
    assert vars(thing) == {"own": 1}


def test_an_attribute_set_twice_is_put_back_to_what_it_was_first():
    thing = Thing()
    with attributes_set([(thing, "own", 2), (thing, "own", 3)]):
        assert thing.own == 3
    assert vars(thing) == {"own": 1}


def test_attributes_are_put_back_after_an_exception_in_the_block_and_in_the_changes():
    thing = Thing()

    def changes():
        yield thing, "own", 2
        raise LookupError

    with pytest.raises(LookupError), attributes_set(changes()):
        pass
    assert vars(thing) == {"own": 1}
    with pytest.raises(LookupError), attributes_set([(thing, "own", 2)]):
        raise LookupError
    assert vars(thing) == {"own": 1}


def test_an_attribute_that_a_layer_keeps_apart_is_put_back():
    class Own(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.activation = keras.layers.LeakyReLU()

    layer = Own()
    before, held = layer.activation, dict(vars(layer))
    with attributes_set([(layer, "activation", ops.abs)]):
        assert layer.activation is ops.abs
    assert layer.activation is before
    assert vars(layer) == held


def interrupted_at(moment, thing):
    """Set attributes with an interrupt at one of the file's instructions; return whether it came."""
    passed = 0

    def trace(frame, event, arg):
        nonlocal passed
        if frame.f_code.co_filename != attributes.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            passed += 1
            if passed == moment:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        with attributes_set([(thing, "own", 2), (thing, "new", 3)]):
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


@pytest.mark.skipif(sys.gettrace() is not None, reason="a debugger is tracing")
def test_an_interrupt_at_any_instruction_leaves_no_attribute_behind():
    moment, left = 1, []
    while True:
        thing = Thing()
        came = interrupted_at(moment, thing)
        gc.collect()
        if vars(thing) != {"own": 1}:
            left.append(moment)
        if not came:
            break
        moment += 1
    assert moment > len(list(dis.get_instructions(attributes._put_back)))  # else nothing was interrupted
    assert not left
