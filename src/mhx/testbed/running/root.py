"""The folder of a testbed: where its evidence goes, and why it may not go there.

Nothing is written here.  A folder is free when no file is in the way, no other testbed owns it, and
it lies in nothing that is evidence already: whoever wrote inside of a run, or among the cases of
another testbed, would be moved aside with it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.evidence.manifest import ARTIFACT_MANIFEST_NAME, takes_evidence
from mhx.testbed.config import Testbed
from mhx.testbed.declaration.declared import Declared
from mhx.testbed.expand import FOLDER
from mhx.testbed.running.journal import JOURNAL, PLAN
from mhx.testbed.sources.axes import folder_of
from mhx.workflow.load import short

CASES = "cases"  # runs lie there, children in FOLDER
LONGEST = 255  # bytes of a name


def output_root(found: Declared, table: Testbed, folder: Path) -> Path:
    """Where the evidence goes: from the file that says so, else `testbed/<id>` beside the file."""
    if table.output_root is None:
        return folder / "testbed" / table.id
    return short(folder_of(found.source, ("testbed", "output_root"), folder) / table.output_root)


def stored_plan(root: Path) -> Mapping[str, Any] | None:
    """The plan that lies in a folder; None where there is none that can be read."""
    try:
        document = json.loads((root / PLAN).read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def objection(
    root: Path, table: Testbed, stored: Mapping[str, Any] | None, folder: Path
) -> tuple[str, str]:
    """The key of `[testbed]` at which to look and why the folder may not be used; "" where it may.

    stored: the plan that lies there.  folder: of the file; paths are told from it.
    """
    if table.output_root is None and not _is_name(table.id):
        return "id", f"testbed.id {table.id!r} is no name of a folder; give a testbed.output_root"
    shown = _shown(root, folder)
    if stored is not None and stored.get("testbed_id") != table.id:
        owner = stored.get("testbed_id")
        return _other(f"{shown} already belongs to testbed {owner!r}")
    place = Path(os.path.realpath(root))  # which, unlike resolve, takes links that go round
    for above in (place, *place.parents):
        if above.exists() and not above.is_dir():
            return _other(f"testbed.output_root: {_shown(above, folder)} is a file, not a folder")
        known = stored is not None or (above / JOURNAL).is_file()
        judged = above == place and known  # its own bundle, judged after it ended
        listed = (above / ARTIFACT_MANIFEST_NAME).is_file() and not judged
        if listed and not takes_evidence(above, place):
            return _other(f"{shown} lies in the run {_shown(above, folder)}")
        if place != above and place.relative_to(above).parts[0] in (CASES, FOLDER):
            owner = (stored_plan(above) or {}).get("testbed_id")
            if owner is not None:
                return _other(f"{shown} lies among the files of testbed {owner!r}")
    return "", ""


def _other(why: str) -> tuple[str, str]:
    return "output_root", f"{why}; choose another testbed.output_root"


def _is_name(text: str) -> bool:
    return text not in (".", "..") and "/" not in text and len(text.encode()) <= LONGEST


def _shown(place: Path, folder: Path) -> str:
    """A path from the folder of the file where it lies below, as the file would say it."""
    for base in (folder, folder.resolve()):
        if place.is_relative_to(base):
            return place.relative_to(base).as_posix()
    return str(place)
