"""What a person sees: a real TensorBoard page in headless Chromium."""

import json
import math
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
from PIL import Image, ImageDraw

import keras_see
from keras_see.cli.board import IMAGES_TAB
from keras_see.visualization.sheets import CAPTION_LINES, CARD_TEXT, CARD_WIDTH, MIN_CELL_WIDTH
from keras_see.visualization.text import SUBSTITUTE, Font, wrapped

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


# A short name, one in Chinese, one in Russian, and one of sixty letters.
NAMES = ["a", "猫", "собака", "a_class_whose_name_is_as_long_as_sixty_letters_" + "x" * 13]

# The width in CSS pixels at which the page shows the sheets, and that of the files.
WIDTHS = """
const widths = [];
const look = (root) => root.querySelectorAll("*").forEach((each) => {
  if (each.naturalWidth > 300) widths.push([each.getBoundingClientRect().width, each.naturalWidth]);
  if (each.shadowRoot) look(each.shadowRoot);
});
look(document);
return widths;
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
    watch = keras_see.Watch(folder, (x[:4], y[:4]), class_names=NAMES)
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
    for word in ("saliency", "grad_cam", "overview"):
        found = json.loads(answer(f"{board}/data/plugin/images/images?run=.&tag=see/{word}&sample=0"))
        assert [image["step"] for image in found] == list(range(-1, 12))
        picture = answer(f"{board}/data/plugin/images/individualImage?{found[-1]['query']}")
        assert picture[:3] == b"\xff\xd8\xff"
    described = json.loads(answer(f"{board}/data/plugin/images/tags"))["."]["see/grad_cam"]["description"]
    assert "Explained: the image&#39;s label" in described or "Explained: the image's label" in described


@pytest.fixture
def browser():
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium and its driver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


def wait_for_sheets(browser, address):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    WebDriverWait(browser, 60).until(lambda page: page.execute_script(f"{EVERYTHING} return sheets"))


@pytest.mark.parametrize("page", [IMAGES_TAB.removeprefix("#"), "images", "timeseries"])
def test_a_person_sees_the_sheets_in_the_page(board, page, browser):
    wait_for_sheets(browser, f"{board}/#{page}")
    seen = browser.execute_script(f"{EVERYTHING} return texts")
    tags = [text for text in seen if text.startswith("see/")]
    assert tags
    if f"#{page}" == IMAGES_TAB:
        assert tags[0] == "see/overview"
    assert browser.execute_script(f"{EVERYTHING} return sliders")
    shot = os.environ.get("KERAS_SEE_SHOTS")
    if shot:
        browser.save_screenshot(str(Path(shot) / f"tensorboard_{page}.png"))


def ink(text, size):
    """Return the lines of pixels that a text in this size covers."""
    image = Image.new("L", (40 * size, 3 * size))
    Font(size).draw(ImageDraw.Draw(image), (0, 0), text, "white")
    return np.flatnonzero(np.asarray(image).any(axis=1))


def test_texts_can_be_read_at_the_width_of_a_card(board, run, browser):
    if np.array_equal(ink(NAMES[1], 20), ink(SUBSTITUTE, 20)):
        pytest.skip("no font of this machine has Chinese characters")
    wait_for_sheets(browser, f"{board}/#images")
    widths = browser.execute_script(WIDTHS)
    for shown, natural in widths:
        text = math.ceil(max(natural, CARD_WIDTH) * CARD_TEXT / CARD_WIDTH)  # the size of the sheet's font
        assert text * shown / natural >= CARD_TEXT
        for name in NAMES[1:3]:
            lines = ink(name, text)
            assert np.ptp(lines) * shown / natural >= 0.45 * CARD_TEXT  # the letters without ascenders
    captions = [wrapped(f"for {name}", MIN_CELL_WIDTH, Font(20), CAPTION_LINES) for name in NAMES]
    assert all(name in " ".join(lines) for name, lines in zip(NAMES[:3], captions, strict=False))
    assert captions[3][-1].endswith("x" * 3)  # its middle is left out
