"""The demo at full length; takes minutes."""

import keras_see
from keras_see.cli import demo


def test_the_network_learns_the_digits_and_its_maps_lie_on_them(tmp_path, capsys):
    found = demo.run(log_dir=tmp_path)
    print(capsys.readouterr().out)
    assert found["accuracy"] >= 0.95
    assert found["after"] > found["before"]
    assert found["after"] >= 4 * found["area"]
    share = [value for _, value in keras_see.read(tmp_path)["see/grad_cam/energy_inside"]]
    assert len(share) == 7
    assert share[-1] > share[0]
