"""`[[model.patch]]`: new numbers for named arrays, columns and settings of packages.

A patch names a package and a variable; layers, cells, zone, period and boundary's name narrow it
down.  Several patches of one variable work one after the other.  Everything that cannot be done is
told before anything is written, by the index of the patch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks, config, lists, targets
from mhx.groundwater.existing.columns import CELL
from mhx.groundwater.existing.lists import Integers
from mhx.groundwater.existing.reading import GridSize, Opened, OwnModel, Package
from mhx.groundwater.existing.targets import Draft, Target
from mhx.groundwater.memory import key_of, remembered

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
_INSIDE = {"TVK6": "tvk", "TVS6": "tvs", "SPC6": "spc"}
"""Files of a package that are patched by their own name."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A file that can be patched, and the grids that its cell ids belong to."""

    package: Package
    grid: GridSize | None
    shapes: tuple[tuple[int, ...], ...]


def apply(patches: list[config.Patch], opened: Opened, drafts: dict[Path, Draft]) -> list[str]:
    """Change numbers in drafts, made where there is none; the faults, one line each."""
    faults = []
    for index, patch in enumerate(patches):
        try:
            _apply(f"model.patch[{index}]", patch, opened, drafts)
        except ConfigError as error:
            told = str(error)
            at = "" if told.startswith("model.patch[") else f"model.patch[{index}]: "
            faults.append(f"{at}{told}")
    return faults


def sites(opened: Opened) -> Iterator[Site]:
    """Every file that a patch may name: packages, files inside of them, exchanges, time."""
    own, nothing = opened.model, ((0,),)
    for part in own.models:
        shapes = (part.grid.shape,)
        for package in part.packages:
            yield Site(package=package, grid=part.grid, shapes=shapes)
            for found in opened.reached.references:
                key = blocks.texts(opened.reached.read[found.file].lines[found.line])[:2]
                kind = next((_INSIDE[word.upper()] for word in key if word.upper() in _INSIDE), "")
                if found.file == package.file and kind:
                    file = found.path
                    arrays = opened.reached.read[file].option("READASARRAYS") is not None
                    inside = Package(
                        type=kind, name=file.name, file=file, model=part.name, arrays=arrays
                    )
                    yield Site(package=inside, grid=part.grid, shapes=shapes)
    for exchange in own.exchanges:
        grids = [own.part(name).grid for name in exchange.models]
        package = Package(type=exchange.type, name=exchange.file.name, file=exchange.file, model="")
        yield Site(package=package, grid=None, shapes=tuple(grid.shape for grid in grids))
    tdis = Package(type="tdis", name="tdis", file=own.tdis.file, model="")
    yield Site(package=tdis, grid=None, shapes=nothing)


def draft_of(site: Site, opened: Opened, drafts: dict[Path, Draft]) -> Draft:
    """The draft of a file, begun where there is none yet."""
    file = site.package.file
    if file not in drafts:
        drafts[file] = Draft(
            package=site.package,
            source=opened.reached.read[file],
            grid=site.grid,
            shapes=site.shapes,
            periods=len(opened.model.tdis.periods),
        )
    return drafts[file]


