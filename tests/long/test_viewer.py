"""What a person does in the See tab and in the report, in headless Chromium."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import numpy as np
import pytest

import keras_see
from keras_see.runs.tensorboard import TensorBoard
from keras_see.visualization.map_drawing import MapStyle, draw_maps, smoothed

sys.path += [str(Path(__file__).parents[1] / "viewer"), str(Path(__file__).parent)]
from test_browser import answer, free_port
from test_report import HOSTILE
from written_runs import STYLES, maps_at, pictures, write_run, write_step

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
FLAGS += "--disable-component-update --disable-sync --force-device-scale-factor=1"

# The colours of the middle of each map that can be seen, and of its places of equal value.
COLORS = """
return [...document.querySelectorAll('.cell canvas')].map((canvas) => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return [canvas.width, canvas.height, ...data];
});
"""


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield chrome
    chrome.quit()


def resize(browser, width, height=900):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def until(browser, script, seconds=60):
    """Ask the page until its answer is true, and return that."""
    for _ in range(seconds * 4):
        found = browser.execute_script(script)
        if found:
            return found
        time.sleep(0.25)
    raise TimeoutError(script)


def opened(browser, address, **state):
    """Open a page in a state, and wait for its first map."""
    parts = [f"p.see.{name}={urllib.parse.quote(json.dumps(value))}" for name, value in state.items()]
    browser.switch_to.default_content()
    browser.get("about:blank")
    separator = "&" if "#" in address else "#"
    browser.get(address + (separator + "&".join(parts) if parts else ""))
    if address.startswith("http"):
        for _ in range(240):
            frames = browser.find_elements("css selector", "iframe")
            if frames:
                break
            time.sleep(0.25)
        browser.switch_to.frame(frames[0])
    until(browser, "return [...document.querySelectorAll('.cell canvas')].some((each) => each.hasAttribute('height'))")
    settle(browser)


def settle(browser):
    """Wait until what is asked for is drawn."""
    time.sleep(1.0)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def place(browser):
    return browser.execute_script("return document.querySelector('.place').textContent")


def press(browser, *keys):
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()
    settle(browser)


def errors(browser):
    """Return the errors of our page in the console: those of TensorBoard's own are left out."""
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def hosts_asked(browser):
    """Return the hosts that were asked for anything since the last call."""
    found = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.add(urllib.parse.urlsplit(message["params"]["request"]["url"]).netloc)
    return found - {""}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_run(folder / "a", 40)
    write_run(folder / "b", 30, strength=4.0)
    write_run(folder / "hostile", 2, names=(HOSTILE, "x" * 500), images=64)
    keras_see.save_report(folder, folder / "run.html")
    return (folder / "run.html").as_uri()


def test_slider_keys_and_play_reach_every_step(browser, report):
    from selenium.webdriver.common.keys import Keys

    resize(browser, 1280)
    opened(browser, report)
    assert place(browser) == "epoch 40 of 40"
    press(browser, Keys.HOME)
    assert place(browser) == "before training"
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert place(browser) == "epoch 2 of 40"
    press(browser, Keys.END, Keys.ARROW_LEFT)
    assert place(browser) == "epoch 39 of 40"
    slider = browser.find_element("css selector", ".steps")
    browser.execute_script("arguments[0].value = 8; arguments[0].dispatchEvent(new Event('input'))", slider)
    settle(browser)
    assert place(browser) == slider.get_attribute("aria-valuetext") == "epoch 8 of 40"
    press(browser, Keys.SPACE)
    until(browser, "return Number(document.querySelector('.place').textContent.split(' ')[1]) > 10")
    press(browser, Keys.SPACE)
    stopped = place(browser)
    time.sleep(1)
    assert place(browser) == stopped
    assert "p.see.step" in browser.current_url
    assert not errors(browser)


