"""What a child changes of its base, leaf by leaf, and whether it may.

Leaves are scalars and lists; items of arrays of tables are told apart by their `id`, which stands
in the dotted key.  What both sides share is not looked at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mhx.config import Source
from mhx.config.lines import Place
from mhx.config.merge import by_id
from mhx.workflow.stored import plain

_ABSENT: Any = object()


def differences(
    base: Mapping[str, Any],
    child: Mapping[str, Any],
    source: Source,
    shown: Callable[[str], str],
) -> Iterator[Mapping[str, Any]]:
    """Every leaf that differs: key, kind, both values, and where the child's was written.

    source: that of the child; shown: how the name of a file is put on record.
    """
    for key, place, old, new in _changed(base, child, "", ()):
        name, line = source.origin(place)
        kind = "added" if old is _ABSENT else "removed" if new is _ABSENT else "changed"
        yield {
            "key": key,
            "kind": kind,
            "new": kind == "added",
            "base": None if old is _ABSENT else plain(old),
            "child": None if new is _ABSENT else plain(new),
            "file": shown(name) if line else name,
            "line": line,
        }


def verdict(found: Sequence[Mapping[str, Any]], changes: Sequence[str] | None) -> str:
    """`pass`, `fail`, or `unknown` where nothing says what the case may change."""
    if not found:
        return "pass"
    if changes is None:
        return "unknown"
    return "fail" if outside(found, changes) else "pass"


def outside(found: Sequence[Mapping[str, Any]], changes: Sequence[str]) -> list[str]:
    """The keys that differ and lie under none of the dotted prefixes."""
    keys = [str(entry["key"]) for entry in found]
    return [key for key in keys if not any(_under(key, prefix) for prefix in changes)]


def _changed(old: Any, new: Any, above: str, place: Place) -> Iterator[tuple[str, Place, Any, Any]]:
    """Dotted key, place in the child and both values of each leaf that differs."""
    if old is new:
        return
    before, after = _parts(old), _parts(new)
    if before is None and after is None:
        if not (old == new and isinstance(old, bool) == isinstance(new, bool)):  # 1.0 is 1
            yield above, place, old, new
        return
    if before is None and old is not _ABSENT:
        yield above, place, old, _ABSENT
    if after is None and new is not _ABSENT:
        yield above, place, _ABSENT, new
    before, after = before or {}, after or {}
    for part in dict.fromkeys((*before, *after)):
        _, old_value = before.get(part, (part, _ABSENT))
        step, new_value = after.get(part, (part, _ABSENT))
        key = f"{above}.{part}" if above else part
        yield from _changed(old_value, new_value, key, (*place, step))


def _parts(value: Any) -> dict[str, tuple[str | int, Any]] | None:
    """What stands below a value, by key or id, each with its step; None for a leaf."""
    if isinstance(value, Mapping):
        return {key: (key, item) for key, item in value.items()}
    if by_id(value):
        return {str(item["id"]): (index, item) for index, item in enumerate(value)}
    return None


def _under(key: str, prefix: str) -> bool:
    return key == prefix or key.startswith(f"{prefix}.")
