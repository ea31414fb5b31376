"""What the runner of a matrix looks at once before the first case, remembered in the journal.

A row of the registry may name such a function (`Registration.before`).  It is asked for one case of
each set of inputs and engines; what it answered stays known until inputs or engines change.
"""

import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.errors import MhxError
from mhx.evidence.hashing import content_digest
from mhx.evidence.store import Journal
from mhx.testbed.running import journal
from mhx.workflow.load import load
from mhx.workflow.registry import Registration

FOLDER = "_before"
"""Where such a function may write, below the folder of the testbed; empty ones are not kept."""


def look(
    row: Registration, root: Path, book: Journal, done: set[str], cases: Sequence[Mapping[str, Any]]
) -> None:
    """Ask the row's function before these cases of a plan start; MhxError: none should.

    done: digests of what was looked at before; new ones are added, here and in the journal.
    """
    if not row.before:
        return
    module, _, name = row.before.partition(":")
    ask = getattr(import_module(module), name)
    for case in _one_of_each(cases):
        folder = root / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            digest = ask(load(root / case["config_path"]).config, folder, frozenset(done))
        except MhxError:
            if not any(folder.iterdir()):
                folder.rmdir()
            raise
        shutil.rmtree(folder, ignore_errors=True)
        if digest and digest not in done:
            done.add(digest)
            journal.note(book, "looked", {"case_id": case["case_id"], "looked_at": digest})


def _one_of_each(cases: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The first case of each set of input files and engines."""
    found: dict[str, Mapping[str, Any]] = {}
    for case in cases:
        parts = case.get("digest_parts") or {}
        key = content_digest({"inputs": parts.get("inputs"), "engines": parts.get("engines")})
        found.setdefault(key, case)
    return list(found.values())
