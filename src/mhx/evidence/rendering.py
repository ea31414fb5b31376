"""The one layout of JSON files: RFC 8259, sorted keys, two spaces, as `json.dumps` would write it.

Written in one pass, for `json` falls back to slow generators as soon as it has to indent; a test
holds the two equal.
"""

from collections.abc import Callable
from json.encoder import encode_basestring  # in C where there is one
from math import isfinite
from typing import Any


def json_text(value: Any, plain: Callable[[Any], Any]) -> str:
    """`json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)`; null if not finite.

    plain: turns a value of any other type into dictionaries with text keys, lists and scalars.
    """
    parts: list[str] = []
    _add(value, "\n", parts, plain)
    return "".join(parts)


def _add(value: Any, line: str, parts: list[str], plain: Callable[[Any], Any]) -> None:
    kind = type(value)
    if kind is str:
        parts.append(encode_basestring(value))
    elif kind is float:
        parts.append(repr(value) if isfinite(value) else "null")
    elif kind is int:
        parts.append(repr(value))
    elif value is None or kind is bool:
        parts.append("null" if value is None else "true" if value else "false")
    elif kind is list:
        _add_list(value, line, parts, plain)
    elif kind is dict and {str}.issuperset(map(type, value)):
        _add_table(value, line, parts, plain)
    else:
        _add(plain(value), line, parts, plain)


def _add_list(value: list[Any], line: str, parts: list[str], plain: Callable[[Any], Any]) -> None:
    gap, inner = "[", f"{line}  "
    for item in value:
        parts.append(f"{gap}{inner}")
        _add(item, inner, parts, plain)
        gap = ","
    parts.append(f"{line}]" if value else "[]")


def _add_table(
    value: dict[str, Any], line: str, parts: list[str], plain: Callable[[Any], Any]
) -> None:
    gap, inner = "{", f"{line}  "
    for key in sorted(value):
        parts.append(f"{gap}{inner}{encode_basestring(key)}: ")
        _add(value[key], inner, parts, plain)
        gap = ","
    parts.append(f"{line}}}" if value else "{}")
