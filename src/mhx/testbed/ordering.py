"""Tables in the order in which their model declares them; unknown keys last, as written."""

from collections.abc import Mapping
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
    fields: dict[str, Node] = {}
    for table in node.tables:
        for key, inner in nodes(table).items():
            fields.setdefault(key, inner)
    names = list(fields) if len(fields) > 1 else []
    keys = sorted(value, key=lambda key: names.index(key) if key in fields and names else 10**6)
    return {key: _ordered(fields.get(key, node.every), value[key], known.get(key)) for key in keys}
