"""The files of a comparison, beside the runs of its methods.

    observables.csv              every value that was read, maps apart
    comparison_differences.csv   every value beside its partner in the reference
    comparison_unmatched.csv     every value that has none
    comparison_metrics.csv       a row per method and observable
    comparison_maps.npz          maps on the common raster: <observable>__<simulation> (t, rows,
                                 columns), weights (rows, columns) [m2], x, y of the pixels
    numerical_closure.csv        a row per method, balance and period
    comparison_metrics.json, comparison_audit.json/.md, comparison_manifest.json

Numbers with all their digits; what is no number is empty, null in JSON.  CSV and NPZ are identity:
no time of the computer stands in them.
"""

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mhx.evidence import schemas
from mhx.evidence.hashing import file_digest
from mhx.evidence.store import write_bytes, write_json, write_text
from mhx.groundwater.comparison.audit import Report, lines_of
from mhx.groundwater.comparison.closures import GRADES, Closure
from mhx.groundwater.comparison.differences import STATISTICS, Matched
from mhx.groundwater.comparison.observables import Values
from mhx.groundwater.comparison.sampling import Raster

OBSERVABLES, DIFFERENCES = "observables.csv", "comparison_differences.csv"
UNMATCHED = "comparison_unmatched.csv"
METRICS, MAPS, CLOSURES = "comparison_metrics.csv", "comparison_maps.npz", "numerical_closure.csv"
METRICS_JSON, AUDIT_JSON = "comparison_metrics.json", "comparison_audit.json"
AUDIT_MD, MANIFEST = "comparison_audit.md", "comparison_manifest.json"
REPORT_MD, REPORT_HTML = "comparison_report.md", "comparison_report.html"
FIGURES = "comparison_figures"
_OBSERVABLE_COLUMNS = (
    *("simulation", "observable", "variable", "support", "unit"),
    *("time_d", "index", "x", "y", "value"),
)
_DIFFERENCE_COLUMNS = (
    *("simulation", "reference", "observable", "unit", "time_d", "index", "x", "y"),
    *("value", "reference_value", "difference", "relative_error"),
)
_UNMATCHED_COLUMNS = (
    *("simulation", "missing_in", "observable", "unit", "time_d", "index", "x", "y", "value"),
)
_METRIC_COLUMNS = ("simulation", "reference", "observable", "unit", *STATISTICS, "n_unmatched")
_CLOSURE_COLUMNS = (
    *("simulation", "balance", "period", "in", "out", "residual", "unit", "residual_mm_d"),
    *("relative", "grade", "status", "terms"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method against the reference in one observable."""

    simulation: str
    reference: str
    observable: str
    unit: str
    statistics: Mapping[str, float]
    n_unmatched: int
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a comparison found, before it is written.

    values: every observable of every method.  interpolation: per map what the reference differs
    from itself by when it is read through the other interpolation.
    """

    comparison_id: str
    reference: str
    values: Sequence[Values]
    matched: Sequence[Matched]
    rows: Sequence[Row]
    closures: Sequence[Closure]
    audit: Report
    raster: Raster | None
    interpolation: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Rows of the files, and of what found no partner."""
        return {
            "n_observable_rows": sum(one.count for one in self.values if not _is_map(one)),
            "n_metric_rows": len(self.rows),
            "n_difference_rows": sum(m.difference.size for m in self.matched if not _is_map(m.of)),
            "n_unmatched_rows": sum(row.n_unmatched for row in self.rows),
        }


def write(root: Path, found: Findings) -> None:
    """All files but manifest and report."""
    _csv(root / OBSERVABLES, _OBSERVABLE_COLUMNS, _observable_rows(found.values))
    _csv(root / DIFFERENCES, _DIFFERENCE_COLUMNS, _difference_rows(found))
    _csv(root / UNMATCHED, _UNMATCHED_COLUMNS, _unmatched_rows(found))
    _csv(root / METRICS, _METRIC_COLUMNS, map(_metric_row, found.rows))
    _csv(root / CLOSURES, _CLOSURE_COLUMNS, map(_closure_row, found.closures))
    if maps := [one for one in found.values if _is_map(one)]:
        assert found.raster is not None  # maps were read on it
        write_bytes(root / MAPS, _maps(maps, found.raster))
    write_json(root / METRICS_JSON, _metrics_document(found))
    write_json(root / AUDIT_JSON, {"schema": schemas.COMPARISON_AUDIT, **found.audit.document()})
    write_text(root / AUDIT_MD, "\n".join(lines_of(found.audit)))


def write_manifest(root: Path, facts: Mapping[str, Any]) -> None:
    """`comparison_manifest.json`, the last of a comparison's own files."""
    names = [
        *(
            OBSERVABLES,
            DIFFERENCES,
            UNMATCHED,
            METRICS,
            MAPS,
            CLOSURES,
            METRICS_JSON,
            AUDIT_JSON,
            AUDIT_MD,
        ),
        *(REPORT_MD, REPORT_HTML),
    ]
    there = [name for name in names if (root / name).is_file()]
    document = {
        "schema": schemas.COMPARISON_MANIFEST,
        "schema_version": "comparison_manifest_v1",
        **facts,
        "files": {name: file_digest(root / name) for name in there},
    }
    write_json(root / MANIFEST, document)


def _is_map(values: Values) -> bool:
    return values.observable.support == "map"


def _observable_rows(values: Iterable[Values]) -> Iterator[tuple[Any, ...]]:
    for one in values:
        if _is_map(one):
            continue
        asked = one.observable
        head = (one.simulation, asked.name, asked.variable, asked.support, asked.own_unit)
        for step, time in enumerate(one.time_d.tolist()):
            numbers = one.values[step].tolist()
            for index, (x, y, value) in enumerate(
                zip(one.x.tolist(), one.y.tolist(), numbers, strict=True)
            ):
                if math.isfinite(value):
                    yield (*head, time, index, x, y, value)


def _difference_rows(found: Findings) -> Iterator[tuple[Any, ...]]:
    for one in found.matched:
        if _is_map(one.of):
            continue
        asked = one.of.observable
        head = (one.simulation, found.reference, asked.name, asked.own_unit)
        pairs = zip(one.at.tolist(), one.value.tolist(), one.reference.tolist(), strict=True)
        for (step, index), value, reference in pairs:
            off = value - reference
            place = (float(one.of.x[index]), float(one.of.y[index]))
            share = abs(off / reference) if reference else math.nan
            yield (*head, float(one.of.time_d[step]), index, *place, value, reference, off, share)


def _unmatched_rows(found: Findings) -> Iterator[tuple[Any, ...]]:
    """Values without a partner, of either; of maps they are counted alone."""
    for one in found.matched:
        if _is_map(one.of):
            continue
        sides = (
            (one.of, one.reference_of, one.alone),
            (one.reference_of, one.of, one.reference_alone),
        )
        for side, other, places in sides:
            asked = side.observable
            head = (side.simulation, other.simulation, asked.name, asked.own_unit)
            for step, index in places.tolist():
                place = (float(side.x[index]), float(side.y[index]))
                value = float(side.values[step, index])
                yield (*head, float(side.time_d[step]), index, *place, value)


def _metric_row(row: Row) -> tuple[Any, ...]:
    numbers = (row.statistics[name] for name in STATISTICS)
    return (row.simulation, row.reference, row.observable, row.unit, *numbers, row.n_unmatched)


def _closure_row(one: Closure) -> tuple[Any, ...]:
    return (
        *(one.simulation, one.balance, one.period, one.inward, one.outward, one.residual),
        *(one.unit, one.residual_mm_d, one.relative, one.grade, GRADES[one.grade]),
        json.dumps(one.terms, sort_keys=True),
    )


def _maps(maps: Sequence[Values], raster: Raster) -> bytes:
    arrays: dict[str, Any] = {
        f"{one.observable.name}__{one.simulation}": np.stack(
            [raster.image(step) for step in one.values]
        )
        for one in maps
    }
    arrays |= {f"{one.observable.name}__{one.simulation}__time_d": one.time_d for one in maps}
    left, right, bottom, _ = raster.extent
    rows, columns = raster.shape
    size = (right - left) / columns
    arrays |= {
        "x": left + size * (np.arange(columns) + 0.5),
        "y": bottom + size * (np.arange(rows) + 0.5),
        "weights": raster.image(raster.weights),
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _metrics_document(found: Findings) -> dict[str, Any]:
    nested: dict[str, dict[str, Any]] = {}
    for row in found.rows:
        nested.setdefault(row.simulation, {})[row.observable] = dict(row.statistics)
    return {
        "schema": schemas.COMPARISON_METRICS,
        "comparison_id": found.comparison_id,
        "reference_simulation": found.reference,
        "comparison_metrics": nested,
        "rows": [
            {
                **{name: getattr(row, name) for name in ("simulation", "reference", "observable")},
                "unit": row.unit,
                **row.statistics,
                "n_unmatched": row.n_unmatched,
            }
            for row in found.rows
        ],
        "unmatched": [
            {
                "simulation": row.simulation,
                "observable": row.observable,
                "n_unmatched": row.n_unmatched,
                "why": list(row.why),
            }
            for row in found.rows
            if row.n_unmatched or row.why
        ],
        "interpolation": {name: dict(told) for name, told in found.interpolation.items()},
        **found.counts,
    }


def _csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    lines = [",".join(columns)]
    lines += [",".join(map(_cell, row)) for row in rows]
    write_text(path, "\n".join(lines) + "\n")


def _cell(value: Any) -> str:
    """Numbers with all their digits; texts quoted where they hold a comma or a quote."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
