"""Which programs the methods of a comparison use: what enters the digest of a case."""

from collections.abc import Mapping
from typing import Any

from mhx.config import parse
from mhx.groundwater.comparison.children import resolve
from mhx.groundwater.comparison.config import Comparison
from mhx.groundwater.engines import identity as identity_of_simulation


def identity(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Name -> version and SHA-256 of every program that some method runs.

    config: of mode `comparison`, paths absolute.  EngineMissing where one cannot be found.  A
    finished run (`run_dir`) is an input, not something that is run.
    """
    found: dict[str, str] = {}
    table = parse(Comparison, _plain(config)).comparison
    for child in resolve(table).children:
        if child.run_dir is None:
            found |= identity_of_simulation(child.config.document())
    return found


def _plain(value: Any) -> Any:
    """Tables as plain dictionaries: a planner may hand over ones that note what is read."""
    return {key: _plain(value[key]) for key in value} if isinstance(value, Mapping) else value
