"""Compiled programs kept between processes, in a folder of the user.

A call of the executor is often short beside a compilation.  The folder is named after the JAX
version and the processor, since machines may share a home; where it cannot be written nothing is
kept, and nothing else changes.  `JAX_COMPILATION_CACHE_DIR` names another folder.
"""

import hashlib
import os
import platform
from pathlib import Path

import jax

from mhx.errors import EngineMissing


def backend() -> str:
    """What the solver runs on, "cpu" or "gpu"; EngineMissing where JAX finds nothing to run on."""
    try:
        return jax.default_backend()
    except RuntimeError as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        raise EngineMissing(
            f"JAX finds no device (JAX_PLATFORMS={asked!r}): {error}; unset it, or install the "
            "build of jax for that device"
        ) from error


def keep_compilations() -> Path | None:
    """Use the folder from now on and return it; None where there is none that can be written."""
    if given := jax.config.values.get("jax_compilation_cache_dir"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = Path(base, "mhx", "jax", f"{jax.__version__}-{_processor()}")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(place, os.W_OK | os.X_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return place


def _processor() -> str:
    """What compiled code depends on: two machines of one name may differ in their instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    kind = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    told = "\n".join((platform.machine(), *sorted(kind)))
    return hashlib.sha256(told.encode()).hexdigest()[:12]
