"""The campaign commands as Python functions; keyword arguments are the flags, with underscores.

What is left out has the default of the command line.  Each returns the answer that the command
prints; files and levels are the same.
"""

from pathlib import Path
from typing import Any

from mhx.campaigns.rutherford import execute, plan, promotion, resume
from mhx.report.answer import Answer


def write_rutherford_production_plan(outdir: Path | str, **flags: Any) -> Answer:
    """`mhx campaign rutherford-plan-production --outdir OUTDIR ...`"""
    return plan.plan_production(plan.Options(outdir=Path(outdir), **flags))


def write_rutherford_resume_plan(run_dir: Path | str, target_step: int | None = None) -> Answer:
    """`mhx campaign rutherford-resume-plan RUN_DIR ...`"""
    return resume.resume_plan(Path(run_dir), target_step)


def write_rutherford_production_execution(run_dir: Path | str, **flags: Any) -> Answer:
    """`mhx campaign rutherford-execute RUN_DIR ...`"""
    return execute.execute(Path(run_dir), execute.Options(**flags))


def write_rutherford_production_promotion_report(run_dir: Path | str, **flags: Any) -> Answer:
    """`mhx campaign rutherford-promotion-check RUN_DIR ...`"""
    return promotion.check(Path(run_dir), promotion.Options(**flags))
