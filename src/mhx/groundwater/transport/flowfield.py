"""The flow below transport, cell by cell: flows between cells, saturation, what leaves a cell.

Read from the budget file of MODFLOW 6, whose FLOW-JA-FACE holds one number per entry of the
connection table: for every cell itself, then its neighbours in ascending order, positive into the
cell.  The table is made of the grid here; that opposite entries are opposite proves that it is the
one of MODFLOW.  Water is m3/s, lengths m; a node is layer * n + cell.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.budget import Exchange
from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.model import FlowModel
from mhx.groundwater.transport.results import Connections

FACES, SATURATION = "FLOW-JA-FACE", "DATA-SAT"
OPPOSITE = 1e-9
"""Misfit of opposite entries, as a share of the largest, that is no more than round-off [1]."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Pairs of neighbouring cells, each once: `one` < `other`, sides of layers, then layers.

    one, other: (m,) nodes.  width: (m,) length of the side, NaN between layers.  ahead, back: (m,)
    places of (one, other) and of (other, one) in the table of connections, which has `size`.
    """

    one: Ids
    other: Ids
    width: Floats
    ahead: Ids
    back: Ids
    size: int


def neighbours(grid: Grid, n_layers: int) -> Neighbours:
    """The connections that MODFLOW makes of a grid without inactive cells."""
    edges, n = grid.edges, grid.n_cells
    below = np.arange(n_layers)[:, None] * n
    above = np.arange((n_layers - 1) * n)
    one = np.concatenate([(below + edges.i).ravel(), above])
    other = np.concatenate([(below + edges.j).ravel(), above + n])
    sides = np.linalg.norm(grid.vertices[edges.a] - grid.vertices[edges.b], axis=1)
    rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((columns, rows))
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size) + rows[order] + 1  # one diagonal entry a row before it
    return Neighbours(
        one=one,
        other=other,
        width=np.concatenate([np.tile(sides, n_layers), np.full(above.size, np.nan)]),
        ahead=place[: one.size],
        back=place[one.size :],
        size=order.size + n_layers * n,
    )


@dataclass(frozen=True, kw_only=True)
class FlowField:
    """Flow in the steps that MODFLOW saved.

    period, step: (r,) counted from 1.  rates: (r, m) m3/s from `one` to `other` of `pairs`.
    saturation: (r, n_layers, n) share of a cell's thickness that is full [1].
    sinks: (r, n_layers, n) m3/s that boundaries take.
    """

    model: FlowModel
    pairs: Neighbours
    period: Ids
    step: Ids
    rates: Floats
    saturation: Floats
    sinks: Floats

    @cached_property
    def outflow(self) -> Floats:
        """(r, n_layers, n) m3/s of all water that leaves a cell."""
        found = self.sinks.reshape(len(self.rates), -1).copy()
        for at, rates in enumerate(self.rates):
            np.add.at(found[at], self.pairs.one, np.maximum(rates, 0.0))
            np.add.at(found[at], self.pairs.other, np.maximum(-rates, 0.0))
        return found.reshape(self.sinks.shape)

    def during(self, period: Ids, step: Ids) -> Ids:
        """(s,) the saved flow that holds in each step: its own, or the next one of its period."""
        key, own = period * 2**32 + step, self.period * 2**32 + self.step
        return np.minimum(np.searchsorted(own, key), own.size - 1)

    def connections(self, when: Ids) -> Connections:
        """The flow in the steps `when` (places of saved ones)."""
        model, pairs = self.model, self.pairs
        tops = np.vstack([model.top, model.bottoms[:-1]])
        wet = (self.saturation * (tops - model.bottoms)).reshape(len(self.rates), -1)
        lateral = np.isfinite(pairs.width)
        middle = 0.5 * (tops + model.bottoms).ravel()
        cells = model.grid.n_cells
        apart = model.grid.centres[pairs.one % cells] - model.grid.centres[pairs.other % cells]
        mean = 0.5 * (wet[:, pairs.one] + wet[:, pairs.other])
        area = np.where(lateral, pairs.width * mean, model.grid.areas[pairs.one % cells])
        return Connections(
            one=pairs.one,
            other=pairs.other,
            rate=taken(self.rates, when),
            area=taken(area, when),
            distance=np.where(
                lateral, np.hypot(*apart.T), np.abs(middle[pairs.one] - middle[pairs.other])
            ),
            lateral=lateral,
        )


def taken(values: Floats, when: Ids) -> Floats:
    """(s, ...) rows of an array; those of one row are not copied."""
    if len(values) == 1:
        return np.broadcast_to(values[0], (when.size, *values.shape[1:]))
    return np.asarray(values[when])


def read_flow_field(model: FlowModel, path: Path, exchanges: list[Exchange]) -> FlowField:
    """The flow of a finished run; EvidenceError where the file is torn or of another grid.

    path: the budget file of the flow model.  exchanges: what `read_budget` found in it.
    """
    pairs = neighbours(model.grid, model.n_layers)
    faces: dict[tuple[int, int], Floats] = {}
    saturation: dict[tuple[int, int], Floats] = {}
    try:
        for name, key, values in _records(path.read_bytes()):
            if name == FACES:
                faces[key] = _between(pairs, values) / model.seconds
            else:
                saturation[key] = values.reshape(model.bottoms.shape)
    except (OSError, struct.error, ValueError) as error:
        raise EvidenceError(f"{path} is torn, altered or of another model: {error}") from error
    if not faces or faces.keys() != saturation.keys():
        raise EvidenceError(f"{path} does not hold the flows between cells of every saved step")
    places = {key: at for at, key in enumerate(faces)}
    sinks = np.zeros((len(faces), model.bottoms.size))
    for one in exchanges:
        at = places.get((one.period, one.step))
        if at is not None and not one.component.startswith("sto"):
            np.add.at(sinks[at], one.nodes, np.maximum(-one.rates, 0.0) / model.seconds)
    keys = np.array(list(faces), dtype=np.int64)
    return FlowField(
        model=model,
        pairs=pairs,
        period=keys[:, 0],
        step=keys[:, 1],
        rates=np.stack(list(faces.values())),
        saturation=np.stack(list(saturation.values())),
        sinks=sinks.reshape(len(faces), *model.bottoms.shape),
    )


def _between(pairs: Neighbours, values: Floats) -> Floats:
    """(m,) from `one` to `other`, which is minus what `one` gets."""
    if values.size != pairs.size:
        raise ValueError(f"{FACES} has {values.size} entries, the grid {pairs.size}")
    ahead, back = values[pairs.ahead], values[pairs.back]
    off = float(np.abs(ahead + back).max(initial=0.0))
    if off > OPPOSITE * float(np.abs(values).max(initial=0.0)):
        raise ValueError(f"{FACES}: opposite flows differ by {off:g}")
    return np.asarray(-ahead)


def _records(content: bytes) -> Iterator[tuple[str, tuple[int, int], Floats]]:
    """Name, (period, step) and values of what is wanted here; the form is told in `budget.py`."""
    head, compact, count = struct.Struct("<2i16s3i"), struct.Struct("<i3d"), struct.Struct("<i")
    at = 0
    while at < len(content):
        step, period, text, n1, n2, n3 = head.unpack_from(content, at)
        at += head.size
        method = compact.unpack_from(content, at)[0]
        at += compact.size
        name = text.decode("ascii", "replace").strip()
        if method == 1:
            size = n1 * n2 * -n3
            if name == FACES:
                yield name, (period, step), np.frombuffer(content, "<f8", size, at)
            at += 8 * size
            continue
        columns = count.unpack_from(content, at + 64)[0]
        at += 64 + count.size + 16 * (columns - 1)
        rows = count.unpack_from(content, at)[0]
        at += count.size
        row = np.dtype([("node", "<i4"), ("other", "<i4"), ("values", "<f8", (columns,))])
        if name == SATURATION:
            table = np.frombuffer(content, row, rows, at)
            found = np.empty(rows)
            found[table["node"] - 1] = table["values"][:, 1]  # the first column is a rate of 0
            yield name, (period, step), found
        at += rows * row.itemsize
