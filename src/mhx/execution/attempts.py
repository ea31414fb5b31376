"""One folder per start of a job: `attempts/<utc>-<id>/` with `status.json` and `log.txt`.

The folder is made exclusively, under a random id.  The status says who works, or worked, on which
words and how that ended; whoever carries out the job writes it, and whoever sees that process die
writes the end in its stead.  No claim rests on an attempt.  That is why a status is renamed into
place but not synced: a power cut may cost the note, and syncing costs more than a trivial job.
"""

import json
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from mhx.evidence import schemas
from mhx.evidence.hashing import content_digest
from mhx.evidence.provenance import now
from mhx.execution.processes import born

STATUS, LOG = "status.json", "log.txt"
RUNNING = "running"


def attempt_name() -> str:
    """`<utc>-<id>`, for example `20260101T100000Z-3f9a1c2b`; the id is random."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


@dataclass
class Attempt:
    """The record of one start of a job."""

    folder: Path
    document: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path, words: Sequence[str]) -> "Attempt":
        """Make the folder, which must not exist, and say that this process works on the words."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        attempt = cls(folder, _beginning(folder, words))
        attempt._write()
        return attempt

    @classmethod
    def left_behind(cls, folder: Path, words: Sequence[str]) -> "Attempt":
        """The record of a process that is gone; a new one where it left none that can be read."""
        try:
            return cls(folder, json.loads((folder / STATUS).read_bytes()))
        except (FileNotFoundError, ValueError):  # killed before it wrote, or by a full disk
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, _beginning(folder, words))

    def end(
        self, state: str, *, exit_code: int | None, duration_s: float, signal: int | None = None
    ) -> None:
        """Say how it ended."""
        self.document |= {
            "state": state,
            "exit_code": exit_code,
            "signal": signal,
            "duration_s": round(duration_s, 6),
            "ended_utc": now(),
        }
        self._write()

    def say(self, line: str) -> None:
        """Add a line to the log."""
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"mhx: {line}\n")

    def _write(self) -> None:
        draft = self.folder / f".{STATUS}.{os.getpid()}-0.part"
        draft.write_text(json.dumps(self.document, indent=2, sort_keys=True) + "\n")
        draft.replace(self.folder / STATUS)


def _beginning(folder: Path, words: Sequence[str]) -> dict[str, Any]:
    return {
        "schema": schemas.ATTEMPT,
        "attempt_id": folder.name,
        "command": ["mhx", *words],
        "words_digest": content_digest(list(words)),
        **_this_process(os.getpid()),
        "started_utc": now(),
        "state": RUNNING,
        "exit_code": None,
        "signal": None,
        "duration_s": None,
    }


@cache
def _this_process(pid: int) -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": pid, "born": born(pid)}
