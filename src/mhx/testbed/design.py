"""Designs: rules that make points on declared axes.

`grid` and `one_at_a_time` take levels, `latin_hypercube` and `sobol` sample between `low` and
`high`, `seeds` numbers random streams.  Sampled points come from `scipy.stats.qmc`, imported when
points are drawn and nowhere else in this package.  What was drawn is part of the plan, and a plan
that exists is read back: another version of SciPy cannot change an experiment that was planned.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from typing import Any

from mhx.errors import EngineMissing
from mhx.testbed.config import Axis, Design, Value
from mhx.testbed.matrix import SEED, Overlay, shown
from mhx.testbed.sources.axes import Levels

SAMPLED = ("latin_hypercube", "sobol")
SEED_BITS = 32
KEEPS, ANEW = "keeps the earlier points", "draws all points anew"
"""What a larger `count` does to a plan."""
_COUNTABLE = 1_000_000  # a grid beyond this is not walked to see what `exclude` leaves of it

Row = tuple[tuple[int, ...], tuple[str, ...]]
"""Numbers of levels, and the axes that vary there."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One case of a design: names for its id, coordinates, what sets them, the axes that vary."""

    names: Mapping[str, Value]
    coordinates: Mapping[str, Value]
    overlays: tuple[Overlay, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The points of a design, the record of it for the plan, and what should be noticed."""

    points: tuple[Point, ...]
    record: Mapping[str, Any]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Was:
    """What a plan holds of a design; and the extra of the package that brings SciPy."""

    record: Mapping[str, Any]
    extra: str = "groundwater"


def size(design: Design, axes: Sequence[Levels]) -> int:
    """How many cases a design makes; of a very large grid, how many before `exclude`."""
    counts = [len(levels.steps) for levels in axes]
    if design.kind in SAMPLED:
        return design.count or 0
    if design.kind == "one_at_a_time":
        return 1 + sum(count - 1 for count in counts)
    if design.kind == "seeds":
        return math.prod(counts) * (len(design.seeds or ()) or design.count or 0)
    most = math.prod(counts)
    if not design.exclude or most > _COUNTABLE:
        return most
    return sum(1 for _ in _kept(design, axes))


def drawn(design: Design, axes: Sequence[Levels], streams: Levels, was: Was) -> Drawn:
    """The points of a checked design.

    Args:
        axes: those that the design names, in its order.
        streams: how a seed becomes an overlay.
        was: what a plan holds of this design, and what brings SciPy.
    """
    record = {**design.model_dump(mode="json", exclude_none=True), "case_count": size(design, axes)}
    if design.kind in SAMPLED:
        return _sampled(design, axes, record, was)
    if design.kind == "seeds":
        return _seeded(design, axes, streams, record)
    rows = _kept(design, axes) if design.kind == "grid" else _one_at_a_time(axes)
    points = tuple(_at_levels(axes, row, varied) for row, varied in rows)
    return Drawn(points=points, record=record, notices=tuple(_idle(design, axes)))


def seed_list(design: Design) -> tuple[int, ...]:
    """The seeds of a design: as listed, or the first bits of SHA-256 of "<base_seed>:<index>"."""
    if design.seeds is not None:
        return design.seeds
    return tuple(made_seed(design.base_seed or 0, index) for index in range(design.count or 0))


def made_seed(base_seed: int, index: int) -> int:
    """A seed that depends on nothing but its number: more seeds do not change the first ones."""
    digest = hashlib.sha256(f"{base_seed}:{index}".encode()).digest()
    return int.from_bytes(digest[: SEED_BITS // 8], "big")


def _kept(design: Design, axes: Sequence[Levels]) -> Iterator[Row]:
    """Level numbers of a grid, last axis fastest, without what is excluded."""
    names = tuple(levels.axis.id for levels in axes)
    excluded = [
        {names.index(name): _matches(axes[names.index(name)], value) for name, value in one.items()}
        for one in design.exclude
    ]
    for row in product(*(range(len(levels.steps)) for levels in axes)):
        if not any(all(row[axis] in of for axis, of in one.items()) for one in excluded):
            yield row, names


def _matches(levels: Levels, wanted: Value) -> frozenset[int]:
    found = levels.find(wanted)
    return frozenset() if found is None else frozenset({found})


def _idle(design: Design, axes: Sequence[Levels]) -> Iterator[str]:
    """Notices for what `exclude` names and no axis has."""
    by_name = {levels.axis.id: levels for levels in axes}
    for number, one in enumerate(design.exclude):
        for name, value in one.items():
            if by_name[name].find(value) is None:
                yield (
                    f"design {design.id!r}: exclude[{number}] leaves nothing out; axis {name!r} "
                    f"has no level {shown(value)}"
                )


def _one_at_a_time(axes: Sequence[Levels]) -> Iterator[Row]:
    """The reference, then each axis through its other levels."""
    centre = tuple(levels.reference for levels in axes)
    names = tuple(levels.axis.id for levels in axes)
    yield centre, names
    for number, levels in enumerate(axes):
        for step in range(len(levels.steps)):
            if step != centre[number]:
                yield (*centre[:number], step, *centre[number + 1 :]), (names[number],)


def _at_levels(axes: Sequence[Levels], row: Sequence[int], varied: tuple[str, ...]) -> Point:
    steps = [levels.steps[number] for levels, number in zip(axes, row, strict=True)]
    names = [levels.axis.id for levels in axes]
    return Point(
        names={
            levels.axis.id: step.name if levels.named else step.value
            for levels, step in zip(axes, steps, strict=True)
        },
        coordinates=dict(zip(names, (step.value for step in steps), strict=True)),
        overlays=tuple(overlay for step in steps for overlay in step.overlays),
        axes=varied,
    )


def _seeded(
    design: Design, axes: Sequence[Levels], streams: Levels, record: dict[str, Any]
) -> Drawn:
    """Every seed at every combination of levels; without axes, every seed."""
    seeds = seed_list(design)
    record["points"] = list(seeds)
    if design.seeds is None:
        record["extending_count"] = KEEPS
    ones = [
        streams.set_to(seed, (*streams.place, "seeds", number)) for number, seed in enumerate(seeds)
    ]
    names = (*(levels.axis.id for levels in axes), SEED)
    points = []
    for row in product(*(range(len(levels.steps)) for levels in axes)):
        at = _at_levels(axes, row, names)
        points += [
            Point(
                names={**at.names, SEED: seed},
                coordinates={**at.coordinates, SEED: seed},
                overlays=(*at.overlays, *one),
                axes=names,
            )
            for seed, one in zip(seeds, ones, strict=True)
        ]
    return Drawn(points=tuple(points), record=record)


def _sampled(design: Design, axes: Sequence[Levels], record: dict[str, Any], was: Was) -> Drawn:
    """Points between the ends of the axes: those of the plan, and new ones where it has none."""
    draw = _draw(design, axes)
    count = design.count or 0
    kept = _kept_points(design, draw, was.record)
    notices = []
    try:
        fresh = _points(design, axes, was.extra)
    except EngineMissing:
        if len(kept) < count:
            raise
        fresh = kept
    if kept != fresh[: len(kept)]:
        notices.append(
            f"design {design.id!r}: {_scipy()} draws other points than the plan holds, which were "
            f"drawn by {was.record.get('drawn_by')}; those of the plan stand"
        )
    if design.kind == "sobol" and count & (count - 1):
        notices.append(
            f"design {design.id!r}: count {count} is not a power of two; Sobol points are balanced "
            "only then"
        )
    values = [*kept, *fresh[len(kept) :]]
    record |= {
        "draw": draw,
        "drawn_by": was.record.get("drawn_by") if kept else _scipy(),
        "points": [list(point) for point in values],
        "extending_count": KEEPS if design.kind == "sobol" else ANEW,
    }
    names = tuple(levels.axis.id for levels in axes)
    points = (dict(zip(names, point, strict=True)) for point in values)
    return Drawn(
        points=tuple(
            Point(names=at, coordinates=at, overlays=_set_to(axes, at), axes=names) for at in points
        ),
        record=record,
        notices=tuple(notices),
    )


def _set_to(axes: Sequence[Levels], at: Mapping[str, Value]) -> tuple[Overlay, ...]:
    return tuple(
        overlay for levels in axes for overlay in levels.set_to(at[levels.axis.id], levels.place)
    )


def _draw(design: Design, axes: Sequence[Levels]) -> dict[str, Any]:
    """What points depend on, besides their number: a stored plan with another draw is no plan."""
    draw: dict[str, Any] = {"kind": design.kind, "seed": design.seed or 0}
    if design.kind == "sobol":
        draw["scramble"] = design.scramble is not False
    keys = {"id", "low", "high", "distribution", "integer"}
    draw["axes"] = [levels.axis.model_dump(mode="json", include=keys) for levels in axes]
    return draw


def _kept_points(
    design: Design, draw: Mapping[str, Any], record: Mapping[str, Any]
) -> list[tuple[Value, ...]]:
    """The points of a plan, as many as this design still has."""
    points = record.get("points")
    if record.get("draw") != draw or not isinstance(points, list):
        return []
    if design.kind == "latin_hypercube" and len(points) != design.count:
        return []
    if not all(_is_point(point, len(design.axes)) for point in points):
        return []
    return [tuple(point) for point in points[: design.count]]


def _is_point(point: Any, axes: int) -> bool:
    """True for a list with one number for each axis."""
    return (
        isinstance(point, list)
        and len(point) == axes
        and all(isinstance(value, int | float) and math.isfinite(value) for value in point)
    )


def _points(design: Design, axes: Sequence[Levels], extra: str) -> list[tuple[Value, ...]]:
    """New points, from the sampler of SciPy with the seed of the design."""
    try:
        from scipy.stats import qmc  # noqa: PLC0415 (0.5 s, and only where points are drawn)
    except ImportError as error:
        raise EngineMissing(
            f"design {design.id!r} ({design.kind}) needs the Python package 'scipy', which is not "
            f"installed; install it with: pip install 'mhx[{extra}]'"
        ) from error
    count, seed = design.count or 0, design.seed or 0
    if design.kind == "latin_hypercube":
        units = qmc.LatinHypercube(len(axes), rng=seed).random(count)
    else:  # drawn as a whole power of two, of which the first are taken: no count changes a point
        sampler = qmc.Sobol(len(axes), scramble=design.scramble is not False, rng=seed)
        units = sampler.random_base2((count - 1).bit_length())[:count]
    ends = [levels.axis for levels in axes]
    return [
        tuple(between(axis, unit) for axis, unit in zip(ends, row, strict=True))
        for row in units.tolist()
    ]


def between(axis: Axis, unit: float) -> Value:
    """The value of an axis at a share of its range; 0 <= unit < 1."""
    low, high = float(axis.low or 0), float(axis.high or 0)
    if axis.distribution == "loguniform":
        value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    else:
        value = low + unit * (high - low)
    if axis.integer:
        return min(max(round(value), math.ceil(low)), math.floor(high))
    return min(max(value, low), high)


def _scipy() -> str:
    try:
        return f"scipy {version('scipy')}"
    except PackageNotFoundError:
        return "scipy"