@pytest.mark.parametrize("method", ["saliency", "grad_cam"])
def test_the_page_draws_as_python_does(browser, report, method):
    resize(browser, 1280)
    opened(browser, report, runs=["a"], step=12, range=40, colors="sheet", size=96)
    width, height, *data = browser.execute_script(COLORS)[["saliency", "grad_cam"].index(method)]
    drawn = np.array(data, "uint8").reshape(height, width, 4)[..., :3]
    assert (width, height) == (96, 96)
    style = MapStyle(**STYLES[method])
    maps = keras_see.read(Path(urllib.parse.urlsplit(report).path).parent / "a")[f"see/{method}/maps"][13][1]
    picture = pictures()[0].repeat(2, axis=0).repeat(2, axis=1)[None]
    expected = draw_maps(picture, smoothed(np.asarray(maps), style)[:1], 40.0, style)[0]
    assert np.ptp(expected.astype(int), axis=(0, 1)).max() > 50
    assert np.abs(drawn.astype(int) - expected.astype(int)).max() <= 2


def test_two_runs_in_one_range_have_one_colour_for_one_value(browser, report):
    opened(browser, report, runs=["a", "b"], step=2, range="all", cells=True, colors="sheet", size=98)
    cells = [np.array(each[2:]).reshape(each[1], each[0], 4) for each in browser.execute_script(COLORS)[:4]]
    strong = {run: maps_at("saliency", 2, strength=strength)[0] for run, strength in (("a", 1.0), ("b", 4.0))}
    # A place of the weak run and one of the strong run with the same value.
    value = strong["a"][40, 24]
    other = np.unravel_index(np.abs(strong["b"] - value).argmin(), strong["b"].shape)
    assert abs(strong["b"][other] - value) < 0.001
    weak_color, strong_color = cells[0][int(40.5 * 98 / 48), int(24.5 * 98 / 48)], None
    strong_color = cells[1][int((other[0] + 0.5) * 98 / 48), int((other[1] + 0.5) * 98 / 48)]
    assert np.abs(weak_color - strong_color).max() <= 3
    opened(browser, report, runs=["a", "b"], step=2, range="run", cells=True, colors="sheet", size=98)
    alone = np.array(browser.execute_script(COLORS)[1][2:]).reshape(98, 98, 4)
    assert np.abs(alone - cells[1]).max() <= 3  # the strong run ends both ranges
    assert "30 of 30" not in place(browser)


def test_the_difference_of_a_step_with_itself_is_empty_and_with_another_is_not(browser, report):
    opened(browser, report, runs=["a"], step=5, other=5, compare="diff", size=96)
    first = np.array(browser.execute_script(COLORS)[0][2:]).reshape(96, 96, 4)
    assert np.ptp(first[..., :3], axis=(0, 1)).max() == 0
    opened(browser, report, runs=["a"], step=30, other=5, compare="diff", size=96)
    assert np.ptp(np.array(browser.execute_script(COLORS)[0][2:]).reshape(96, 96, 4)[..., :3]) > 50


def test_a_step_that_a_run_does_not_have_is_said(browser, report):
    opened(browser, report, runs=["a", "b"], step=35)
    said = browser.execute_script(
        "return [...document.querySelectorAll('.missing')].filter((e) => !e.hidden).map((e) => e.textContent)"
    )
    assert said
    assert set(said) == {"ended after epoch 30 of 30"}


@pytest.mark.parametrize("width", [1280, 400])
def test_hostile_names_of_500_letters_and_64_images_stay_text_and_inside(browser, report, width):
    resize(browser, width)
    hosts_asked(browser)
    opened(browser, report, runs=["hostile"], sort="wrong")
    assert browser.execute_script("return document.querySelectorAll('.grid .row').length") == 65
    texts = browser.execute_script("return [...document.querySelectorAll('.input .line')].map((e) => e.textContent)")
    assert any(HOSTILE in text for text in texts)
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script("document.querySelector('.tile').click()")
    settle(browser)
    assert browser.execute_script("return document.querySelector('dialog').open")
    assert not errors(browser)
    assert not hosts_asked(browser)
    shot = os.environ.get("KERAS_SEE_SHOTS")
    if shot:
        browser.save_screenshot(str(Path(shot) / f"enlarged_{width}.png"))


