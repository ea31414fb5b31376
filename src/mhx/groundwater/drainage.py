"""Where water runs on an elevation model: pits filled, one receiver per cell, what drains to where.

Arrays are indexed [row, column], row 0 in the north; flat ids count along the rows.  Cells without
an elevation (NaN) are outside: water leaves at them and at the rim.  Filling is priority flood with
increments, and each cell drains to one of its eight neighbours (D8), the one that the flood came
from: Barnes, Lehman and Mulla, Computers & Geosciences 62 (2014).  No coordinates here.
"""

import heapq

import numpy as np

from mhx.groundwater.grid import Flags, Floats, Ids

INCREMENT = 1e-4
"""Rise per cell across a filled pit [m]: enough to drain it, too little to matter as elevation."""
_STEPS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
_OUTSIDE = -1


def flooded(elevation: Floats) -> tuple[Floats, Ids]:
    """The elevation without pits [m], and the flat id of the cell that each cell drains to.

    Water rises from the rim: each cell drains to the lowest of its eight neighbours, the one that
    reaches it first, across pits and flats too.  Receivers are (rows * columns,), -1 where water
    leaves; of equally high cells the one reached first goes on first.
    """
    rows, columns = elevation.shape
    wide = columns + 2  # one ring of cells without elevation: no test for the rim below
    ground = np.full((rows + 2, wide), np.nan)
    ground[1:-1, 1:-1] = elevation
    known = ~np.isnan(ground)
    level = ground.ravel().tolist()
    waiting = known.ravel().tolist()
    target = [_OUTSIDE] * len(level)
    rim = np.flatnonzero(known & _beside(~known)).tolist()
    heap = [(level[cell], turn, cell) for turn, cell in enumerate(rim)]
    heapq.heapify(heap)
    for cell in rim:
        waiting[cell] = False
    steps = [down * wide + right for down, right in _STEPS]
    turn = len(rim)
    while heap:
        height, _, cell = heapq.heappop(heap)
        for step in steps:
            near = cell + step
            if waiting[near]:
                waiting[near] = False
                target[near] = cell
                level[near] = max(level[near], height + INCREMENT)
                heapq.heappush(heap, (level[near], turn, near))
                turn += 1
    inner = (slice(1, -1), slice(1, -1))
    below = np.array(target).reshape(rows + 2, wide)[inner].ravel()
    row, column = np.divmod(below, wide)
    receivers = np.where(below < 0, _OUTSIDE, (row - 1) * columns + column - 1)
    return np.array(level).reshape(rows + 2, wide)[inner], receivers


def accumulation(elevation: Floats, target: Ids) -> Ids:
    """(rows * columns,) number of cells that drain through each cell, itself included."""
    count = np.where(np.isnan(elevation), 0, 1).ravel().tolist()
    below = target.tolist()
    high_first = np.argsort(-np.nan_to_num(elevation, nan=-np.inf).ravel(), kind="stable")
    for cell in high_first.tolist():
        if below[cell] >= 0:
            count[below[cell]] += count[cell]
    return np.array(count)


def upstream(elevation: Floats, target: Ids, outlet: int) -> Flags:
    """(rows * columns,) bool: the cells that drain through the outlet, itself included."""
    inside = np.zeros(target.size, dtype=bool)
    inside[outlet] = True
    marks = inside.tolist()
    below = target.tolist()
    low_first = np.argsort(elevation.ravel(), kind="stable")
    for cell in low_first.tolist():  # a receiver lies lower, so it has been asked before
        if below[cell] >= 0 and marks[below[cell]]:
            marks[cell] = True
    return np.array(marks)


def main_stream(target: Ids, count: Ids, outlet: int, least: int) -> Ids:
    """Flat ids from the head of the main stream down to the outlet.

    At each junction it follows the larger drained area (the lower id of equal ones), upwards as
    long as at least `least` cells drain through the next one.
    """
    donors: dict[int, list[int]] = {}
    for cell, below in enumerate(target.tolist()):
        donors.setdefault(below, []).append(cell)
    path = [outlet]
    while found := donors.get(path[-1]):
        best = max(found, key=lambda cell: (count[cell], -cell))
        if count[best] < least:
            break
        path.append(best)
    return np.array(path[::-1])


def snapped(count: Ids, shape: tuple[int, int], at: tuple[int, int], within: int) -> int:
    """Flat id of the stream cell nearest to `at`, at most `within` rows and columns away.

    A stream cell drains at least half of what the largest in this window does: an outlet on the
    stream stays where it is.  Of equally near ones the one with the larger drained area.
    """
    rows, columns = shape
    row, column = at
    near = [
        (r, c)
        for r in range(max(row - within, 0), min(row + within + 1, rows))
        for c in range(max(column - within, 0), min(column + within + 1, columns))
    ]
    drained = count.reshape(shape)
    most = max(drained[place] for place in near)
    stream = [place for place in near if 2 * drained[place] >= most]
    best = min(stream, key=lambda rc: ((rc[0] - row) ** 2 + (rc[1] - column) ** 2, -drained[rc]))
    return best[0] * columns + best[1]


def _beside(outside: Flags) -> Flags:
    """Cells with one of their eight neighbours outside; the array has a ring to spare."""
    near = np.zeros_like(outside)
    inner = (slice(1, -1), slice(1, -1))
    rows, columns = outside.shape
    for down, right in _STEPS:
        shifted = outside[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
        near[inner] |= shifted
    return near
