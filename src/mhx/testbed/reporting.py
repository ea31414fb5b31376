"""`mhx testbed report DIR`: checks, analysis and report again from what is stored; runs nothing.

Everything is made from plan, journal and the summaries of the runs, as after a kill; a run whose
summary is not as recorded makes its case failed.
"""

import os
from pathlib import Path
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.store import Journal
from mhx.report.answer import Answer
from mhx.testbed import answers, folders, journal, manifest
from mhx.testbed.exits import exit_code
from mhx.testbed.journal import JOURNAL
from mhx.testbed.keeping import Keeper, read_plan, row_for
from mhx.testbed.preparing import recorded


def report_testbed(root: Path) -> Answer:
    """Make the evidence of a folder again; the exit code is that of the matrix as it stands.

    ConfigError: no testbed lies there.  EvidenceError: its plan or its journal was altered.
    """
    known = journal.stored_history(root)
    read_plan(root, known)  # before a lock is made in a folder that is no testbed
    with folders.owned(root, "testbed report"), Journal(root / JOURNAL) as book:
        known = journal.history(book.lines)
        document = read_plan(root, known)
        circumstance = manifest.Circumstance(execute=bool(known.launches))
        keeper = Keeper(root, document, row_for(document), circumstance, book)
        earlier = _earlier(root)
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


def _earlier(root: Path) -> dict[str, dict[str, Any]]:
    """The rows of the last manifest: whether a case was reused stands only there."""
    try:
        rows = manifest.read_manifest(root)["cases"]
    except EvidenceError:
        return {}
    return {row["case_id"]: row for row in rows}
