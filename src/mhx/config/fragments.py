"""TOML read piece by piece, each piece once: files of a matrix differ in a line or two.

`tomllib` is plain Python; a child of a matrix costs as much to read as many a run costs to compute.
A text is cut before each header that follows an empty line.  A cut inside an array leaves a piece
that is no TOML, a cut inside text over several lines is ruled out, and pieces that share a key at
the root are not put together: then the whole text is read.  So the result is always that of
`tomllib.loads`.
"""

import tomllib
from functools import lru_cache
from typing import Any

_CUT = "\n\n["
_OVER_LINES = ('"""', "'''")


def loads(text: str) -> dict[str, Any]:
    """`tomllib.loads(text)`, errors included."""
    if any(quotes in text for quotes in _OVER_LINES):
        return tomllib.loads(text)
    first, *others = text.split(_CUT)
    pieces = [first]
    name = ""
    for other in others:
        if name and (other.startswith((f"{name}.", f"[{name}", f"{name}]"))):
            pieces[-1] += _CUT + other  # of one table, or items of one array
        else:
            pieces.append(f"[{other}")
            name = other.lstrip("[").partition(".")[0].partition("]")[0]
    result: dict[str, Any] = {}
    try:
        for piece in pieces:
            found = _read(piece)
            if result.keys() & found.keys():
                return tomllib.loads(text)
            result.update(found)
    except tomllib.TOMLDecodeError:
        return tomllib.loads(text)  # whose message counts lines and columns of the whole text
    return {key: _copied(value) for key, value in result.items()}


@lru_cache(maxsize=256)
def _read(piece: str) -> dict[str, Any]:
    return tomllib.loads(piece)


def _copied(value: Any) -> Any:
    """Tables and lists anew: what a caller does to them must not reach the next one."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
