"""What a testbed of simulations asks before its first case; numpy is loaded for own models only."""

from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any


def before(config: Mapping[str, Any], folder: Path, done: Collection[str]) -> str:
    """As `preflight.before`; "" at once for a model that is built here."""
    if config.get("model") is None:
        return ""
    preflight = import_module("mhx.groundwater.existing.preflight")
    digest: str = preflight.before(config, folder, done)
    return digest
