"""Measure keras_see and tools of its kind side by side, and draw the table and the plot of docs/cost.md.

    python tests/benchmarks/peers.py                    # all tools of Keras's backend: about half an hour on two cores
    python tests/benchmarks/peers.py --models cnn --tools keras_see tf-explain
    KERAS_BACKEND=jax python tests/benchmarks/peers.py --images 8 32 256    # on a GPU; torch likewise
    python tests/benchmarks/peers.py --draw             # the page, from all figures measured so far

keras_see is measured in this environment, which also needs matplotlib for `--draw`; each other tool in one that the
script makes. What is in the file of results already is not measured again.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
NEEDS = {
    "tf-explain": ["tensorflow-cpu==2.20.*", "tf_keras==2.20.*", "tf-explain==0.3.1", "opencv-python-headless"],
    "tf-keras-vis": ["tensorflow-cpu==2.20.*", "keras==3.15.*", "tf-keras-vis==0.8.7"],
    "xplique": ["tensorflow-cpu==2.20.*", "keras==3.15.*", "xplique==2.0.*"],
    "pytorch-grad-cam": ["torch", "keras==3.15.*", "grad-cam==1.5.*"],
}
TOOLS = {
    "tensorflow": ["keras_see", "tf-explain", "tf-keras-vis", "xplique"],
    "jax": ["keras_see"],
    "torch": ["keras_see", "pytorch-grad-cam"],
}
# 256 images of 224 × 224 need more memory for the floor's one pass than most machines have.
IMAGES = {"cnn": [8, 32, 256], "mobilenet": [8, 32], "resnet": [8, 32]}
# How cost grows, for tools with callbacks: one thing changes, all else stays as for 8 images.
GROWTH = [
    *({"model": "cnn", "images": count} for count in (1, 128)),
    *({"model": "mobilenet", "images": 8, "size": size} for size in (64, 96, 128, 160)),
    *({"model": "cnn", "images": 8, "depth": depth} for depth in (3, 12, 24, 48)),
    {"model": "cnn", "images": 8, "repeats": 60},
]


def python_of(tool, folder):
    """Return the Python of a tool's environment, which is made if there is none."""
    if tool == "keras_see":
        return sys.executable
    home = Path(folder) / tool
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making {home}", flush=True)
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS[tool]], check=True)
    return str(python)


def measure(tool, case, options, backend):
    """Run `measure.py` in the tool's environment, and return its figures."""
    repeats = case.get("repeats", options.repeats * (4 if case["model"] == "cnn" else 1))
    given = {"repeats": repeats} | {name: value for name, value in case.items() if name != "repeats"}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if tool == "tf-explain":
        environment["TF_USE_LEGACY_KERAS"] = "1"
    if tool == "keras_see":
        environment["PYTHONPATH"] = str(HERE.parents[1])
    python = python_of(tool, options.environments)
    done = subprocess.run(
        [python, str(HERE / "measure.py"), tool, *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["killed: not enough memory?"]
        print(f"{tool} failed on {case}: {reason[0]}", flush=True)
    return [json.loads(line) | {"case": case} for line in done.stdout.splitlines() if line.startswith("{")]


def cases_of(options, tool):
    """Return what to measure with a tool, as options of `measure.py`."""
    side_by_side = [
        {"model": model, "images": count} for model in options.models for count in options.images or IMAGES[model]
    ]
    grows = tool in ("keras_see", "tf-explain") and not options.images
    return side_by_side + [case for case in GROWTH if grows and case["model"] in options.models]


def main():
    """Measure, or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", nargs="+", choices=["keras_see", *NEEDS])
    parser.add_argument("--models", nargs="+", choices=IMAGES, default=list(IMAGES))
    parser.add_argument("--images", nargs="+", type=int, help="for all models; then growth is left out")
    parser.add_argument("--repeats", type=int, default=5, help="of each figure; four times as many for the small CNN")
    parser.add_argument("--environments", default="build/benchmarks", help="where the other tools' environments lie")
    parser.add_argument("--results", type=Path, default=Path("build/benchmarks/results.jsonl"))
    parser.add_argument("--draw", action="store_true", help="draw the page from the results")
    options = parser.parse_args()
    if options.draw:
        from page import draw

        draw([json.loads(line) for line in options.results.read_text().splitlines()], HERE.parents[1] / "docs")
        return
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.touch()
    known = [json.loads(line) for line in options.results.read_text().splitlines()]
    for tool in options.tools or TOOLS[backend]:
        for case in cases_of(options, tool):
            if any((tool, backend, case) == (old["tool"], old["backend"], old["case"]) for old in known):
                continue
            found = measure(tool, case, options, backend)
            with options.results.open("a") as file:
                file.writelines(json.dumps(figures) + "\n" for figures in found)
            told = ", ".join(f"{figures['method']} {figures['ratio']:.2f}" for figures in found)
            print(f"{tool} on {backend}, {case}: {told}", flush=True)


if __name__ == "__main__":
    main()
