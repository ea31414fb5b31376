"""What a judged study consists of: verdicts, the numbers behind them, arrays, facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mhx.evidence.gates import GateResult, all_pass


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A study judged from the files of its cases.

    results: every gate, at the bounds that were asked for.
    metrics: what the gates read.
    facts: further keys of `diagnostics.json` (tables per case, orders, intervals), plain values.
    arrays: the compact NPZ of the bundle.
    covers: `resolutions`, `time_steps`, `seeds`, `t_end` (the shortest), as found in the cases.
    """

    kind: str
    results: Sequence[GateResult]
    metrics: Mapping[str, float | None]
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    covers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True when there are gates and all pass."""
        return all_pass(self.results)
