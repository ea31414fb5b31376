"""Tables in the order in which their model declares them; unknown keys last, as written."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from mhx.config.paths import Node, nodes


def in_order(table: type[BaseModel], data: Mapping[str, Any], known: Any = None) -> dict[str, Any]:
    """`data` in the order of its model.  What it shares with `known`, in order already, is kept."""
    return dict(_ordered(Node(tables=(table,)), data, known))


def _ordered(node: Node | None, value: Any, known: Any) -> Any:
    if value is known or node is None:
        return value
    if isinstance(value, Mapping):
        return _table(node, value, known if isinstance(known, Mapping) else {})
    if isinstance(value, list) and node.each is not None and node.each.tables:
        shared = {id(item) for item in known} if isinstance(known, list) else set()
        return [item if id(item) in shared else _ordered(node.each, item, None) for item in value]
    return value


def _table(node: Node, value: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    fields = _fields(node.tables)
    last = len(fields)
    rank = {key: fields[key][0] if key in fields else last for key in value}
    keys = sorted(value, key=rank.__getitem__) if fields else list(value)
    return {
        key: item
        if (item := value[key]) is known.get(key)
        else _ordered(fields[key][1] if key in fields else node.every, item, known.get(key))
        for key in keys
    }


@cache
def _fields(tables: tuple[type[BaseModel], ...]) -> dict[str, tuple[int, Node]]:
    """The fields of the tables that may stand in one place, each with its number."""
    found: dict[str, Node] = {}
    for table in tables:
        for key, inner in nodes(table).items():
            found.setdefault(key, inner)
    return {key: (number, inner) for number, (key, inner) in enumerate(found.items())}
