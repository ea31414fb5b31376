"""What a run is: three names between the asker and the doer.

A runner executes one ordinary configuration inside one folder and says what it measured.  It knows
nothing of matrices, gates or claims.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One ordinary configuration, and the only folder that the runner may write into."""

    config: Mapping[str, Any]
    output_dir: Path


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """Plain values, written as `run_summary.json`.

    metrics: dotted names to numbers; units as the vocabulary says.
    notes: text worth a column (audit status, ids); `result`: what was found, lines for a terminal.
    artifacts: POSIX paths below `output_dir`; each must exist.
    """

    metrics: Mapping[str, float]
    notes: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


Runner = Callable[[RunRequest], RunSummary]
