"""Make the picture of the viewer again: python docs/viewer_picture.py (needs Chromium, its driver and selenium).

It shows handwritten digits, which scikit-learn ships.
"""

import shutil
import tempfile
import time
from pathlib import Path

import keras
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

import keras_see
from keras_see.cli.demo_data import SIDE, cluttered_digits

FLAGS = "--headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1000"


def main():
    """Train on digits in clutter, write the report, and save what its page looks like."""
    keras.utils.set_random_seed(0)
    x, y, _ = cluttered_digits(3000, seed=0)
    x_val, y_val, boxes = cluttered_digits(64, seed=1, validation=True)
    model = keras_see.gap_classifier(10, input_shape=(SIDE, SIDE, 1))
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    folder = Path(tempfile.mkdtemp())
    watch = keras_see.Watch(folder, (x_val[:6], y_val[:6]), class_names=list("0123456789"), regions=boxes[:6])
    model.fit(x, y, epochs=8, validation_data=(x_val, y_val), callbacks=[watch], verbose=2)
    keras_see.save_report(folder, folder / "run.html")
    take(folder / "run.html", Path(__file__).parent / "pictures" / "viewer.png")


def take(page, picture):
    """Save a picture of a page, once its maps are drawn."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.get(page.as_uri())
        WebDriverWait(browser, 60).until(
            lambda page: page.execute_script("return document.querySelector('.cell canvas')")
        )
        time.sleep(3)
        browser.save_screenshot(str(picture))
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