def site_of(key: str, wanted: str, model: str | None, opened: Opened) -> Site:
    """The one package that a name or a type stands for; ConfigError where none or several do."""
    name, kind = wanted.lower(), wanted.lower().replace("6", "").replace("-", "")
    known = list(sites(opened))
    if model is not None:
        models = [part.name for part in opened.model.models]
        if model.lower() not in (other.lower() for other in models):
            told = f"must be a model of the simulation ({', '.join(models)}), got {model!r}"
            raise ConfigError(f"{key.rpartition('.')[0]}.model {told}")
        known = [site for site in known if site.package.model.lower() == model.lower()]
    aliases = {"rcha": ("rch", True), "evta": ("evt", True)}
    arrays = aliases.get(kind)
    for found in (
        [site for site in known if name in (site.package.name.lower(), site.package.given.lower())],
        [site for site in known if site.package.type.replace("-", "") == kind],
        [s for s in known if arrays and (s.package.type, s.package.arrays) == arrays],
        [site for site in known if site.package.file.name.lower() == name],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(_ambiguous(key, wanted, found))
    there = ", ".join(_told(site.package) for site in known)
    raise ConfigError(f"{key}: {wanted!r} is no package of the model; it has {there}")


def _ambiguous(key: str, wanted: str, found: list[Site]) -> str:
    names = {site.package.name.lower() for site in found}
    if len(names) == len(found):
        told = ", ".join(site.package.name for site in found)
        return f"{key}: {wanted!r} stands for {told}; give one of these names"
    models = ", ".join(site.package.model for site in found)
    return f"{key}: {wanted!r} stands in the models {models}; say which with model = ..."


def _told(package: Package) -> str:
    same = package.name.lower() == package.type
    return package.name if same else f"{package.name} ({package.type})"


def _apply(key: str, patch: config.Patch, opened: Opened, drafts: dict[Path, Draft]) -> None:
    site = site_of(f"{key}.package", patch.package, patch.model, opened)
    draft = draft_of(site, opened, drafts)
    label = f"{site.package.name}.{patch.variable.lower()}"
    found = draft.targets(patch.variable.lower(), _periods(key, patch, opened.model))
    if not found:
        raise ConfigError(f"{key}.variable: {_unknown(draft, patch, label)}")
    chosen = [(target, _mask(key, patch, draft, target)) for target in found]
    before = np.concatenate([target.numbers[mask] for target, mask in chosen])
    if not before.size:
        raise ConfigError(f"{key} changed nothing: no number of {label} is chosen{_scope(patch)}")
    _refuse_names(key, label, chosen)
    after = [_changed(patch, target.numbers[mask]) for target, mask in chosen]
    for (target, mask), numbers in zip(chosen, after, strict=True):
        _refuse_impossible(key, label, target, numbers)
        target.numbers[mask] = numbers
    if np.array_equal(before, np.concatenate(after)):
        raise ConfigError(f"{key} changed nothing: {_same(patch, label, before)}")


def _unknown(draft: Draft, patch: config.Patch, label: str) -> str:
    known = draft.variables()
    if patch.variable.lower() in known:
        return f"{label} does not change from period to period: leave period out"
    if not draft.source.blocks:
        return f"{label} is not in {draft.source.path.name}, which holds no block"
    if not known:
        told = f"packages of type {draft.kind} are carried along unchanged"
        return f"{label} cannot be patched: {told}"
    return f"{label} is not in {draft.source.path.name}; it has {', '.join(known)}"


def _periods(key: str, patch: config.Patch, own: OwnModel) -> set[int] | None:
    if patch.period is None:
        return None
    wanted = {patch.period} if isinstance(patch.period, int) else set(patch.period)
    most = len(own.tdis.periods)
    outside = sorted(period for period in wanted if not 1 <= period <= most)
    if outside:
        raise ConfigError(f"{key}.period must be from 1 to {most}, got {outside[0]}")
    return wanted


def _changed(patch: config.Patch, numbers: np.ndarray) -> np.ndarray:
    if patch.operation == "set":
        return np.full_like(numbers, patch.value)
    with np.errstate(over="ignore"):  # what overflows is refused by name
        changed: np.ndarray = (
            numbers + patch.value if patch.operation == "add" else numbers * patch.value
        )
    return changed


def _same(patch: config.Patch, label: str, numbers: np.ndarray) -> str:
    low, high = float(numbers.min()), float(numbers.max())
    held = f"{low!r} everywhere" if low == high else f"from {low!r} to {high!r}"
    return f"{label} is {held} and value is {patch.value!r}"


def _scope(patch: config.Patch) -> str:
    keys = ("layers", "cells", "zone", "period", "boundname")
    given = [f"{key} = {getattr(patch, key)!r}" for key in keys if getattr(patch, key) is not None]
    return f" ({', '.join(given)})" if given else ""


def _refuse_names(key: str, label: str, chosen: list[tuple[Target, Mask]]) -> None:
    """A time series stands where a number should."""
    for target, mask in chosen:
        names = np.isnan(target.numbers) & mask
        if names.any() and target.entries is not None and target.rows is not None:
            at = int(np.flatnonzero(names)[0])
            word, row = target.entries.words[at], target.rows.at(target.entries.rows[at])
            raise ConfigError(
                f"{key}: {label} takes its numbers from the time series {word!r} ({row}): "
                "not supported by a patch; choose other rows, or change the series in the model"
            )


def _refuse_impossible(key: str, label: str, target: Target, numbers: np.ndarray) -> None:
    bad = numbers[~np.isfinite(numbers)]
    if bad.size:
        raise ConfigError(f"{key}: {label} would be {float(bad[0])!r}, which is no number")
    if target.whole and (numbers != np.round(numbers)).any():
        odd = float(numbers[numbers != np.round(numbers)][0])
        raise ConfigError(f"{key}: {label} holds whole numbers and would be {odd!r}")


def _mask(key: str, patch: config.Patch, draft: Draft, target: Target) -> Mask:
    """Which numbers of a target are meant."""
    size = target.numbers.size
    mask: Mask = np.ones(size, dtype=bool) if target.mask is None else target.mask.copy()
    if patch.boundname is not None:
        mask &= _named(key, patch.boundname, draft, target)
    narrowed = [name for name in ("layers", "cells", "zone") if getattr(patch, name) is not None]
    if not narrowed:
        return mask
    numbers = _features(patch, target)
    if numbers is not None:
        return mask & numbers
    where = _cells(target, draft)
    if where is None or draft.grid is None:
        told = "has no cells to choose by"
        raise ConfigError(f"{key}.{narrowed[0]} must be left out: {target.name} {told}")
    if patch.layers is not None:
        mask &= _in_layers(f"{key}.layers", patch.layers, where, target, draft.grid)
    if patch.cells is not None:
        mask &= _in_cells(f"{key}.cells", patch.cells, where, target, draft.grid)
    if patch.zone is not None and patch.zone_file is not None:
        zones = _zones(f"{key}.zone_file", patch.zone_file, draft.grid)
        if patch.zone not in zones:
            known = ", ".join(str(zone) for zone in np.unique(zones)[:20])
            told = f"must be in {patch.zone_file} ({known}), got {patch.zone}"
            raise ConfigError(f"{key}.zone {told}")
        mask &= (where >= 0) & (zones[where] == patch.zone)
    return mask


def _named(key: str, name: str, draft: Draft, target: Target) -> Mask:
    known = targets.boundaries(draft, target) if target.rows is not None else []
    if target.numbers.size and not any(known):
        told = f"must be left out: rows of {draft.package.name} have no names"
        raise ConfigError(f"{key}.boundname {told}")
    return np.array([found == name.upper() for found in known], dtype=bool)


def _features(patch: config.Patch, target: Target) -> Mask | None:
    """Rows by the number of their feature: `cells = [[3]]` in a list of features."""
    columns = target.columns
    if patch.cells is None or patch.layers is not None or patch.zone is not None:
        return None
    if columns is None or columns.names[:1] != ("*number",) or {len(c) for c in patch.cells} != {1}:
        return None
    wanted = {str(cell[0]) for cell in patch.cells}
    return np.array([feature in wanted for feature in targets.features(target)], dtype=bool)


def _cells(target: Target, draft: Draft) -> Integers | None:
    """The cell of every number from 0, -1 for none; None where a number belongs to no cell.

    Numbers of a plane belong to the cells of the first layer.
    """
    if target.extent is not None:
        return None if target.extent.kind == "line" else np.arange(target.numbers.size)
    columns, rows, entries = target.columns, target.rows, target.entries
    if columns is None or rows is None or entries is None or CELL not in columns.names:
        return None
    key = ("nodes", target.block.first)
    kept = draft.source.kept
    if key not in kept:
        kept[key] = lists.nodes(rows, columns)
    found: Integers = kept[key]
    return found[list(entries.rows)]


def _in_layers(
    key: str, layers: list[int], where: Integers, target: Target, grid: GridSize
) -> Mask:
    if grid.kind == "disu":
        raise ConfigError(f"{key} must be left out: a DISU grid has no layers; use cells or zone")
    if target.extent is not None and target.extent.kind == "plane":
        raise ConfigError(f"{key} must be left out: {target.name} has one number for all layers")
    outside = [layer for layer in layers if not 1 <= layer <= grid.layers]
    if outside:
        raise ConfigError(f"{key} must be from 1 to {grid.layers}, got {outside[0]}")
    own = np.where(where < 0, 0, where // (grid.cells // grid.layers) + 1)
    found: Mask = np.isin(own, layers)
    return found


def _in_cells(
    key: str, cells: list[list[int]], where: Integers, target: Target, grid: GridSize
) -> Mask:
    plane = target.extent is not None and target.extent.kind == "plane"
    shape = grid.shape[1:] if plane else grid.shape
    found = []
    for index, cell in enumerate(cells):
        own = cell[1:] if plane and len(cell) == len(grid.shape) else cell
        inside = len(own) == len(shape) and all(
            1 <= number <= most for number, most in zip(own, shape, strict=True)
        )
        if not inside:
            told = f"must be {len(shape)} numbers within {list(shape)}, got {cell}"
            raise ConfigError(f"{key}[{index}] {told}")
        found.append(own)
    wanted = lists.node_of(np.array(found, dtype=np.int64), shape)
    mask: Mask = np.isin(where, wanted)
    return mask


def _zones(key: str, path: Path, grid: GridSize) -> Integers:
    """The zone of every cell of the grid."""

    def read() -> list[str]:
        tables = import_module("mhx.groundwater.tables")  # shapely takes a while
        words: list[str] = tables.column(path, "zone", key)
        return words

    words = remembered("zones of own model", key_of(path), read)
    plane = grid.cells // grid.layers
    if len(words) not in (grid.cells, plane):
        told = f"must hold {grid.cells} rows, one per cell ({plane} for all layers alike)"
        raise ConfigError(f"{key}: {path} {told}, got {len(words)}")
    numbers = []
    for line, word in enumerate(words, start=2):
        value = blocks.real(word)
        if value is None or not math.isfinite(value) or value != int(value):
            raise ConfigError(f"{key}: {path}:{line}  must be a whole number, got {word!r}")
        numbers.append(int(value))
    found = np.array(numbers, dtype=np.int64)
    return found if found.size == grid.cells else np.tile(found, grid.layers)
