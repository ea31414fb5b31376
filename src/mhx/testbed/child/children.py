"""The files of the children: writing, reading back, and what becomes of those that are stale.

`<output_root>/_generated_configs/<slug>.toml`: tables in the order in which the model declares
them, LF, UTF-8, two comment lines, no time: byte for byte the same on two machines.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from mhx.evidence.bulk import read, write_many
from mhx.testbed.child.blocks import ReadBackDiffers, block_of
from mhx.testbed.expand import FOLDER
from mhx.testbed.plan import Plan

STALE = "_stale"


def write_children(plan: Plan) -> tuple[str, ...]:
    """Write every child; those of cases that are gone move to `_stale`, their names returned."""
    folder = plan.root / FOLDER
    texts = [(name, text.encode()) for name, text in child_texts(plan)]
    write_many(folder, texts)
    for name, content in texts:
        if _content(folder / name) != content:
            raise OSError(f"{folder / name} does not hold what was just written to it")
    return tuple(_put_aside(folder, {name for name, _ in texts}))


def differing_children(plan: Plan) -> list[str]:
    """Names of children on disk that are not what the file gives, or that are not there; sorted."""
    folder = plan.root / FOLDER
    texts = dict(child_texts(plan))
    wrong = [name for name, text in texts.items() if _content(folder / name) != text.encode()]
    return sorted({*wrong, *(set(_names(folder)) - set(texts))})


def child_texts(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and text of every child, in the order of the cases; each reads back equal."""
    known = block_of(plan.base.data)
    for planned in plan.cases:
        if planned.child is None:
            continue
        who = f"testbed {plan.table.id!r}, case {planned.case.id!r}"
        try:
            block = block_of(planned.child, known)
        except ReadBackDiffers as error:
            raise RuntimeError(f"case {planned.case.id!r}: {error}") from error
        name = planned.config_path.rpartition("/")[2]
        yield name, f"# {who}\n# edit the testbed, not this file\n\n{block.text}"


def _put_aside(folder: Path, wanted: set[str]) -> list[str]:
    """Move children of cases that no longer exist to `_stale`; their names, sorted."""
    stale = sorted(set(_names(folder)) - wanted)
    for name in stale:
        (folder / STALE).mkdir(exist_ok=True)
        os.replace(folder / name, folder / STALE / name)
    return stale


def _names(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if entry.name.endswith(".toml"))


def _content(path: Path) -> bytes | None:
    try:
        return read(str(path))
    except FileNotFoundError:
        return None
