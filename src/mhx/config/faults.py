"""What pydantic found wrong, told as a user wants to read it.

One line for each key: where it stands, its name as written, what it must be with bounds and unit,
what was there, and the nearest name when it looks like a slip.  The expectation is read from the
table's JSON Schema, so the arms of a union fold into one line and no rule is worded twice.
"""

import datetime
import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mhx.config.lines import Place

RULE = "rule"
"""Type of the faults that a table's own validators report; their message says what must hold."""
ABSENT = "absent"
"""The same for a key that is not there: the message says why it must be, and nothing was got."""


@dataclass(frozen=True)
class Told:
    """One fault: the place it belongs to and the words after the key's name."""

    place: Place
    text: str


def told(errors: Iterable[Mapping[str, Any]], data: Mapping[str, Any], schema: Any) -> list[Told]:
    """One `Told` per place, in the order of `errors` (those of `ValidationError.errors()`)."""
    groups: dict[Place, list[Mapping[str, Any]]] = {}
    for error in _of_nearest_arms(list(errors), data):
        groups.setdefault(_real_place(error, data), []).append(error)
    inner = {place[:n] for place in groups for n in range(len(place))}
    return [
        _fault(place, group, data, schema)
        for place, group in groups.items()
        if place not in inner
        or group[0]["type"] in _OWN  # a deeper line already says what is wrong
    ]


def dotted(place: Place) -> str:
    """("mesh", "shape", 0) as `mesh.shape[0]`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: Any) -> str:
    """A value as the user wrote it, short enough for one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        text = f"[{', '.join(shown(item) for item in value[:9])}{', ...' if value[9:] else ''}]"
    else:
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _of_nearest_arms(errors: Sequence[Mapping[str, Any]], data: Any) -> Iterable[Mapping[str, Any]]:
    """Of a table that may be one of several, what keeps it from being the one it comes nearest."""
    arms: dict[Place, dict[str, int]] = {}
    found = [(error, _arm(error, data)) for error in errors]
    for _, (place, arm) in found:
        if arm:
            counts = arms.setdefault(place, {})
            counts[arm] = counts.get(arm, 0) + 1
    nearest = {place: min(counts, key=counts.__getitem__) for place, counts in arms.items()}
    return [error for error, (place, arm) in found if not arm or arm == nearest[place]]


def _arm(error: Mapping[str, Any], data: Any) -> tuple[Place, str]:
    """Where a table stands that may be one of several, and which of them an error is about."""
    place: Place = ()
    at = data
    for part in error["loc"][:-1] if error["type"] not in (RULE, ABSENT) else ():
        if isinstance(at, Mapping) and part not in at:
            return place, str(part)
        if isinstance(at, list | tuple) and not (str(part).isdigit() and int(part) < len(at)):
            return place, ""
        if not isinstance(at, Mapping | list | tuple):
            return place, ""
        place, at = (*place, part), at[part if isinstance(at, Mapping) else int(part)]
    return place, ""


_OWN = (RULE, ABSENT, "value_error", "assertion_error", "missing", "extra_forbidden")


def _real_place(error: Mapping[str, Any], data: Any) -> Place:
    """The error's location without the names that pydantic gives to the arms of a union."""
    place: Place = ()
    at = data
    parts: Sequence[str | int] = error["loc"]
    for depth, part in enumerate(parts):
        absent_is_meant = error["type"] in (RULE, ABSENT) or (
            error["type"] == "missing" and depth == len(parts) - 1
        )
        if isinstance(at, Mapping) and isinstance(part, str):
            if part not in at and not absent_is_meant:
                continue
            place, at = (*place, part), at.get(part, {})
        elif isinstance(at, list | tuple) and str(part).isdigit() and int(part) < len(at):
            place, at = (*place, int(part)), at[int(part)]
    return place


def _fault(place: Place, group: Sequence[Mapping[str, Any]], data: Any, schema: Any) -> Told:
    error = group[0]
    match error["type"]:
        case "rule":
            return Told(place, f"{error['msg']}, got {shown(error['input'])}")
        case "absent":
            return Told(place, str(error["msg"]))
        case "missing" if not _has(data, place):
            node = _node(schema, place)
            return Told(place, f"is required{_unit(node, data)}")
        case "extra_forbidden":
            return Told(place, f"is not a known key{_did_you_mean_key(place, schema)}")
        case "value_error" | "assertion_error":
            return Told(place, str(error["ctx"]["error"]))
    value = _at(data, place)
    node = _node(schema, place)
    expected = _expected(node, value, schema)
    hint = _did_you_mean_value(node, value)
    quoted = isinstance(value, str) and _without_null(node).get("type") == "boolean"
    found = f"{shown(value)}{' (a string)' if quoted else ''}"
    return Told(place, f"must be {expected}{_unit(node, value)}, got {found}{hint}")


def _expected(node: Mapping[str, Any], value: Any, schema: Any) -> str:
    node = _without_null(node)
    if isinstance(value, float) and not math.isfinite(value):
        return f"finite: {_words(node, schema)}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    bounds = _bounds(node)
    right_kind = node.get("type") == "number" or isinstance(value, int)
    if number and bounds and right_kind and node.get("type") in ("number", "integer"):
        return bounds
    return _words(node, schema)


