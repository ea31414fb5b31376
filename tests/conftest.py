"""Settings of every test: float64, one thread, no window, kernels compiled once per session.

They are environment variables, set before JAX is imported: the workers of pytest-xdist and the
commands that tests start inherit them.
"""

import os
import shutil
import tempfile

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
