"""What the terminal says of a comparison: who is how far from the reference."""

import math
from types import SimpleNamespace
from typing import Any, cast

from mhx.groundwater.comparison.carrying import Ended
from mhx.groundwater.comparison.records import Findings, Row
from mhx.groundwater.comparison.telling import MOST, lines


def row(simulation: str, observable: str, largest: float, pairs: int = 1) -> Row:
    return Row(
        simulation=simulation,
        reference="ref",
        observable=observable,
        unit="m",
        statistics={"n_pairs": pairs, "rmse": largest / 2, "max_abs_error": largest},
        n_unmatched=0,
        why=("b: dry",) if math.isnan(largest) else (),
    )


def told(*rows: Row, status: str = "pass", mismatches: int = 0, **ended: Ended) -> list[str]:
    audit = SimpleNamespace(status=status, mismatches=mismatches)
    found: Any = SimpleNamespace(rows=rows, reference="ref", audit=audit)
    return lines(cast(Findings, found), ended)


def test_the_farthest_and_the_closest_are_named_with_their_differences() -> None:
    assert told(row("a", "h", 0.5, 9), row("b", "h", 0.25, 9)) == [
        "largest differences from 'ref':",
        "  h: 0.5 m in 'a' (rmse 0.25); closest 'b', 0.25 m",
    ]


def test_methods_without_a_value_are_counted() -> None:
    assert told(row("a", "h", 0.5), row("b", "h", math.nan))[1:] == [
        "  h: 0.5 m in 'a'; 1 without a value"
    ]
    assert told(row("b", "h", math.nan))[1:] == ["  h: nothing to compare (b: dry)"]


def test_many_observables_are_cut_and_counted() -> None:
    found = told(*(row("a", f"h{n}", 1.0) for n in range(MOST + 2)))
    assert (len(found), found[-1]) == (MOST + 2, "  and 2 more observables")


def test_what_keeps_it_from_being_a_comparison_is_said() -> None:
    failed = Ended(id="b", root=cast(Any, None), status="failed", error="simulation 'b': no")
    found = told(status="warn", mismatches=2, b=failed)
    assert found == [
        "not finished: simulation 'b': no",
        "audit warn: 2 of what must be equal differ: the methods do not solve one case",
    ]
