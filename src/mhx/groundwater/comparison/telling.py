"""What a comparison has found, in a few plain words for the terminal; the page holds the rest."""

import math
from collections.abc import Mapping

from mhx.groundwater.comparison.carrying import Ended
from mhx.groundwater.comparison.records import Findings, Row

MOST = 8
"""Observables that are told; the others stand on the page."""


def lines(found: Findings, ended: Mapping[str, Ended]) -> list[str]:
    """Per observable which method is farthest from the reference and which closest, and by what."""
    told = []
    by_name: dict[str, list[Row]] = {}
    for row in found.rows:
        by_name.setdefault(row.observable, []).append(row)
    if by_name:
        told.append(f"largest differences from {found.reference!r}:")
    told += [f"  {name}: {_of(rows)}" for name, rows in list(by_name.items())[:MOST]]
    if len(by_name) > MOST:
        told.append(f"  and {len(by_name) - MOST} more observables")
    told += [f"not finished: {one.error}" for one in ended.values() if not one.finished]
    if found.audit.status in ("warn", "ignored") and found.audit.mismatches:
        told.append(
            f"audit {found.audit.status}: {found.audit.mismatches} of what must be equal differ: "
            "the methods do not solve one case"
        )
    return told


def _of(rows: list[Row]) -> str:
    compared = [row for row in rows if math.isfinite(row.statistics["max_abs_error"])]
    if not compared:
        why = next((text for row in rows for text in row.why), "")
        return "nothing to compare" + (f" ({why})" if why else "")
    far = max(compared, key=_largest)
    text = f"{_largest(far):.3g} {far.unit} in {far.simulation!r}"
    if far.statistics["n_pairs"] > 1:
        text += f" (rmse {far.statistics['rmse']:.3g})"
    near = min(compared, key=_largest)
    if near is not far:
        text += f"; closest {near.simulation!r}, {_largest(near):.3g} {near.unit}"
    without = len(rows) - len(compared)
    return text + (f"; {without} without a value" if without else "")


def _largest(row: Row) -> float:
    return row.statistics["max_abs_error"]
