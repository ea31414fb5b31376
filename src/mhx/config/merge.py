"""Laying one table over another: the rules of overlays and of inheriting files.

Tables merge deeply; scalars and lists of the overlay replace those of the base.  Arrays of tables
in which every item of both sides has an `id` of its own merge by `id`: the same id merges in place,
a new one is appended.  Three endings of keys are directives and never reach the result:
`key__append = [..]` extends an inherited list, `key__delete = true` removes an inherited key,
`key__replace = ..` replaces even where merging by id would apply.  Only below a key `overlay` or
`..._overlay` they stay: what stands there is laid over something else, later.

Nothing given is changed, and what an overlay does not touch is shared with the base: results are
for reading.  Where a merged value came from is found again by `mhx.config.origins`.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from mhx.config.faults import Told, dotted, shown
from mhx.config.lines import Place
from mhx.errors import ConfigError

APPEND, DELETE, REPLACE = "__append", "__delete", "__replace"
OVERLAY = "overlay"
_ORDER = (DELETE, REPLACE, "", APPEND)  # within one overlay: make room, set, extend


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay laid over the base; ConfigError for a directive that cannot be followed."""
    result, faults = merge(base, overlay)
    if faults:
        raise ConfigError("; ".join(f"{dotted(fault.place)} {fault.text}" for fault in faults))
    return result


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> tuple[dict[str, Any], list[Told]]:
    """`merged`, with its faults as a list; their places are those of the overlay."""
    faults: list[Told] = []
    return _table(base, overlay, (), faults), faults


def directive(key: str) -> tuple[str, str]:
    """A key as name and directive: `bc__append` -> ("bc", "__append"); without one ""."""
    for ending in (APPEND, DELETE, REPLACE):
        if key.endswith(ending) and key != ending:
            return key.removesuffix(ending), ending
    return key, ""


def is_overlay(name: str) -> bool:
    """True for a key that holds an overlay of something else: `overlay`, `..._overlay`."""
    return name == OVERLAY or name.endswith(f"_{OVERLAY}")


def by_id(value: Any) -> bool:
    """True for an array of tables whose items all have an id, each its own: it merges by id."""
    if not isinstance(value, list | tuple) or not value:
        return False
    ids = [item.get("id") if isinstance(item, Mapping) else None for item in value]
    return all(type(one) in (str, int) for one in ids) and len(set(ids)) == len(ids)


def stepped(base: Any, overlay: Mapping[str, Any]) -> tuple[dict[str, Any], list[Told]]:
    """An overlay made from dotted keys, with steps into arrays of tables by `id`.

    Where the base has such an array and the overlay a table of tables, its keys are ids:
    `{"bc": {"river": {"head": 3}}}` becomes `{"bc": [{"id": "river", "head": 3}]}`.  A step to an
    id that is not there is a fault.
    """
    faults: list[Told] = []
    return _stepped(base, overlay, (), faults), faults