_PATTERNS = {"^[A-Za-z0-9_-]+$": "letters, digits, _ or -"}


def _words(node: Mapping[str, Any], schema: Any) -> str:
    """What a JSON Schema node allows, in words."""
    node = _without_null(_resolved(node, schema))
    if "anyOf" in node or "oneOf" in node:
        arms = [_words(arm, schema) for arm in node.get("anyOf", node.get("oneOf"))]
        return " or ".join(dict.fromkeys(arms))
    if "const" in node or "enum" in node:
        return _listed([shown(value) for value in node.get("enum", [node.get("const")])])
    kind = node.get("type")
    if kind == "array":
        return _array_words(node, schema)
    if kind in ("number", "integer"):
        name = "a number" if kind == "number" else "a whole number"
        return f"{name} {_bounds(node)}".rstrip()
    if kind == "string":
        text = "text that is not empty" if node.get("minLength") == 1 else "text"
        return _PATTERNS.get(node.get("pattern", ""), text)
    return {"boolean": "true or false", "object": "a table"}.get(str(kind), "something else")


def _without_null(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """TOML has no null: an optional key is told as the value that it may have."""
    arms = [arm for arm in node.get("anyOf", []) if arm.get("type") != "null"]
    if len(arms) == 1:
        return {**arms[0], "description": node.get("description", "")}
    return {**node, "anyOf": arms} if arms else node


def _array_words(node: Mapping[str, Any], schema: Any) -> str:
    each = [_words(item, schema) for item in node.get("prefixItems", [])]
    if each:
        alike = each[0] if len(set(each)) == 1 else ", then ".join(each)
        return f"a list of {len(each)} values, each {alike}"
    least = f" of at least {node['minItems']}" if node.get("minItems") else ""
    return f"a list{least}, each {_words(node.get('items', {}), schema)}"


def _bounds(node: Mapping[str, Any]) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    signs["multipleOf"] = "a multiple of"
    whole = node.get("type") != "number"
    parts = [f"{sign} {_bound(node[key], whole)}" for key, sign in signs.items() if key in node]
    return " and ".join(parts)


def _bound(value: float, whole: bool) -> str:
    """3 of a count, 3.0 of a length, 1e+09 of a very large one."""
    if whole:
        return str(int(value))
    return str(float(value)) if abs(value) <= 1e6 else f"{value:g}"


def _unit(node: Mapping[str, Any], value: Any) -> str:
    """The bracket that ends a numeric description; silent where the unit is [1]."""
    text = str(node.get("description", ""))
    if not text.endswith("]") or (isinstance(value, str) and "anyOf" not in node):
        return ""
    unit = text[text.rindex("[") :]
    return "" if unit == "[1]" else f" {unit}"


def _did_you_mean_value(node: Mapping[str, Any], value: Any) -> str:
    if not isinstance(value, str):
        return ""
    arms = [node, *node.get("anyOf", [])]
    names = [n for arm in arms for n in arm.get("enum", [arm.get("const")]) if isinstance(n, str)]
    begun = [name for name in names if value and name.startswith(value)]
    close = begun or difflib.get_close_matches(value, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _did_you_mean_key(place: Place, schema: Any) -> str:
    *table, key = place
    above = _without_null(_resolved(_node(schema, tuple(table)), schema))
    siblings = list(_properties(above, schema))
    close = difflib.get_close_matches(str(key), siblings, n=1)
    if close:
        return f"; did you mean {dotted((*table, close[0]))}?"
    elsewhere = [name for name in _keys(schema, schema) if name[-1] == key]
    if elsewhere:
        return f"; did you mean {dotted(elsewhere[0])}?"
    return f"; known here: {', '.join(siblings)}" if siblings else ""


def _keys(node: Mapping[str, Any], schema: Any, above: Place = ()) -> Iterable[Place]:
    for name, child in _resolved(node, schema).get("properties", {}).items():
        yield (*above, name)
        yield from _keys(child, schema, (*above, name))


def _node(schema: Any, place: Place) -> Mapping[str, Any]:
    """The JSON Schema of the key at `place`; empty where the schema does not know it."""
    node: Mapping[str, Any] = schema
    for part in place:
        node = _resolved(_without_null(_resolved(node, schema)), schema)
        if isinstance(part, int):
            items = node.get("prefixItems", [])
            node = items[part] if part < len(items) else node.get("items", {})
        else:
            free = node.get("additionalProperties")
            node = _properties(node, schema).get(part, free if isinstance(free, dict) else {})
    return node


def _properties(node: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Schemas of the keys of a table, or of all tables that it may be."""
    arms = [_resolved(arm, schema) for arm in (node, *node.get("anyOf", []))]
    return {
        key: child for arm in reversed(arms) for key, child in arm.get("properties", {}).items()
    }


def _resolved(node: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _has(data: Any, place: Place) -> bool:
    try:
        _at(data, place)
    except KeyError:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
