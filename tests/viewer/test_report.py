"""The report: one file with everything in it, and nothing that could end a script early."""

import base64
import html
import json
import re

import numpy as np
import pytest
from written_runs import maps_at, write_run

import keras_see
from keras_see.cli.main import main
from keras_see.runs.map_encoding import decoded
from keras_see.runs.records import Number
from keras_see.runs.tensorboard import TensorBoard
from keras_see.viewer.page_files import MODULES, SERVED, joined_script, text_of

HOSTILE = "</script><img src=x onerror=alert(1)>"


def data_in(page):
    """Return the listing and the records of a report: `(run, tag)` -> step -> bytes."""
    listing = json.loads(re.search(r'<script id="see-runs"[^>]*>(.*?)</script>', page)[1])
    parts = re.findall(r'<script type="application/json" data-run="([^"]*)" data-tag="([^"]*)">(.*?)</script>', page)
    found = {
        (html.unescape(run), html.unescape(tag)): {
            int(step): base64.b64decode(text) for step, text in json.loads(content).items()
        }
        for run, tag, content in parts
    }
    return listing, found


def test_a_report_holds_every_map_of_every_step(tmp_path):
    write_run(tmp_path / "run", 5)
    TensorBoard(tmp_path / "run" / "train").write(0, {"epoch_accuracy": Number(0.5)})
    keras_see.save_report(tmp_path / "run", tmp_path / "run.html")
    listing, records = data_in((tmp_path / "run.html").read_text())
    assert sorted(records[".", "see/saliency/maps"]) == [-1, 0, 1, 2, 3, 4]
    for step, data in records[".", "see/grad_cam/maps"].items():
        np.testing.assert_allclose(decoded(data), maps_at("grad_cam", step), rtol=1e-3)
    ((run),) = listing["runs"]
    assert {tag for tag, _ in run["curves"]} == {"saliency/peak", "grad_cam/peak", "train accuracy"}
    assert run["notes"] == [[3, "Step 3: the outputs are equal for all images."]]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["run.html"]


def test_several_folders_and_sub_folders_are_runs_with_names_that_differ(tmp_path):
    for name in ("a/logs", "b/logs/one", "b/logs/two"):
        write_run(tmp_path / name, 1)
    keras_see.save_report([tmp_path / "a" / "logs", str(tmp_path / "b" / "logs")], tmp_path / "run.html")
    listing, _ = data_in((tmp_path / "run.html").read_text())
    assert [run["name"] for run in listing["runs"]] == ["a/logs", "b/logs/one", "b/logs/two"]


def test_what_came_out_of_a_file_cannot_end_a_script_and_nothing_may_be_fetched(tmp_path):
    write_run(tmp_path / "run", 1, names=(HOSTILE, "x" * 500))
    keras_see.save_report(tmp_path / "run", tmp_path / "run.html")
    page = (tmp_path / "run.html").read_text()
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script ")
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href)="http', page)
    listing, _ = data_in(page)
    head = listing["runs"][0]["tags"]["see/saliency/maps"][0][1]
    assert head["about"]["images"][0]["true"] == HOSTILE


def test_a_damaged_file_and_a_newer_format_are_said_and_the_rest_is_shown(tmp_path, monkeypatch):
    write_run(tmp_path / "run", 3)
    monkeypatch.setattr("keras_see.runs.map_encoding.VERSION", 99)
    write_run(tmp_path / "later", 1)
    monkeypatch.undo()
    (path,) = (tmp_path / "run").glob("*tfevents*")
    path.write_bytes(path.read_bytes()[:-30])
    keras_see.save_report(tmp_path, tmp_path / "run.html")
    listing, records = data_in((tmp_path / "run.html").read_text())
    assert [run["name"] for run in listing["runs"]] == ["run"]
    assert sorted(records["run", "see/saliency/maps"]) == [-1, 0, 1]
    assert any("Install a newer keras_see" in problem for problem in listing["problems"])


def test_the_command_line_writes_a_report_and_says_where(tmp_path, capsys):
    write_run(tmp_path / "run", 2)
    assert main(["report", str(tmp_path / "run"), "-o", str(tmp_path / "a.html")]) == 0
    assert str(tmp_path / "a.html") in capsys.readouterr().out
    _, records = data_in((tmp_path / "a.html").read_text())
    assert sorted(records[".", "see/saliency/maps"]) == [-1, 0, 1]
    assert main(["report", str(tmp_path / "none"), "-o", str(tmp_path / "b.html")]) == 2
    assert "There is no folder" in capsys.readouterr().err


def test_a_notebook_gets_the_page_in_a_frame_that_may_run_scripts_and_nothing_else(tmp_path):
    write_run(tmp_path, 1)
    shown = keras_see.show(tmp_path)._repr_html_()
    assert 'sandbox="allow-scripts"' in shown
    listing, _ = data_in(html.unescape(re.search(r'srcdoc="(.*)"></iframe>', shown, re.DOTALL)[1]))
    assert listing["runs"][0]["name"] == "."


def test_folders_without_maps_are_refused(tmp_path):
    TensorBoard(tmp_path).write(0, {"loss": Number(1.0)})
    with pytest.raises(ValueError, match="must hold runs with raw maps"):
        keras_see.save_report(tmp_path, tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


def test_the_modules_of_the_page_can_be_joined_into_one_script():
    names = [
        name
        for module in MODULES
        for name in re.findall(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", text_of(module), re.M)
    ]
    assert len(names) == len(set(names))
    assert not re.findall(r"^(?:import|export) ", joined_script(), re.M)
    for module in MODULES:  # each import is of a module that stands before it
        for other in re.findall(r'from "\./(.*)"', text_of(module)):
            assert MODULES.index(other) < MODULES.index(module)


def test_no_text_of_a_file_becomes_html():
    for name in SERVED:
        assert "innerHTML" not in text_of(name)
        assert "insertAdjacentHTML" not in text_of(name)
        assert "http" not in text_of(name).replace("http://www.w3.org/2000/svg", "")
