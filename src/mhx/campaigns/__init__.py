"""Long runs: planned, executed in chunks that survive anything, judged, promoted.

plan, thresholds, duration    what will run, how long, against which bounds
execute, keeping, attempts    one chunk: the loop, its checkpoints, the record of each call
resume                        where a run goes on; checkpoints registered by hand
criteria, promotion           what a finished run must show
rutherford                    the reconnection campaign, the only part that knows physics

The names below are the Python side of the commands; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mhx.evidence import schemas

if TYPE_CHECKING:
    from mhx.campaigns.plan import WalltimePolicy
    from mhx.campaigns.resume import (
        load_checkpoint_index,
        select_resume_checkpoint,
        write_checkpoint_metadata,
    )
    from mhx.campaigns.rutherford.python import (
        write_rutherford_production_execution,
        write_rutherford_production_plan,
        write_rutherford_production_promotion_report,
        write_rutherford_resume_plan,
    )

CHECKPOINT_INDEX_SCHEMA = schemas.CAMPAIGN_CHECKPOINT_INDEX
CHECKPOINT_SCHEMA = schemas.CAMPAIGN_CHECKPOINT
EXECUTION_SCHEMA = schemas.CAMPAIGN_EXECUTION
HISTORY_SCHEMA = schemas.CAMPAIGN_HISTORY
JOB_ARRAY_SCHEMA = schemas.CAMPAIGN_JOB_ARRAY
PLAN_SCHEMA = schemas.CAMPAIGN_PLAN
PROMOTION_SCHEMA = schemas.CAMPAIGN_PROMOTION
RESUME_PLAN_SCHEMA = schemas.CAMPAIGN_RESUME_PLAN
STATE_SCHEMA = schemas.CAMPAIGN_STATE

_HOMES = {
    "mhx.campaigns.plan": ("WalltimePolicy",),
    "mhx.campaigns.resume": (
        "load_checkpoint_index",
        "select_resume_checkpoint",
        "write_checkpoint_metadata",
    ),
    "mhx.campaigns.rutherford.python": (
        "write_rutherford_production_execution",
        "write_rutherford_production_plan",
        "write_rutherford_production_promotion_report",
        "write_rutherford_resume_plan",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CHECKPOINT_INDEX_SCHEMA",
    "CHECKPOINT_SCHEMA",
    "EXECUTION_SCHEMA",
    "HISTORY_SCHEMA",
    "JOB_ARRAY_SCHEMA",
    "PLAN_SCHEMA",
    "PROMOTION_SCHEMA",
    "RESUME_PLAN_SCHEMA",
    "STATE_SCHEMA",
    "WalltimePolicy",
    "load_checkpoint_index",
    "select_resume_checkpoint",
    "write_checkpoint_metadata",
    "write_rutherford_production_execution",
    "write_rutherford_production_plan",
    "write_rutherford_production_promotion_report",
    "write_rutherford_resume_plan",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
