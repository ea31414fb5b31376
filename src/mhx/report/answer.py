"""What a command says when it is done: one value, told as plain words or as one JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.evidence.gates import GateResult, Verdict


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of one command.

    headline: the verdict in one sentence.
    wrote: the folder or file that was written, None when nothing was.
    results: the gates that this command judged; those that did not pass are listed.
    details: further lines worth reading, in order.
    next: the command to type next, empty when there is none.
    document: what `--json` prints, besides headline, path, exit code, gates.
    exit_code: see `mhx.errors`.
    """

    headline: str
    wrote: Path | None = None
    results: Sequence[GateResult] = ()
    details: Sequence[str] = ()
    next: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0

    @property
    def not_passed(self) -> list[GateResult]:
        return [result for result in self.results if result.verdict is not Verdict.PASS]
