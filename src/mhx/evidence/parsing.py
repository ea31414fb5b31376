"""JSON read strictly: RFC 8259, one object, every key once, no number beyond the range."""

import json
import math
from typing import Any, NoReturn


def parse_json(content: bytes) -> dict[str, Any]:
    """One JSON object of RFC 8259, every key once; ValueError says where it is not."""
    document = json.loads(
        content.decode("utf-8"),
        parse_constant=_refuse_constant,
        parse_float=_finite,
        object_pairs_hook=each_key_once,
    )
    if not isinstance(document, dict):
        raise ValueError(f"a JSON object was expected, found {type(document).__name__}")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond the range of numbers")
    return value


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` of `json`; ValueError names the keys that stand twice."""
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"keys given twice: {', '.join(twice)}")
    return table
