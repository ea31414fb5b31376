"""The registry in words: every runner with its pair, mode and origin, and what was left out."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mhx.report.answer import Answer
from mhx.workflow.registry import GROUP, origins, problems

_COLUMNS = ("subject", "runner", "mode", "from", "purpose")


def listed() -> Answer:
    """What `mhx runners` prints; no solver is loaded for it."""
    rows = [
        {
            "subject": row.subject,
            "runner": row.runner,
            "mode": row.mode,
            "from": origin,
            "purpose": row.purpose,
            "entry": row.entry,
            "config": row.config,
            "extra": row.extra or None,
            "metrics": row.metrics or None,
            "defaults": list(row.defaults),
        }
        for row, origin in origins()
    ]
    left_out = [asdict(problem) for problem in problems()]
    lines = _table([_COLUMNS, *([row[key] or "-" for key in _COLUMNS] for row in rows)])
    for problem in left_out:
        lines.append(
            f"left out: {problem['origin']} ({problem['entry_point']}): {problem['reason']}"
        )
    count = f"{sum(row['subject'] is not None for row in rows)} pairs of subject and runner"
    return Answer(
        headline=f"{count}, {len(left_out)} left out" if left_out else count,
        details=lines,
        document={"runners": rows, "problems": left_out, "entry_point_group": GROUP},
    )


def _table(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Columns of equal width, the last one as long as it is."""
    widths = [max(len(str(row[n])) for row in rows) for n in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), str(row[-1])])
        for row in rows
    ]
