"""What a result may be called: levels, waivers, the one door to production, and the ledger.

smoke       it ran, files are valid; only when asked for.
validation  executed at stated settings and judged, failed gates shown beside it; numerical, not
            agreement with data.
production  every gate of every level passes, nothing is waived.
`unspecified` is what nothing supports, `production_template` labels a plan; neither is a level.
A level in a manifest is a cached statement; the effective one is computed by `verify`.

The ledger has one chained line for each change of level.  A line binds manifests, promotion report
and newest command by digest.  `verify` finds a line that was altered, taken out, moved or added;
an end that was cut off; an older ledger put back with the manifests of its time, as long as any
later command that judged the run stands in `commands.jsonl`.  Two things it cannot find: a folder
put back as a whole to an earlier moment, for that is a true copy of it, and a chain built anew from
its first line.  Against these stands the digest of the newest line, kept elsewhere, or a signature.
"""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import total_ordering
from pathlib import Path
from typing import Any

from mhx.errors import ClaimRefused
from mhx.evidence.gates import GateResult, all_pass
from mhx.evidence.schemas import CLAIM_TRANSITION
from mhx.evidence.store import append_chained, read_chained

UNSPECIFIED = "unspecified"
PRODUCTION_TEMPLATE = "production_template"


@total_ordering
class ClaimLevel(Enum):
    """Ordered: each level includes those before it."""

    SMOKE = "smoke"
    VALIDATION = "validation"
    PRODUCTION = "production"

    def __lt__(self, other: "ClaimLevel") -> bool:
        if not isinstance(other, ClaimLevel):
            return NotImplemented
        order = list(ClaimLevel)
        return order.index(self) < order.index(other)


LABELS = (UNSPECIFIED, PRODUCTION_TEMPLATE, *(level.value for level in ClaimLevel))

Results = Mapping[ClaimLevel, Sequence[GateResult]]


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A bound looser than the production one; it caps the level at validation.

    where: the flag, key or file in which the looser bound was given.
    """

    gate: str
    production_bound: float
    used_bound: float
    where: str

    def document(self) -> dict[str, Any]:
        """The waiver as it is stored."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"waiver {self.gate} {self.used_bound:.10g} "
            f"(production bound {self.production_bound:.10g}, {self.where})"
        )


def supported(results: Results, waivers: Sequence[Waiver] = ()) -> ClaimLevel | None:
    """The highest level whose gates, and those of all lower levels, pass."""
    cap = ClaimLevel.VALIDATION if waivers else ClaimLevel.PRODUCTION
    reached = None
    for level in ClaimLevel:
        if level > cap or not all_pass(results.get(level, ())):
            break
        reached = level
    return reached


def grant(requested: ClaimLevel, results: Results, waivers: Sequence[Waiver] = ()) -> ClaimLevel:
    """The requested level if the evidence supports it; the only way to production."""
    reached = supported(results, waivers)
    if reached is not None and requested <= reached:
        return requested
    reasons: list[str] = []
    for level in ClaimLevel:
        if level <= requested:
            judged = results.get(level, ())
            if not judged:
                reasons.append(f"no gate of level {level.value} was judged")
            reasons.extend(str(result) for result in judged if not result.passed)
    if requested > ClaimLevel.VALIDATION:
        reasons.extend(str(waiver) for waiver in waivers)
    lines = "\n".join(f"  {reason}" for reason in reasons)
    raise ClaimRefused(
        f"the level {requested.value!r} was asked for and is not supported; "
        f"supported: {reached.value if reached else UNSPECIFIED}\n{lines}"
    )


def record_transition(
    ledger_path: Path,
    *,
    from_level: str | ClaimLevel,
    to_level: str | ClaimLevel,
    command: Sequence[str],
    digests: Mapping[str, str],
    reason: str,
) -> dict[str, Any]:
    """Append one line to the claim ledger and return it.

    digests: what the level rests on, by name (`bindings` of `evidence.manifest`); `verify` holds
        the newest line against the folder.  A line whose levels are equal binds anew.
    """
    start, end = _label(from_level), _label(to_level)
    if end == ClaimLevel.PRODUCTION.value and not digests.get("promotion_report"):
        raise ClaimRefused(
            f"{ledger_path}: {end} needs the digest of its promotion report ('promotion_report'), "
            f"got {', '.join(sorted(digests)) or 'no digests'}"
        )
    return append_chained(
        ledger_path,
        {
            "schema": CLAIM_TRANSITION,
            "from": start,
            "to": end,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "user": _user(),
            "command": list(command),
            "digests": dict(digests),
            "reason": reason,
        },
    )


def current_level(ledger_path: Path) -> str:
    """The level of the newest transition, `unspecified` before the first."""
    lines = read_chained(ledger_path)
    return str(lines[-1]["to"]) if lines else UNSPECIFIED


def _label(level: str | ClaimLevel) -> str:
    label = level.value if isinstance(level, ClaimLevel) else level
    if label not in LABELS:
        raise ValueError(f"no claim level {label!r}; levels are {', '.join(LABELS)}")
    return label


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a numeric user without an account
        return UNSPECIFIED
