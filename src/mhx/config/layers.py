"""The files behind one configuration: its `base_config` chain and what the user laid over it.

    base_config chain < file < --overlay FILE < --set key=VALUE < environment MHX_SET_key

`base_config` is inheritance of one file (relative to the file, recursive, the child wins).  The
value of `--set` is TOML, or plain text where it is none; its key is dotted and steps into arrays of
tables by `id`.  In the environment dots are written `__`, and case is kept.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from mhx.config import Source, read_toml
from mhx.config.faults import dotted, shown
from mhx.config.lines import Place
from mhx.config.merge import by_id, merge, merged, stepped
from mhx.config.origins import Layer, Layered
from mhx.errors import ConfigError

PREFIX = "MHX_SET_"
BASE = "base_config"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a user asked to change in the file that the command line names.

    overlays: TOML files, in order; sets: "key=VALUE", in order; environ: where MHX_SET_* stand.
    """

    overlays: tuple[Path, ...] = ()
    sets: tuple[str, ...] = ()
    environ: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file merged with all that belongs to it, not yet checked.

    data: the result; source: where each of its values was written; layers: lowest first.
    overrides: what `Changes` changed, for the record: {key, value, from}.
    """

    path: Path
    data: dict[str, Any]
    source: Source
    layers: tuple[Layer, ...]
    overrides: tuple[Mapping[str, Any], ...] = ()

    def remerged(self, tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """`data` made again from other values of the same layers, for example absolute paths."""
        return reduce(merged, tables[1:], dict(tables[0]))


def read_chain(path: Path, changes: Changes | None = None) -> Written:
    """Read a file, its parents and the changes; ConfigError lists what cannot be read or merged."""
    changes = changes or Changes()
    layers = _chain(path, ())
    own = len(layers)
    layers += [layer for overlay in changes.overlays for layer in _chain(overlay, ())]
    data: dict[str, Any] = dict(layers[0].data)
    faults: list[str] = []
    for layer in layers[1:]:
        data = _laid(data, layer, faults)
    for name, value, origin in _asked(changes):
        layer = _flag_layer(data, name, value, origin)
        layers.append(layer)
        data = _laid(data, layer, faults)
    if faults:
        raise ConfigError(_counted(str(path), faults))
    source = (
        layers[0].source
        if len(layers) == 1
        else Layered(str(path), merged=data, layers=tuple(layers))
    )
    overrides = tuple(entry for layer in layers[own:] for entry in _overrides(layer))
    return Written(path=path, data=data, source=source, layers=tuple(layers), overrides=overrides)


def _chain(path: Path, above: tuple[Path, ...]) -> list[Layer]:
    """The layers of a file, its oldest ancestor first."""
    if path.resolve() in [known.resolve() for known in above]:
        names = " -> ".join(known.name for known in (*above, path))
        raise ConfigError(f"{BASE} goes round: {names}")
    data, source = read_toml(path)
    parent = data.pop(BASE, None)
    own = Layer(data=data, source=source, folder=path.parent)
    if parent is None:
        return [own]
    place = source.place((BASE,))
    if not isinstance(parent, str):
        fault = f"{place} must be text, got {shown(parent)}"
        raise ConfigError(_counted(str(path), [fault]))
    if not (path.parent / parent).is_file():
        fault = f"{place}: no file {parent!r} in the folder of {path.name}"
        raise ConfigError(_counted(str(path), [fault]))
    return [*_chain(path.parent / parent, (*above, path)), own]


def _laid(data: dict[str, Any], layer: Layer, faults: list[str]) -> dict[str, Any]:
    result, found = merge(data, layer.data)
    faults += [layer.source.describe(fault) for fault in found]
    return result


def _asked(changes: Changes) -> Iterator[tuple[str, str, str]]:
    """Dotted key, value and origin of every `--set` and every variable, in order."""
    for word in changes.sets:
        name, equals, value = word.partition("=")
        if not (name.strip() and equals):
            raise ConfigError(f"--set must be key=VALUE, got {word!r}")
        yield name.strip(), value, f"--set {name.strip()}"
    for variable, value in sorted((changes.environ or {}).items()):
        if name := variable.removeprefix(PREFIX) if variable.startswith(PREFIX) else "":
            yield name.replace("__", "."), value, variable


def _flag_layer(data: Mapping[str, Any], name: str, value: str, origin: str) -> Layer:
    try:
        keys = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        raise ConfigError(f"{origin}: {name!r} is no dotted key") from None
    try:
        table = tomllib.loads(f"{name} = {value}")
    except tomllib.TOMLDecodeError:
        table = _filled(keys, value)
    table, faults = stepped(data, table)
    if faults:
        raise ConfigError(_counted(origin, [f"{origin} {fault.text}" for fault in faults]))
    flags = {".".join(map(str, place)): origin for place in _places(table)}
    source = Source(origin, flags=flags)
    return Layer(data=table, source=source, folder=Path.cwd(), here="in the current folder")


def _filled(keys: Mapping[str, Any], value: str) -> dict[str, Any]:
    return {
        key: _filled(below, value) if isinstance(below, Mapping) else value
        for key, below in keys.items()
    }


def _places(value: Any, above: Place = ()) -> Iterator[Place]:
    """The place of every leaf of a table."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _places(item, (*above, key))
    elif by_id(value):
        for index, item in enumerate(value):
            yield from _places(item, (*above, index))
    else:
        yield above


def _overrides(layer: Layer) -> Iterator[dict[str, Any]]:
    origin = layer.source.name
    for place in _places(layer.data):
        value: Any = layer.data
        for part in place:
            value = value[part]
        of_array = len(place) > 1 and isinstance(place[-2], int)
        if not (of_array and place[-1] == "id"):  # that names the entry, and changes nothing
            yield {"key": dotted(place), "value": value, "from": origin}


def _counted(name: str, faults: list[str]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n  ".join([f"{name}: {count}", *faults])
