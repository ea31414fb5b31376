"""Cases and their values as checks and analysis read them: which, where on an axis, in what group.

Made from the dictionary of `testbed_plan.json` and the rows of `testbed_metrics.csv` alone.  A case
is never dropped in silence: what has no value stays in its group, and whoever judges says so.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mhx.testbed.files.columns import FIXED_COLUMNS

NO_RESULT = "no result"


@dataclass(frozen=True, kw_only=True)
class Known:
    """One enabled case: where it stands, how it ended, what it measured."""

    id: str
    label: str
    design: str
    axis: str
    status: str
    coordinates: Mapping[str, Any]
    row: Mapping[str, Any]

    def value(self, metric: str) -> float | None:
        """A finite number of a case that is ok; None for anything else."""
        return number(self.row.get(metric)) if self.status == "ok" else None

    def lack(self, metric: str) -> str:
        """Why there is no value."""
        return self.status if self.status != "ok" else "not reported"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The enabled cases of a plan in order, with its axes and designs by id."""

    cases: Sequence[Known]
    axes: Mapping[str, Mapping[str, Any]]
    designs: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, str] = field(default_factory=dict)

    def selected(self, globs: Sequence[str] | None, design: str | None) -> list[Known]:
        """The cases that a check names; all when it names none."""
        return [
            case
            for case in self.cases
            if (design is None or case.design == design)
            and (globs is None or any(fnmatchcase(case.id, glob) for glob in globs))
        ]

    def along(self, cases: Iterable[Known], axis: str) -> tuple[list[Known], list[Known]]:
        """Cases that vary along an axis, and those that stand elsewhere.

        Cases without a coordinate on it stand elsewhere, and so do those that a one-at-a-time
        design moves along another axis.
        """
        on: list[Known] = []
        off: list[Known] = []
        for case in cases:
            stands = axis in case.coordinates or case.axis == axis
            (on if stands and not self._moved_elsewhere(case, axis) else off).append(case)
        return on, off

    def seed_keys(self, case: Known) -> frozenset[str]:
        """Coordinates of a case that are random seeds and no axis."""
        design = self.designs.get(case.design, {})
        if design.get("kind") != "seeds":
            return frozenset()
        return frozenset(case.coordinates) - frozenset(design.get("axes") or ())

    def reference(self, axis: str) -> Any:
        """The reference value of an axis: a number or the value of the level that is named."""
        table = self.axes.get(axis, {})
        values = levels(table)
        wanted = table.get("reference")
        if wanted is None:
            return values[0] if values else None
        names = level_names(table)
        return values[names.index(wanted)] if wanted in names else wanted

    def ordinal(self, case: Known, axis: str) -> float | None:
        """Where a case stands in the order of an axis: its number, or the count of its level."""
        place = position(case, axis)
        declared = levels(self.axes.get(axis, {}))
        if declared and not any(number(value) is not None for value in declared):
            found = (n for n, value in enumerate(declared) if same(value, place))
            return next((float(n) for n in found), None)
        return number(place)

    def column(self, key: str) -> str:
        """The column of a metric that is named by its name or by its source."""
        return self.columns.get(key, key)

    def _moved_elsewhere(self, case: Known, axis: str) -> bool:
        design = self.designs.get(case.design, {})
        if design.get("kind") != "one_at_a_time":
            return False
        others = (key for key in case.coordinates if key != axis and key in self.axes)
        return any(not same(case.coordinates[key], self.reference(key)) for key in others)


def matrix(plan: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Matrix:
    """Bring the cases of a plan and the rows of their metrics together."""
    by_id = {row["case_id"]: row for row in rows}
    return Matrix(
        cases=[
            _known(case, by_id.get(case["case_id"])) for case in plan["cases"] if case["enabled"]
        ],
        axes={axis["id"]: axis for axis in plan.get("axes") or ()},
        designs={design["id"]: design for design in plan.get("designs") or ()},
        columns={
            metric.get("source") or metric["name"]: metric["name"]
            for metric in plan.get("metrics") or ()
        },
    )


def metric_names(plan: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The declared metrics, or every column that a row has, sorted."""
    declared = [metric["name"] for metric in plan.get("metrics") or ()]
    if declared:
        return declared
    return sorted({key for row in rows for key in row} - FIXED_COLUMNS)


def groups(
    cases: Iterable[Known], apart: Callable[[Known], Iterable[str]]
) -> dict[tuple[tuple[str, Any], ...], list[Known]]:
    """Cases of equal coordinates, those in `apart(case)` not counted; in order of appearance."""
    found: dict[tuple[tuple[str, Any], ...], list[Known]] = {}
    for case in cases:
        left_out = set(apart(case))
        key = tuple(
            (name, _hashable(case.coordinates[name]))
            for name in sorted(case.coordinates)
            if name not in left_out
        )
        found.setdefault(key, []).append(case)
    return found


def group_text(key: Iterable[tuple[str, Any]]) -> str:
    """A group as it is printed: `K=1e-05, seed=3`; empty for the only one."""
    shown = ((name, f"{v:.12g}" if isinstance(v, float) else str(v)) for name, v in key)
    return ", ".join(f"{name}={text}" for name, text in shown)


def position(case: Known, axis: str) -> Any:
    """Where a case stands on an axis; None where that is not known."""
    if axis in case.coordinates:
        return case.coordinates[axis]
    return case.row.get("axis_value") if case.axis == axis else None


def number(value: Any) -> float | None:
    """A finite number as float, None for anything else (NaN, text, true)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def levels(axis: Mapping[str, Any]) -> list[Any]:
    """The values of a declared axis, in order; [] for a sampled one."""
    if axis.get("values") is not None:
        return list(axis["values"])
    return [
        level["value"] if level.get("value") is not None else level["id"]
        for level in axis.get("level") or ()
    ]


def level_names(axis: Mapping[str, Any]) -> list[str]:
    """The names of the levels, as far as they have any."""
    return list(axis.get("names") or [level["id"] for level in axis.get("level") or ()])


def same(one: Any, other: Any) -> bool:
    """Equal as coordinates: 1 is 1.0, but no truth value is a number."""
    return bool(_hashable(one) == _hashable(other))


def _known(case: Mapping[str, Any], row: Mapping[str, Any] | None) -> Known:
    return Known(
        id=case["case_id"],
        label=case.get("case_label") or case["case_id"],
        design=case.get("design") or "",
        axis=case.get("axis") or "",
        status=NO_RESULT if row is None else str(row.get("status")),
        coordinates=case.get("coordinates") or {},
        row={"axis_value": case.get("axis_value")} if row is None else row,
    )


def _hashable(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
