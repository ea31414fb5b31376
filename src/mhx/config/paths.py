"""Which values of a table are paths, told by the types of its fields; names are not looked at.

`InputPath` and `OutputPath` mark a field.  `paths_in` lists the values of such fields in a plain
dictionary, `with_paths` replaces them and shares all that stays, `counted_in` tells which of them
stand for more, or fewer, files than lie there.  All take dictionaries that are not checked yet:
what does not have the shape of the table is passed over, for `parse` names it.

A field may be a path or a word (`Literal["top"] | InputPath`, or text with a pattern): the word is
no path.  Of a union of tables those count whose `Literal` fields agree with what is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from mhx.config.lines import Place

Kind = Literal["input", "output"]
DIRECTIVES = ("__append", "__delete", "__replace")
"""Endings of keys that say how an overlay is merged; see `mhx.config.merge`."""
_ANY = ""  # the pattern that every text fits


@dataclass(frozen=True)
class PathKind:
    """Marks a type as a path: read by the run (input), or where it writes (output)."""

    kind: Kind


@dataclass(frozen=True)
class CountedBy:
    """Beside an input path: which files it stands for, where that is not what lies at the path.

    files: "module:function", the path -> the files that a run reads through it, in a fixed order.
    """

    files: str


@dataclass(frozen=True)
class LaidOver:
    """Marks a free table as an overlay: its paths are those of the table that it is laid over."""

    table: type[BaseModel]


@dataclass(frozen=True)
class Node:
    """What a type says of a value, as far as paths go.

    kind: the value is a path when it is text, unless it is one of `words` or fits a pattern.
    files: that of `CountedBy`, of a path.
    tables: what may stand here as a table; each: of the elements of a list; every: of the values of
    a table with free keys.
    """

    kind: Kind | None = None
    files: str = ""
    words: frozenset[Any] = frozenset()
    patterns: tuple[str, ...] = ()
    tables: tuple[type[BaseModel], ...] = ()
    each: "Node | None" = None
    every: "Node | None" = None

    def path(self, value: Any) -> Kind | None:
        """Whether a value is a path, and of which kind."""
        if self.kind is None or not isinstance(value, str) or value in self.words:
            return None
        return None if any(re.match(pattern, value) for pattern in self.patterns) else self.kind


def paths_in(table: type[BaseModel], data: Mapping[str, Any]) -> Iterator[tuple[Place, Kind, str]]:
    """Every path-typed value that is written in `data`: its place, kind and text."""
    for place, node, text in _in_table(_fields_for((table,), data), data, ()):
        if node.kind is not None:
            yield place, node.kind, text


def counted_in(table: type[BaseModel], data: Mapping[str, Any]) -> dict[str, str]:
    """The paths in `data` that stand for files of their own choice -> that of `CountedBy`."""
    if not _counts(table):
        return {}
    found = _in_table(_fields_for((table,), data), data, ())
    return {text: node.files for _, node, text in found if node.files}


def with_paths(
    table: type[BaseModel], data: Mapping[str, Any], change: Callable[[Place, Kind, str], str]
) -> dict[str, Any]:
    """`data` with each path-typed value replaced by `change(place, kind, text)`; `data` stays."""
    result = dict(data)
    for place, kind, text in paths_in(table, data):
        target: Any = result
        source: Any = data
        for part in place[:-1]:
            source = source[part]
            if target[part] is source:  # still shared with `data`
                target[part] = dict(source) if isinstance(source, Mapping) else list(source)
            target = target[part]
        target[place[-1]] = change(place, kind, text)
    return result


@cache
def nodes(table: type[BaseModel]) -> Mapping[str, Node]:
    """The fields of a table by the keys that TOML uses."""
    return {
        field.alias or name: _node(field.annotation, tuple(field.metadata))
        for name, field in table.model_fields.items()
    }


def table_keys(key: str) -> str:
    """A key without its directive: `constraint__append` -> `constraint`."""
    for ending in DIRECTIVES:
        if key.endswith(ending) and key != ending:
            return key.removesuffix(ending)
    return key


def _in_table(
    fields: Mapping[str, Node], data: Mapping[str, Any], above: Place
) -> Iterator[tuple[Place, Node, str]]:
    for key, value in data.items():
        node = fields.get(key) or (fields.get(table_keys(key)) if "__" in key else None)
        if node is not None:
            yield from _in_value(node, value, (*above, key))


def _in_value(node: Node, value: Any, place: Place) -> Iterator[tuple[Place, Node, str]]:
    if node.path(value):
        yield place, node, value
    elif isinstance(value, Mapping):
        if node.tables:
            yield from _in_table(_fields_for(node.tables, value), value, place)
        if node.every is not None:
            for key, item in value.items():
                yield from _in_value(node.every, item, (*place, key))
    elif isinstance(value, list | tuple) and node.each is not None:
        for index, item in enumerate(value):
            yield from _in_value(node.each, item, (*place, index))


def _fields_for(tables: tuple[type[BaseModel], ...], data: Mapping[str, Any]) -> Mapping[str, Node]:
    """Fields that hold a path somewhere, of those tables that the words in `data` leave open."""
    if len(tables) == 1:
        return _with_paths_below(tables[0])
    found: dict[str, Node] = {}
    for table in tables:
        if all(
            key not in data or any(data[key] == word for word in words)
            for key, words in _choices(table)
        ):
            for key, node in _with_paths_below(table).items():
                found[key] = _joined([found[key], node]) if key in found else node
    return found


@cache
def _with_paths_below(table: type[BaseModel]) -> Mapping[str, Node]:
    return {
        key: node
        for key, node in nodes(table).items()
        if _leads_to(node, lambda inner: inner.kind is not None)
    }


@cache
def _counts(table: type[BaseModel]) -> bool:
    """Whether a path below the table stands for files of its own choice."""
    return _leads_to(Node(tables=(table,)), lambda inner: bool(inner.files))


def _leads_to(
    node: Node, wanted: Callable[[Node], bool], seen: frozenset[type[BaseModel]] = frozenset()
) -> bool:
    if wanted(node):
        return True
    below = [inner for inner in (node.each, node.every) if inner is not None]
    tables = [table for table in node.tables if table not in seen]
    below += [inner for table in tables for inner in nodes(table).values()]
    return any(_leads_to(inner, wanted, seen.union(tables)) for inner in below)


@cache
def _choices(table: type[BaseModel]) -> tuple[tuple[str, frozenset[Any]], ...]:
    """Fields that allow nothing but words: they tell the tables of a union apart."""
    return tuple(
        (key, node.words)
        for key, node in nodes(table).items()
        if node.words and node == Node(words=node.words)
    )


def _node(annotation: Any, metadata: tuple[Any, ...] = ()) -> Node:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _node(arguments[0], (*arguments[1:], *metadata))
    mark = next((mark for mark in metadata if isinstance(mark, PathKind | LaidOver)), None)
    if mark is not None:
        return _marked(mark, metadata)
    if origin is not None:
        return _generic(origin, arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Node(tables=(annotation,))
    if annotation is not str:
        return Node()
    patterns = tuple(pattern for mark in metadata if (pattern := _pattern(mark)))
    return Node(patterns=patterns or (_ANY,))


def _marked(mark: PathKind | LaidOver, metadata: tuple[Any, ...]) -> Node:
    if isinstance(mark, LaidOver):
        return Node(tables=(mark.table,))
    files = (other.files for other in metadata if isinstance(other, CountedBy))
    return Node(kind=mark.kind, files=next(files, ""))


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Node:
    if origin in (Union, UnionType):
        return _joined([_node(arm) for arm in arguments])
    if origin is Literal:
        return Node(words=frozenset(arguments))
    if origin in (list, tuple):
        return Node(each=_joined([_node(item) for item in arguments if item is not Ellipsis]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Node(every=_node(arguments[1]))
    return Node()


def _pattern(mark: Any) -> str | None:
    """The pattern that a mark asks of text; pydantic keeps several marks in one."""
    inner = [getattr(mark, "pattern", None), *map(_pattern, getattr(mark, "metadata", ()))]
    return next((pattern for pattern in inner if isinstance(pattern, str)), None)


def _joined(found: list[Node]) -> Node:
    each = [node.each for node in found if node.each is not None]
    every = [node.every for node in found if node.every is not None]
    return Node(
        kind=next((node.kind for node in found if node.kind), None),
        files=next((node.files for node in found if node.files), ""),
        words=frozenset().union(*(node.words for node in found)),
        patterns=tuple(pattern for node in found for pattern in node.patterns),
        tables=tuple(table for node in found for table in node.tables),
        each=_joined(each) if each else None,
        every=_joined(every) if every else None,
    )