def _stepped(
    base: Any, overlay: Mapping[str, Any], above: Place, faults: list[Told]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in overlay.items():
        place = (*above, key)
        below: Any = base.get(key) if isinstance(base, Mapping) else None
        if not isinstance(value, Mapping):
            result[key] = value
        elif by_id(below) and all(isinstance(item, Mapping) for item in value.values()):
            items = {str(item["id"]): item for item in below}
            faults += [_no_item(place, name, items) for name in value if name not in items]
            result[key] = [
                {"id": name, **_stepped(items.get(name), item, (*place, name), faults)}
                for name, item in value.items()
            ]
        else:
            result[key] = _stepped(below, value, place, faults)
    return result


def _no_item(place: Place, name: str, known: Mapping[str, Any]) -> Told:
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {dotted((*place, close[0]))}?" if close else ""
    ids = "" if hint else f"; its ids: {', '.join(known)}"
    return Told((*place, name), f"names no item of {dotted(place)}{hint}{ids}")


def _table(
    base: Mapping[str, Any], overlay: Mapping[str, Any], above: Place, faults: list[Told]
) -> dict[str, Any]:
    result = dict(base)
    for ending, name, key in _in_order(overlay):
        value, place = overlay[key], (*above, key)
        if ending == DELETE:
            _delete(result, name, value, place, faults)
        elif ending != APPEND and is_overlay(name):
            result[name] = value if ending == REPLACE else _kept(result.get(name), value)
        elif ending == APPEND:
            _append(result, name, value, place, faults)
        elif ending == REPLACE or name not in result:
            result[name] = _alone(value, place, faults)
        else:
            result[name] = _value(result[name], value, place, faults)
    return result


def _kept(base: Any, overlay: Any) -> Any:
    """Two overlays as one: the later counts, and directives stay for whoever lays it."""
    if by_id(base) and by_id(overlay):
        items = {item["id"]: item for item in base}
        for item in overlay:
            items[item["id"]] = _kept(items.get(item["id"]), item)
        return list(items.values())
    if not (isinstance(base, Mapping) and isinstance(overlay, Mapping)):
        return overlay
    result = dict(base)
    for key, value in overlay.items():
        name, ending = directive(key)
        if ending in (DELETE, REPLACE):  # whatever was said of it before is over
            for other in _ORDER:
                result.pop(f"{name}{other}", None)
        if ending == APPEND and isinstance(result.get(key), list | tuple):
            result[key] = [*result[key], *value]
        else:
            result[key] = _kept(result[key], value) if key in result else value
    return result


def _in_order(overlay: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Directive, name and key of each entry: deletions first, extensions last."""
    found = [(ending, name, key) for key in overlay for name, ending in [directive(key)]]
    if any(ending for ending, _, _ in found):
        found.sort(key=lambda entry: _ORDER.index(entry[0]))
    return found


def _value(base: Any, overlay: Any, place: Place, faults: list[Told]) -> Any:
    if isinstance(overlay, Mapping) and isinstance(base, Mapping):
        return _table(base, overlay, place, faults)
    if by_id(overlay) and by_id(base):
        return _items(base, overlay, place, faults)
    return _alone(overlay, place, faults)


def _items(
    base: Sequence[Any], overlay: Sequence[Any], place: Place, faults: list[Told]
) -> list[Any]:
    result = list(base)
    at = {item["id"]: index for index, item in enumerate(base)}
    for number, item in enumerate(overlay):
        index = at.get(item["id"])
        if index is None:
            result.append(_alone(item, (*place, number), faults))
        else:
            result[index] = _table(result[index], item, (*place, number), faults)
    return result


def _alone(value: Any, place: Place, faults: list[Told]) -> Any:
    """A value that meets nothing inherited: its directives have nothing to work on."""
    if isinstance(value, Mapping):
        return _table({}, value, place, faults)
    if isinstance(value, list | tuple):
        return [_alone(item, (*place, index), faults) for index, item in enumerate(value)]
    return value


def _delete(
    result: dict[str, Any], name: str, value: Any, place: Place, faults: list[Told]
) -> None:
    if value is not True:
        faults.append(Told(place, f"must be true, got {shown(value)}"))
    elif name not in result:
        close = difflib.get_close_matches(name, list(result), n=1)
        hint = f"; did you mean {dotted((*place[:-1], close[0]))}?" if close else ""
        faults.append(Told(place, f"names no inherited key{hint}"))
    else:
        del result[name]


def _append(
    result: dict[str, Any], name: str, value: Any, place: Place, faults: list[Told]
) -> None:
    inherited = result.get(name)
    if not isinstance(inherited, list | tuple):
        faults.append(Told(place, "has nothing to append to"))
    elif not isinstance(value, list | tuple):
        faults.append(Told(place, f"must be a list, got {shown(value)}"))
    else:
        result[name] = [*inherited, *_alone(value, place, faults)]
