"""What a model saves: heads (concentrations), budgets, flows of packages, the grid.

Metrics are read from these files.  Where output control leaves out heads or budgets, the fault says
which lines are missing, and `add_output_control` writes them into the copy.  SAVE_FLOWS and the
grid file change no number of a run and are seen to always.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mhx.groundwater.existing import config
from mhx.groundwater.existing.blocks import word_of
from mhx.groundwater.existing.patching import Site, draft_of
from mhx.groundwater.existing.reading import GRIDS, SAVED, Opened, Package, Part
from mhx.groundwater.existing.render import Names
from mhx.groundwater.existing.targets import Draft, Edit

_NO_FLOWS = frozenset((*GRIDS, "ic", "oc", "obs", "hfb", "gnc", "mvr", "buy", "vsc", "npf")) | {
    "adv",
    "dsp",
    "fmi",
    "mvt",
}
"""Packages that are no term of the budget."""


@dataclass(kw_only=True)
class Additions:
    """files: new ones by name.  notices, faults: one line each (a fault may go on below)."""

    files: dict[str, bytes]
    notices: list[str]
    faults: list[str]


def apply(
    model: config.Model, opened: Opened, drafts: dict[Path, Draft], names: Names
) -> Additions:
    """Note in drafts what the copy has to save besides."""
    found = Additions(files={}, notices=[], faults=[])
    for part in opened.model.models:
        missing = [
            key for key, path in ((SAVED[part.type], part.heads), ("BUDGET", part.budget))
            if path is None
        ]  # fmt: skip
        if missing and not model.add_output_control:
            found.faults.append(_fault(part, missing))
            continue
        if missing:
            _control(part, missing, opened, drafts, names, found)
        _flows(part, opened, drafts, found)
        _grid(part, opened, drafts, found)
    _between(opened, drafts, found)
    return found


def _draft(kind: str, file: Path, opened: Opened, drafts: dict[Path, Draft]) -> Draft:
    package = Package(type=kind, name=kind, file=file, model="")
    return draft_of(Site(package=package, grid=None, shapes=((0,),)), opened, drafts)


def _fault(part: Part, missing: list[str]) -> str:
    package = part.package("oc")
    file = package.file.name if package else f"a new {part.name}.oc, named OC6 in {part.file.name}"
    options = [f"    {key} FILEOUT {_file(part, key)}" for key in missing]
    saves = [f"    SAVE {key} ALL" for key in missing]
    lines = ["  BEGIN OPTIONS", *options, "  END OPTIONS"]
    lines += ["  BEGIN PERIOD 1", *saves, "  END PERIOD 1"]
    what = " and ".join({"BUDGET": "budgets"}.get(key, f"{key.lower()}s") for key in missing)
    told = f"model.path: {part.name!r} does not save {what}; add to {file}"
    last = "or say model.add_output_control = true, which adds it to the copies"
    return "\n".join([told, *lines, last])


def _file(part: Part, key: str) -> str:
    return f"{part.name}.{ {'HEAD': 'hds', 'CONCENTRATION': 'ucn', 'BUDGET': 'cbc'}[key] }"


def _control(
    part: Part,
    missing: list[str],
    opened: Opened,
    drafts: dict[Path, Draft],
    names: Names,
    found: Additions,
) -> None:
    """Lines of output control for what is not saved."""
    saves = [f"  SAVE {key} ALL" for key in missing]
    files = {key: names.free(_file(part, key)) for key in missing}
    told = " and ".join(f"SAVE {key}" for key in missing)
    found.notices.append(f"{part.name}: {told} added to output control")
    package = part.package("oc")
    if package is None:
        name = names.free(f"{part.name}.oc")
        lines = ["BEGIN OPTIONS", *(f"  {key} FILEOUT {word_of(files[key])}" for key in files)]
        lines += ["END OPTIONS", "", "BEGIN PERIOD 1", *saves, "END PERIOD 1", ""]
        found.files[name] = "\n".join(lines).encode("latin-1")
        draft = _draft("nam", part.file, opened, drafts)
        draft.settings.setdefault("PACKAGES", {})["OC6"] = word_of(name)
        return
    draft = _draft("oc", package.file, opened, drafts)
    for key in missing:
        if _without_file(draft, key):
            settings = draft.settings.setdefault("OPTIONS", {})
            settings[f"{key} FILEOUT"] = word_of(files[key])
    draft.edits += _saves(draft, missing)


def _without_file(draft: Draft, key: str) -> bool:
    rows = [[word.upper() for word in row[:2]] for row in draft.source.words("OPTIONS")]
    return [key, "FILEOUT"] not in rows


def _saves(draft: Draft, missing: list[str]) -> Iterator[Edit]:
    """SAVE in every PERIOD block, since each replaces the one before; a block where none is."""
    stresses = [block for block in draft.source.blocks if block.name == "PERIOD"]
    for block in stresses:
        rows = [[w.upper() for w in line.split()[:2]] for _, line in draft.source.rows(block)]
        lines = [f"  SAVE {key} ALL" for key in missing if ["SAVE", key] not in rows]
        if lines:
            yield Edit(block.last, block.last, tuple(lines))
    if not stresses:
        end = len(draft.source.lines)
        lines = [f"  SAVE {key} ALL" for key in missing]
        yield Edit(end, end, ("", "BEGIN PERIOD 1", *lines, "END PERIOD 1", ""))


def _flows(part: Part, opened: Opened, drafts: dict[Path, Draft], found: Additions) -> None:
    """SAVE_FLOWS for all packages where one does not say so: the budget would miss it."""
    silent = [p.name for p in part.packages if p.type not in _NO_FLOWS and not p.saves_flows]
    if silent:
        draft = _draft("nam", part.file, opened, drafts)
        draft.settings.setdefault("OPTIONS", {}).setdefault("SAVE_FLOWS", "")
        found.notices.append(f"{part.name}: SAVE_FLOWS added, for {', '.join(silent)}")


def _between(opened: Opened, drafts: dict[Path, Draft], found: Additions) -> None:
    """SAVE_FLOWS for exchanges of two models of a kind, which are terms of both budgets."""
    for exchange in opened.model.exchanges:
        if len(set(exchange.type.split("-"))) > 1:  # gwf-gwt moves no water or mass by itself
            continue
        if opened.reached.read[exchange.file].option("SAVE_FLOWS") is None:
            draft = _draft(exchange.type, exchange.file, opened, drafts)
            draft.settings.setdefault("OPTIONS", {}).setdefault("SAVE_FLOWS", "")
            found.notices.append(f"{exchange.file.name}: SAVE_FLOWS added")


def _grid(part: Part, opened: Opened, drafts: dict[Path, Draft], found: Additions) -> None:
    """The grid file, from which cells and their connections are read."""
    if part.grb is None:
        package = next(p for p in part.packages if p.type in GRIDS)
        draft = _draft(package.type, package.file, opened, drafts)
        draft.settings.setdefault("OPTIONS", {})["NOGRB"] = None
        found.notices.append(f"{part.name}: NOGRB left out of {package.file.name}")
