"""One folder per call that moves a run: `attempts/<utc>-<id>/status.json` and `log.txt`.

Moving a run is the executor's; the planner has no run yet to leave a note in, a promotion check may
be a trial that must leave none, and both stand in `commands.jsonl`.  An attempt says who is or was
at work and how that ended; no claim rests on it.  A status without an exit code belongs to a call
that is running or was killed.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.errors import INTERRUPTED, MhxError
from mhx.evidence import schemas, store
from mhx.evidence.provenance import now, own_command
from mhx.execution.lock import hold


@dataclass
class Attempt:
    """The record of this call; `note` and `end` write it, `say` adds a line to its log."""

    folder: Path
    document: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, attempts: Path) -> "Attempt":
        """Name this call; nothing is written until the first `note`."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stamp}-{secrets.token_hex(4)}"
        return cls(
            attempts / name,
            {
                "schema": schemas.ATTEMPT,
                "attempt_id": name,
                "command": own_command(),
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "started_utc": now(),
                "state": "running",
                "exit_code": None,
            },
        )

    @property
    def name(self) -> str:
        return self.folder.name

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add facts to the status and write it."""
        self.document |= facts
        store.write_json(self.folder / "status.json", self.document)

    def say(self, line: str) -> None:
        """Add one line to the log; a full disk must not hide why the run stopped."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "log.txt").open("a", encoding="utf-8") as log:
                log.write(f"{now()} {line}\n")

    def end(self, exit_code: int, facts: Mapping[str, Any]) -> None:
        """Say how it ended, as far as there is room to say it."""
        self.say(f"ended with exit code {exit_code}")
        ending = {"state": "ended", "exit_code": exit_code, "ended_utc": now()}
        with contextlib.suppress(MhxError):
            self.note({**facts, **ending})


@contextlib.contextmanager
def recorded(folder: RunFolder, facts: Mapping[str, Any]) -> Iterator[Attempt]:
    """Own a run for one call, and note how it ended where that was not by an answer."""
    attempt = Attempt.begin(folder.attempts)
    with hold(folder.root, attempt.name):
        attempt.note(facts)
        try:
            yield attempt
        except (MhxError, KeyboardInterrupt) as error:
            attempt.say(str(error))
            code = error.exit_code if isinstance(error, MhxError) else INTERRUPTED
            attempt.end(code, {"error": str(error)})
            raise
