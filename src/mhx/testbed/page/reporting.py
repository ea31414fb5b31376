"""`mhx testbed report DIR`: checks, analysis and report again from what is stored; runs nothing.

Everything is made from plan, journal and the summaries of the runs, as after a kill; a run whose
summary is not as recorded makes its case failed.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.hashing import file_digest
from mhx.evidence.store import Journal
from mhx.report.answer import Answer
from mhx.testbed.files import answers, manifest
from mhx.testbed.files.exits import exit_code
from mhx.testbed.files.keeping import Keeper, read_plan, row_for
from mhx.testbed.running import folders, journal
from mhx.testbed.running.journal import JOURNAL, PLAN
from mhx.testbed.running.preparing import recorded


def report_testbed(root: Path) -> Answer:
    """Make the evidence of a folder again; the exit code is that of the matrix as it stands.

    ConfigError: no testbed lies there.  EvidenceError: plan, journal or a child was altered.
    """
    known = journal.stored_history(root)
    read_plan(root, known)  # before a lock is made in a folder that is no testbed
    with folders.owned(root, "testbed report"), Journal(root / JOURNAL) as book:
        known = journal.history(book.lines)
        document = read_plan(root, known)
        last = _last_manifest(root)
        _hold_children(root, document, last.get("files", {}))
        circumstance = manifest.Circumstance(execute=bool(known.launches))
        keeper = Keeper(root, document, row_for(document), circumstance, book)
        earlier = {row["case_id"]: row for row in last.get("cases", ())}
        for case in keeper.cases:
            state = recorded(keeper, case, known)
            row = earlier.get(case["case_id"], {})
            state.reused = bool(row.get("reused")) and state.status == "ok"
            state.reuse_reason = row.get("reuse_reason", "")
            keeper.set(case["case_id"], state)
        code = exit_code(
            keeper.tables.states.values(),
            keeper.judged().checks,
            gates=document.get("require_child_gates", True),
        )
        keeper.note_files()
        keeper.finish(code)
    return answers.carried_out(keeper, Path(os.path.normpath(root / document["config_path"])))


def _last_manifest(root: Path) -> dict[str, Any]:
    """The last manifest: only there stands whether a case was reused; empty where it is gone."""
    try:
        return manifest.read_manifest(root)
    except EvidenceError:
        return {}


def _hold_children(root: Path, document: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """EvidenceError for children that are not as recorded: new digests would hide that.

    files: of the last manifest.  Where a later plan wrote other children it says nothing of them.
    """
    known = files if files.get(PLAN) == file_digest(root / PLAN) else {}
    faults = []
    for path in filter(None, (case["config_path"] for case in document["cases"])):
        if not (root / path).is_file():
            faults.append(f"{path} is missing")
        elif known.get(path, digest := file_digest(root / path)) != digest:
            faults.append(f"{path} was altered")
    if faults:
        file = quote(os.path.normpath(root / document["config_path"]))
        raise EvidenceError(
            f"{answers.some(faults)}; `mhx testbed plan {file}` writes children again"
        )
