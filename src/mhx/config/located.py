"""Paths of a configuration that was merged from several files: each counts from its own folder.

absolute    every path absolute, and how each input was written, for messages
absent      a fault for each input that does not exist
relative_path   a path as another folder has it
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.config import Table
from mhx.config.faults import Told
from mhx.config.layers import Written
from mhx.config.lines import Place
from mhx.config.paths import Kind, with_paths


def absolute(written: Written, table: type[Table]) -> tuple[dict[str, Any], dict[str, str]]:
    """The merged data with every path absolute, and how each input path was written, for messages.

    The second maps the absolute path to, for example, "'k.csv' beside base.toml".
    """
    texts: dict[str, str] = {}
    layers = []
    for layer in written.layers:

        def resolved(place: Place, kind: Kind, text: str, layer: Any = layer) -> str:
            path = os.path.join(os.path.abspath(layer.folder), text)
            if kind == "input":
                where = layer.here or f"beside {Path(layer.source.name).name}"
                texts[path] = f"{text!r} {where}"
            return path

        layers.append(with_paths(table, layer.data, resolved))
    return written.remerged(layers), texts


def absent(inputs: Mapping[Place, str], texts: Mapping[str, str]) -> list[Told]:
    """A fault for each input path that does not exist."""
    return [
        Told(place, f": no file {texts.get(path, repr(path))}")
        for place, path in inputs.items()
        if not _exists(path)
    ]


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL in the name, which the table refuses by itself
        return True


def relative_path(path: str, folder: Path) -> str:
    """A path from a folder, POSIX; real paths where a link on the way makes it lead elsewhere."""
    text = os.path.relpath(path, folder)
    # without `..`, for the folder may not exist yet; a real path may be shortened so
    target = os.path.normpath(os.path.join(os.path.realpath(folder), text))
    if os.path.exists(path) and not (os.path.exists(target) and os.path.samefile(path, target)):
        text = os.path.relpath(os.path.realpath(path), os.path.realpath(folder))
    return Path(text).as_posix()
