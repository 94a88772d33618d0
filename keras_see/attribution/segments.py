"""Segments of a mask: its connected parts, and the box around the largest."""

import itertools

import numpy as np


def largest_segment_box(mask):
    """Return the box `(x0, y0, x1, y1)`, half-open, around the largest connected part of a boolean mask.

    Places are connected where they share an edge. Of equally large parts the first from the top counts.

    Args:
        mask: bool `(height, width)`, true somewhere.
    """
    runs = [(row, start, end) for row, line in enumerate(mask) for start, end in _runs(line)]
    roots = _joined(runs)
    sizes = dict.fromkeys(roots, 0)
    for root, (_, start, end) in zip(roots, runs, strict=True):
        sizes[root] += end - start
    largest = max(sizes, key=sizes.get)
    rows, starts, ends = zip(*(run for run, root in zip(runs, roots, strict=True) if root == largest), strict=True)
    return min(starts), min(rows), max(ends), max(rows) + 1


def overlap(box, other):
    """Return the intersection of two boxes over their union, 0 to 1."""
    width, height = (min(box[axis + 2], other[axis + 2]) - max(box[axis], other[axis]) for axis in (0, 1))
    shared = max(width, 0) * max(height, 0)
    return shared / (_area(box) + _area(other) - shared)


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def _runs(line):
    """Return the half-open ranges in which a line of a mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype("int8"), [0]])))
    return edges.reshape(-1, 2).tolist()


def _joined(runs):
    """Return for each run the number of the first run that it is connected with."""
    parents, lines = list(range(len(runs))), {}
    for number, (row, *_) in enumerate(runs):
        lines.setdefault(row, []).append(number)
    for row, numbers in lines.items():
        for one, other in itertools.product(lines.get(row - 1, []), numbers):
            if runs[one][1] < runs[other][2] and runs[other][1] < runs[one][2]:
                first, last = sorted((_root(parents, one), _root(parents, other)))
                parents[last] = first
    return [_root(parents, number) for number in range(len(runs))]


def _root(parents, number):
    while parents[number] != number:
        number = parents[number]
    return number
