"""One command of a lane: what is typed, how long it may take, what it must leave behind.

Commands run in the root of the lane and name every path relative to it, so that a lane can be moved
and continued, and so that the driver and `run_commands.sh` type the same words.  Times in seconds.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LaneCommand:
    """One command.

    words: what follows `mhx`.
    gate: the required gate that it serves.
    expected_outputs: files that must be there when it has ended.
    lasting: those of them that no later command rewrites; their digests are kept.
    folders: folders whose own manifests must verify when it has ended.
    needs: ids of commands whose results it reads; when one of them runs again, so does this.
    only_after: id of the command that must have exited 0, else this one is left out.
    verdicts: the validation file in which it names its gates.
    seconds: what it is expected to take; None where nobody knows.
    """

    id: str
    stage: str
    family: str
    gate: str
    description: str
    words: tuple[str, ...]
    timeout_seconds: float
    expensive: bool
    claim_boundary: str
    expected_outputs: tuple[str, ...]
    lasting: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    only_after: str = ""
    verdicts: str = ""
    seconds: float | None = None

    def typed(self, program: Sequence[str]) -> list[str]:
        """The whole command line; `program` stands for `mhx`."""
        return [*program, *self.words]

    def document(self, program: Sequence[str], root: Path) -> dict[str, Any]:
        """The command as the manifest lists it; `shell` can be pasted where the lane was asked."""
        line = shlex.join(self.typed(program))
        return {
            "id": self.id,
            "stage": self.stage,
            "family": self.family,
            "gate": self.gate,
            "description": self.description,
            "command": self.typed(program),
            "shell": f"cd {shlex.quote(root.as_posix())} && {line}",
            "timeout_seconds": self.timeout_seconds,
            "expensive": self.expensive,
            "expected_outputs": list(self.expected_outputs),
            "needs": list(self.needs),
            "only_after": self.only_after or None,
            "estimated_seconds": self.seconds,
            "claim_boundary": self.claim_boundary,
        }


def flags_of(command: Mapping[str, Any], name: str) -> list[str]:
    """Every value that a listed command gives to one flag, in order."""
    words = command["command"]
    return [
        words[place + 1]
        for place, word in enumerate(words)
        if word == name and place + 1 < len(words)
    ]
