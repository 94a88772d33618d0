"""What a person sees: a real TensorBoard page in headless Chromium."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import keras_see

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
FLAGS += "--disable-component-update --disable-sync --window-size=1500,1400"

# JavaScript that looks for sheets, sliders and texts, also in the shadow roots of TensorBoard's older pages.
EVERYTHING = """
const sheets = [], sliders = [], texts = [];
const look = (root) => root.querySelectorAll("*").forEach((each) => {
  if (each.naturalWidth > 300) sheets.push(each.src);
  if (each.matches("mat-slider, paper-slider, input[type=range]")) sliders.push(each.id);
  if (!each.children.length && each.textContent.trim()) texts.push(each.textContent.trim());
  if (each.shadowRoot) look(each.shadowRoot);
});
look(document);
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answer(url, seconds=60):
    """Ask until the server answers."""
    for _ in range(seconds * 2):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read()
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(url)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    numbers = np.random.default_rng(0)
    x, y = numbers.random((16, 64, 64, 3)).astype("float32"), np.arange(16) % 4
    model = keras_see.gap_classifier(4, input_shape=(64, 64, 3))
    model.compile("adam", "sparse_categorical_crossentropy")
    watch = keras_see.Watch(folder, (x[:4], y[:4]), class_names=["a", "b", "c", "d"], sheets="all")
    model.fit(x, y, epochs=12, callbacks=[watch], verbose=0)
    return folder


@pytest.fixture(scope="module")
def board(run):
    """The address of a TensorBoard that shows the run with every step kept."""
    port = free_port()
    command = [sys.executable, "-m", "keras_see", "board", str(run), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    for _ in range(120):
        tags = json.loads(answer(f"{address}/data/plugin/images/tags"))
        if "see/overview" in tags.get(".", {}):
            break
        time.sleep(0.5)
    yield address
    server.terminate()
    server.wait()


def test_tensorboard_serves_every_step_of_every_sheet(board):
    for word in ("saliency", "grad_cam", "cam", "overview"):
        found = json.loads(answer(f"{board}/data/plugin/images/images?run=.&tag=see/{word}&sample=0"))
        assert [image["step"] for image in found] == list(range(-1, 12))
        picture = answer(f"{board}/data/plugin/images/individualImage?{found[-1]['query']}")
        assert picture[:3] == b"\xff\xd8\xff"
    described = json.loads(answer(f"{board}/data/plugin/images/tags"))["."]["see/grad_cam"]["description"]
    assert "Explained: the image&#39;s label" in described or "Explained: the image's label" in described


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")
@pytest.mark.parametrize("page", ["images", "timeseries"])
def test_a_person_sees_the_sheets_in_the_page(board, page):
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        browser.get(f"{board}/#{page}")
        WebDriverWait(browser, 60).until(lambda page: page.execute_script(f"{EVERYTHING} return sheets"))
        seen = browser.execute_script(f"{EVERYTHING} return texts")
        assert any("see/" in text for text in seen)
        assert browser.execute_script(f"{EVERYTHING} return sliders")
        shot = os.environ.get("KERAS_SEE_SHOTS")
        if shot:
            browser.save_screenshot(str(Path(shot) / f"tensorboard_{page}.png"))
    finally:
        browser.quit()
