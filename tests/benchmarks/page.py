"""Draw the tables and the plot of docs/cost.md from what was measured."""

import re

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

MODELS = {"cnn": "CNN, 32 px", "mobilenet": "MobileNetV2", "resnet": "ResNet50"}
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
# Header -> tool, and the methods of which it is the sum.
COLUMNS = {
    "Grad-CAM": ("keras_see", ["grad_cam"]),
    "all three": ("keras_see", ["with cam"]),
    "tf-explain": ("tf-explain", ["saliency", "grad_cam"]),
    "tf-keras-vis": ("tf-keras-vis", ["saliency", "grad_cam"]),
    "Xplique": ("xplique", ["saliency", "grad_cam"]),
    "pytorch-grad-cam": ("pytorch-grad-cam", ["grad_cam"]),
}


class Figures:
    """What was measured, found by what it was measured on."""

    def __init__(self, results):
        self._results = results

    def of(self, tool, method, backend="tensorflow", **case):
        """Return the figures of one method in one case, or None."""
        found = [
            figures
            for figures in self._results
            if (figures["tool"], figures["backend"], figures["method"], figures["case"])
            == (tool, backend, method, case)
        ]
        return found[-1] if found else None

    def ratio(self, tool, methods, **case):
        """Return the sum of the ratios of methods in one case, or None where one is missing."""
        found = [self.of(tool, method, **case) for method in methods]
        return None if None in found else sum(figures["ratio"] for figures in found)


def draw(results, docs):
    """Put the tables into the page, between its marks, and the plot beside it."""
    figures, page = Figures(results), docs / "cost.md"
    tables = "\n\n".join(filter(None, (table(figures, backend) for backend in BACKENDS)))
    text = page.read_text(encoding="utf-8")
    marked = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end -->)", re.DOTALL)
    page.write_text(marked.sub(lambda _: f"\n{tables}\n\n", text), encoding="utf-8")
    plot(figures, docs / "pictures/cost.png")


def table(figures, backend):
    """Return one backend's table, a row per model and number of images; nothing if nothing was measured."""
    rows = {}
    for model in MODELS:
        for count in (8, 32, 256):
            case = {"backend": backend, "model": model, "images": count}
            cells = {name: figures.ratio(*column, **case) for name, column in COLUMNS.items()}
            base = figures.of("keras_see", "grad_cam", **case)
            if base:
                rows[model, count] = base["floor"], cells
    if not rows:
        return ""
    names = [name for name in COLUMNS if any(cells[name] is not None for _, cells in rows.values())]
    lines = [f"| {BACKENDS[backend]} | images | floor | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    for (model, count), (floor, cells) in rows.items():
        told = ["" if cells[name] is None else f"{cells[name]:.2f}" for name in names]
        lines.append(f"| {MODELS[model]} | {count} | {1000 * floor:.0f} ms | {' | '.join(told)} |")
    return "\n".join(lines)


def plot(figures, path):
    """Draw how the cost grows with images, their size, depth and epochs."""
    grown = [
        ("images (small CNN)", "images", (1, 8, 32, 128, 256), {"model": "cnn"}),
        ("side of 8 images in pixels (MobileNetV2)", "size", (64, 96, 128, 160), {"model": "mobilenet", "images": 8}),
        ("convolutions (small CNN, 8 images)", "depth", (3, 12, 24, 48), {"model": "cnn", "images": 8}),
    ]
    plt.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    figure, axes = plt.subplots(2, 2, figsize=(8, 5.2), layout="constrained", sharey=True)
    axes = axes.ravel()
    for axis, (label, name, values, rest) in zip(axes, grown, strict=False):
        for kind, (tool, methods) in curves().items():
            points = [(value, figures.ratio(tool, methods, **rest, **{name: value})) for value in values]
            known = [point for point in points if point[1] is not None]
            axis.plot(*zip(*known, strict=True), "o-", label=kind) if known else None
        axis.set(xlabel=label, xscale="log", xticks=values, xticklabels=values)
        axis.minorticks_off()
    for kind, (tool, methods) in curves().items():
        found = [figures.of(tool, method, model="cnn", images=8, repeats=60) for method in methods]
        if None not in found:
            waits = [sum(each) / found[0]["floor"] for each in zip(*(one["waits"] for one in found), strict=True)]
            axes[3].plot(waits, label=kind)
    axes[3].set(xlabel="epochs (small CNN, 8 images)")
    for axis in axes:
        axis.axhline(1, color="0.7", linewidth=1, zorder=0)
        axis.set_ylim(0)
    figure.supylabel("training waits, in floors", fontsize=9)
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=120)


def curves():
    """Return what is drawn of the tools that are callbacks, all methods that each has."""
    names = {"keras_see, three maps": "all three", "keras_see, Grad-CAM": "Grad-CAM"}
    return {label: COLUMNS[name] for label, name in names.items()} | {"tf-explain, two maps": COLUMNS["tf-explain"]}