@pytest.fixture(scope="module", params=["fast", "slow"])
def board(request, tmp_path_factory):
    """Plain TensorBoard, as it is when the package is installed; its address, and the writer of a growing run."""
    folder = tmp_path_factory.mktemp("logs")
    write_run(folder / "other", 40, strength=2.0)
    writer = write_run(folder / "run", 40)
    port = free_port()
    script = (
        "import sys; from tensorboard import default, program; from keras_see.viewer.plugin import SeeLoader; "
        "known = default.get_plugins(); "
        "board = program.TensorBoard(known + [SeeLoader] * (SeeLoader not in known)); "
        "board.configure(sys.argv); sys.exit(board.main())"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, "--logdir", str(folder), "--port", str(port)]
    command += ["--reload_interval", "1"] + ["--load_fast=false"] * (request.param == "slow")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    for _ in range(120):
        runs = json.loads(answer(f"{address}/data/plugin/see/runs", seconds=120))["runs"]
        if len(runs) == 2 and all(len(run["tags"].get("see/saliency/maps", [])) == 41 for run in runs):
            break
        time.sleep(0.5)
    yield address, writer
    server.send_signal(signal.SIGTERM)
    server.wait()


def test_plain_tensorboard_has_every_step_and_a_step_that_is_written_meanwhile_appears(browser, board):
    address, writer = board
    resize(browser, 1280)
    browser.get("about:blank")
    errors(browser)  # of the page before, whose server has ended
    runs = json.loads(answer(f"{address}/data/plugin/see/runs"))["runs"]
    assert {run["name"]: len(run["tags"]["see/grad_cam/maps"]) for run in runs} == {"other": 41, "run": 41}
    hosts_asked(browser)
    opened(browser, f"{address}/#see", runs=["run", "other"], step=7)
    assert place(browser) == "epoch 8 of 40"
    write_step(writer, 40, 41)
    until(browser, "return document.querySelector('.steps').max === '41'")
    assert place(browser) == "epoch 8 of 40"
    assert browser.execute_script("return !document.querySelector('.fresh').hidden")
    assert hosts_asked(browser) <= {urllib.parse.urlsplit(address).netloc}
    assert not [entry for entry in errors(browser) if "/see/" in entry["message"]]


def test_a_report_of_200_epochs_is_small_and_opens_at_once(browser, tmp_path):
    from keras_see.runs.records import Maps

    writer, model = TensorBoard(tmp_path / "run"), keras_see.gap_classifier(10, input_shape=(224, 224, 3))
    images = np.random.default_rng(0).random((8, 28, 28, 3), "float32").repeat(8, axis=1).repeat(8, axis=2)
    noise = np.asarray(keras_see.saliency_maps(model, images))  # of an untrained network: the least compressible
    about = keras_see.read(_template(tmp_path))["see/saliency/maps"][0][1].about
    for step in range(-1, 200):
        records = {}
        for method in ("saliency", "grad_cam", "layer_cam"):
            maps = np.roll(noise, step, axis=2) if method == "saliency" else noise[:, :14, :14]
            kept = about | {"method": method, "title": method, "when": f"epoch {step + 1}/200"}
            records[f"see/{method}/maps"] = Maps(maps, kept | {"images": about["images"] * 4})
        writer.write(step, records)
    keras_see.save_report(tmp_path / "run", tmp_path / "run.html")
    assert (tmp_path / "run.html").stat().st_size < 25e6
    resize(browser, 1280)
    opened(browser, (tmp_path / "run.html").as_uri())
    assert place(browser) == "epoch 200 of 200"


def _template(folder):
    write_run(folder / "template", 1)
    return folder / "template"
