"""What a refusal is: no level, an exit code that says so, and the reason in words.

A forger goes on as if nothing had happened: the promotion check, the claim, `mhx verify`.  He fails
where one of them names what he did; and never may the folder read as claimed afterwards.
"""

import json
import re
from collections.abc import Sequence

from .installed import Installed, Said
from .small_lane import Lane, claim

REFUSED = frozenset({1, 2, 4, 5})
TOP = "production"


def check(mhx: Installed, lane: Lane, *flags: object, draw: int | None = None) -> Said:
    """The promotion check on the evidence of the lane, or on what `flags` name instead."""
    named = flags if "--convergence-dir" in flags else (*lane.evidence, *flags)
    return mhx("campaign", "rutherford-promotion-check", lane.run, *named, draw=draw)


def level(mhx: Installed, lane: Lane) -> str:
    """What `mhx verify` says that the run supports."""
    said = mhx("verify", lane.run, "--json")
    return str(json.loads(said.text)["effective_level"])


def refused(said: Said, reason: str, codes: Sequence[int] = tuple(REFUSED)) -> None:
    """The command did not do what was asked, and says why; `reason` is a pattern."""
    assert said.code in codes, f"exit {said.code}, not one of {sorted(codes)}:\n{said.text}"
    assert re.search(reason, said.text, re.S), f"{reason!r} is not named:\n{said.text}"


def run_not_promoted(
    mhx: Installed, lane: Lane, reason: str, *flags: object, draw: int | None = None
) -> None:
    """A fault of the run itself: the check names it before it has looked at any evidence."""
    said = mhx("campaign", "rutherford-promotion-check", lane.run, *flags, draw=draw)
    _capped(said, lane, reason)


def not_promoted(
    mhx: Installed, lane: Lane, reason: str, *flags: object, draw: int | None = None
) -> None:
    """The check refuses for this reason, or grants no more than validation for it."""
    _capped(check(mhx, lane, *flags, draw=draw), lane, reason)


def _capped(said: Said, lane: Lane, reason: str) -> None:
    """The manifest of the report, which a claim would rest on, says so as well."""
    refused(said, reason, (0, *REFUSED) if "validation only" in said else tuple(REFUSED))
    stated = json.loads((lane.run / "promotion" / "manifest.json").read_text())
    assert stated["claim_level"] != TOP


def not_claimed(mhx: Installed, lane: Lane, reason: str, draw: int | None = None) -> None:
    """Asking for the claim without another check is refused for this reason."""
    refused(claim(mhx, lane, draw), reason, (4, 5))
    assert level(mhx, lane) != TOP


def demoted(mhx: Installed, lane: Lane, reason: str) -> None:
    """A claimed run reads as claimed no more."""
    refused(mhx("verify", lane.run), reason, (4,))
    assert level(mhx, lane) != TOP
