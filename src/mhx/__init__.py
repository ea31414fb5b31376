"""mhx: simulation campaigns that must be believed.

    mhx.Simulation      a reconnection run from Python: run, plot, save, differentiate
    mhx.load            a finished run of any mode, verified: its configuration, metrics, notes
    mhx.campaigns       plans, checkpoints and execution of long runs
    mhx.cli             the command line

Names are imported when they are asked for, so that `import mhx` loads no solver.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["Simulation", "__version__", "load"]

_PLACES = {"Simulation": "mhx.reconnection.simulation", "load": "mhx.workflow.reopen"}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
