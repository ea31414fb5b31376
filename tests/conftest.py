"""Settings of every test: float64, one thread, no window, kernels compiled once per session.

They are environment variables, set before JAX is imported: the workers of pytest-xdist and the
commands that tests start inherit them.
"""

import importlib
import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

# Time is no property of a test: a loaded machine must not fail one.
settings.register_profile("mhx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mhx")

_CACHE = "JAX_COMPILATION_CACHE_DIR"
_OWN_CACHE = _CACHE not in os.environ  # a worker finds the folder of its controller

if _OWN_CACHE:
    os.environ[_CACHE] = tempfile.mkdtemp(prefix="mhx-kernels-")

os.environ |= {
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "NO_COLOR": "1",
}


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OWN_CACHE:
        shutil.rmtree(os.environ[_CACHE], ignore_errors=True)


@pytest.fixture(scope="session")
def mf6() -> Path:
    """The MODFLOW 6 executable; without one the test skips, loudly, and fails in CI."""
    return _program("mf6")


@pytest.fixture(scope="session")
def mfnwt() -> Path:
    """The MODFLOW-NWT executable, as `mf6`."""
    return _program("mfnwt")


@pytest.fixture(scope="session")
def mt3dusgs(mfnwt: Path) -> Path:
    """The MT3D-USGS executable, which needs that of MODFLOW-NWT; as `mf6`."""
    return _program("mt3dusgs")


def _program(name: str) -> Path:
    from mhx.errors import EngineMissing
    from mhx.groundwater.engines import find

    try:
        return find(name).path
    except EngineMissing as error:
        _not_here(str(error))


@pytest.fixture(scope="session")
def gmsh() -> ModuleType:
    """The mesh generator; without it or its system libraries as with `mf6`."""
    try:
        return importlib.import_module("gmsh")
    except (ImportError, OSError) as error:
        _not_here(f"gmsh cannot be imported ({error}); see: mhx engines doctor")


def _not_here(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"in CI nothing may be missing: {reason}")
    pytest.skip(f"NOT TESTED HERE: {reason}")
