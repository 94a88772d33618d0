"""The plugin of TensorBoard: steps kept, a tab that never blocks, and records as they are."""

import argparse
import json
import struct
import threading
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from werkzeug.test import Client
from werkzeug.wrappers import Response
from written_runs import maps_at, write_run

from keras_see.runs.map_encoding import decoded
from keras_see.viewer.plugin import STEPS, SeeLoader, SeePlugin


def flags_for(folder, **samples):
    flags = argparse.Namespace(logdir=str(folder), samples_per_plugin=samples)
    SeeLoader().fix_flags(flags)
    return flags.samples_per_plugin


def test_every_step_of_our_pictures_is_kept_unless_the_user_said_otherwise(tmp_path):
    write_run(tmp_path / "deep" / "run", 1)
    assert flags_for(tmp_path) == {"see": STEPS, "images": STEPS}
    assert flags_for(tmp_path, images=5) == {"see": STEPS, "images": 5}
    assert flags_for(tmp_path, see=7, scalars=3) == {"see": 7, "images": STEPS, "scalars": 3}


def test_folders_of_others_remote_ones_and_none_are_left_alone(tmp_path):
    (tmp_path / "events.out.tfevents.1.host").write_bytes(b"")
    assert flags_for(tmp_path) == {"see": STEPS}
    assert flags_for("gs://bucket/run") == flags_for("") == {"see": STEPS}


def test_the_search_for_our_files_ends_in_a_loop_of_folders_and_after_a_moment(tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to(tmp_path)
    write_run(tmp_path / "/".join("abcdefgh"), 1)  # deeper than it looks
    assert flags_for(tmp_path)["images"] == STEPS  # no event files of others either
    monkeypatch.setattr("keras_see.viewer.plugin.SECONDS", 0.0)
    write_run(tmp_path / "near", 1)
    assert "see" in flags_for(tmp_path)


class Stuck:
    """A data provider that does not answer before it is let go."""

    def __init__(self):
        self.go = threading.Event()

    def list_blob_sequences(self, *args, **options):
        self.go.wait(30)
        return {"run": {"see/cam/maps": None}}


def test_the_tab_is_asked_for_without_waiting_for_data():
    stuck = Stuck()
    plugin = SeePlugin(base_plugin.TBContext(data_provider=stuck))
    asked = threading.Thread(target=plugin.is_active, daemon=True)
    asked.start()
    asked.join(10)
    assert not asked.is_alive()
    assert plugin.is_active() is False
    stuck.go.set()
    for _ in range(100):
        if plugin.is_active():
            break
        time.sleep(0.05)
    assert plugin.is_active() is True


@pytest.fixture
def served(tmp_path):
    """The routes of the plugin on TensorBoard's own reader of event files."""
    write_run(tmp_path / "run", 4)
    reader = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance={"see": 100, "text": 100, "scalars": 100})
    reader.AddRunsFromDirectory(str(tmp_path))
    reader.Reload()
    provider = data_provider.MultiplexerDataProvider(reader, str(tmp_path))
    plugin = SeePlugin(base_plugin.TBContext(data_provider=provider, logdir=str(tmp_path)))
    apps = plugin.get_plugin_apps()

    def get(route, **query):
        return Client(apps[route], Response).get(route, query_string=query)

    return get


def test_the_list_of_runs_tells_steps_curves_and_notes_and_is_short_when_nothing_is_new(served):
    answer = json.loads(served("/runs", known="").data)
    (run,) = answer["runs"]
    assert run["name"] == "run"
    assert [step for step, _ in run["tags"]["see/saliency/maps"]] == [-1, 0, 1, 2, 3]
    assert dict(run["curves"])["saliency/peak"] == [
        [step, float(maps_at("saliency", step).max())] for step in range(-1, 4)
    ]
    assert run["notes"] == [[3, "Step 3: the outputs are equal for all images."]]
    assert json.loads(served("/runs", known=answer["digest"]).data) == {"digest": answer["digest"]}


def test_records_come_as_they_were_written(served):
    body = served("/frames", run="run", tag="see/grad_cam/maps", steps="2,-1,99").data
    found = []
    while body:
        (length,) = struct.unpack("<I", body[:4])
        found.append(decoded(body[4 : 4 + length]))
        body = body[4 + length :]
    for maps, step in zip(found, (2, -1), strict=True):
        np.testing.assert_allclose(maps, maps_at("grad_cam", step), rtol=1e-3)


def test_the_page_is_served_as_modules(served):
    response = served("/app.js")
    assert response.headers["Content-Type"].startswith("application/javascript")
    assert b"export async function start" in response.data
