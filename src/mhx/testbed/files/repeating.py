"""What a command line must add to a testbed file so that the same plan comes out again.

A plan records what `--overlay`, `--set` and the environment changed in its file.  A command that is
told to somebody carries these changes along, the environment's as `--set`: without them it would
plan, and carry out, another matrix.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from mhx.config.layers import PREFIX

SET = "--set "


def repeated(overrides: Iterable[Mapping[str, Any]]) -> str:
    """The flags for the `overrides` of a plan, quoted, with a space in front; or nothing.

    Overlays are named as they were typed: from the folder in which the command was given.
    """
    overlays: dict[str, None] = {}
    sets: list[str] = []
    for entry in overrides:
        origin = str(entry["from"])
        if origin.startswith((SET, PREFIX)):
            value = json.dumps(entry["value"], ensure_ascii=False)
            sets += ["--set", f"{_name(str(entry['key']), origin)}={value}"]
        else:
            overlays[origin] = None
    words = [word for overlay in overlays for word in ("--overlay", overlay)] + sets
    return f" {shlex.join(words)}" if words else ""


def _name(key: str, origin: str) -> str:
    """The key; where it counts entries of an array, as it was typed, with their ids."""
    if "[" not in key:
        return key
    if origin.startswith(SET):
        return origin.removeprefix(SET)
    return origin.removeprefix(PREFIX).replace("__", ".")
