"""A configuration as its run folder keeps it: `config.toml`, every default written out.

Paths count from the run folder, so that a tree may be moved and two machines write the same bytes;
`output_dir` is the folder itself, so that `mhx run RUN/config.toml` finds the run again.  Whether a
folder holds a run of a configuration is asked of these contents.
"""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mhx.config import Table, read_toml, to_toml
from mhx.config.lines import Place
from mhx.config.located import relative_path
from mhx.config.paths import Kind, Node, counted_in, nodes, paths_in, with_paths
from mhx.evidence.hashing import content_digest
from mhx.evidence.verify import without_circumstance
from mhx.workflow.inputs import input_digests
from mhx.workflow.load import Loaded
from mhx.workflow.placeholders import leaves

CONFIG = "config.toml"
HERE = "."


def stored_config(loaded: Loaded, root: Path) -> dict[str, Any]:
    """The configuration with its paths from `root`."""

    def relative(place: Place, kind: Kind, text: str) -> str:
        return HERE if place[-1] == "output_dir" else relative_path(text, root)

    config = with_paths(loaded.table, loaded.config, relative)
    if "output_dir" not in config and _may_say_where(loaded.table):
        config["workflow"] = {**config.get("workflow", {}), "output_dir": HERE}
    return config


@cache
def _may_say_where(table: type[Table]) -> bool:
    """True where `[workflow] output_dir` is a key of the table, as it is of every mode of ours."""
    workflow = nodes(table).get("workflow", Node())
    return any("output_dir" in nodes(inner) for inner in workflow.tables)


def stored_inputs(loaded: Loaded, root: Path) -> dict[str, str]:
    """SHA-256 of every input file by its path from `root`; of a folder file by file."""
    found: dict[str, str] = {}
    counted = counted_in(loaded.table, loaded.config)
    for path in loaded.inputs.values():
        name = relative_path(str(path), root)
        found.update(input_digests(path, name, counted.get(str(path), "")))
    return found


def input_places(loaded: Loaded, config: Mapping[str, Any]) -> list[Place]:
    """Where the paths of its inputs stand in a stored configuration."""
    return [place for place, kind, _ in paths_in(loaded.table, config) if kind == "input"]


def config_text(config: Mapping[str, Any]) -> str:
    """`to_toml(config)`; a table that was written before is not written anew."""
    tables = {key: value for key, value in config.items() if isinstance(value, Mapping)}
    own = to_toml({key: value for key, value in config.items() if key not in tables})
    if "\n[" in f"\n{own}":  # arrays of tables at the root mix with its tables
        return to_toml(config)
    texts = [_table_text(key, json.dumps(value)) for key, value in tables.items()]
    return "\n".join(text for text in (own, *texts) if text)


@lru_cache(maxsize=256)
def _table_text(key: str, content: str) -> str:
    """The TOML of one table of the root, from its JSON: for plain values that says it all."""
    return to_toml({key: json.loads(content)})


def plain(value: Any) -> Any:
    """A value of TOML as JSON holds it: dates as text."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def same_configuration(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether two stored configurations are one, whatever they are called."""
    return content_digest(_content(kept)) == content_digest(_content(asked))


def configuration_digest(config: Mapping[str, Any]) -> str:
    """Content digest of a configuration, wherever it ran and whatever it was called."""
    return content_digest(_content(config))


def first_difference(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The first key, in the order of the alphabet, in which they differ."""
    old, new = dict(leaves(_content(kept))), dict(leaves(_content(asked)))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            return f"{key} is {old.get(key)!r} there, {new.get(key)!r} here"
    return "it differs"


def kept_config(root: Path) -> dict[str, Any]:
    """What a run folder says that it ran."""
    return read_toml(root / CONFIG)[0]


def _content(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without where it ran and what it was called."""
    kept = {key: value for key, value in without_circumstance(config).items() if key != "name"}
    kept["workflow"] = {k: v for k, v in kept.get("workflow", {}).items() if k != "name"}
    return kept
