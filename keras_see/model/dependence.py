"""What depends on what in one run of a model."""


class Dependence:
    """Which marked tensors each marked tensor depends on.

    Args:
        graph: The `backend.Graph` of the run, its keys those of the marked tensors.
        has_gradients: Whether only what depends by operations that have gradients counts.
    """

    def __init__(self, graph, has_gradients=False):
        self._keys, self._own = graph.keys, {}
        pairs = zip(graph.steps, graph.cuts, strict=True)
        self._steps = [step for step, is_cut in pairs if not (has_gradients and is_cut)]
        for number, key in enumerate(graph.keys):
            if key is not None:
                self._own[key] = self._own.get(key, 0) | 1 << number
        self._masks = dict(self._own)
        for taken, made in self._steps:
            mask = 0
            for key in taken:
                mask |= self._masks.get(key, 0)
            for key in made:
                self._masks[key] = self._masks.get(key, 0) | mask

    def is_known(self, number):
        """Return whether a marked tensor is one that the run hands out: none inside a loop or a branch is."""
        return self._keys[number] is not None

    def mask(self, number):
        """Return a bit per marked tensor that this one depends on; it depends on itself."""
        return self._masks.get(self._keys[number], 0)

    def sources(self, number, inputs):
        """Return which of the first `inputs` marked tensors this one depends on."""
        return frozenset(source for source in range(inputs) if self.mask(number) >> source & 1)

    def carriers(self, source):
        """Return a function of two marks: whether all of the first's dependence on the source goes through the second.

        Dominators of a graph without circles, found in one pass from the source on.
        """
        through = {self._keys[source]: self._own[self._keys[source]]}
        for taken, made in self._steps:
            found = [through[key] for key in taken if key in through]
            if not found:
                continue
            mask = found[0]
            for each in found[1:]:
                mask &= each
            for key in made:
                passed = mask | self._own.get(key, 0)
                through[key] = through[key] & passed if key in through and key not in taken else passed
        return lambda number, other: bool(through.get(self._keys[number], 0) >> other & 1)
