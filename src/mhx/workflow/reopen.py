"""A finished run, reopened from Python: `mhx.load(DIR)`.

Every file is hashed before anything is handed out; evidence that was altered is not data.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.config import read_toml
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence.manifest import MANIFEST_NAME, read_manifest, verified
from mhx.evidence.schemas import RUN_ERROR, RUN_SUMMARY
from mhx.evidence.store import read_json
from mhx.workflow.run import CONFIG, ERROR, SUMMARY


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verified run.

    config: as it ran, every default written out; its paths count from `path`.
    metrics: dotted names to numbers, NaN for what was reported and is no number; units as the
    vocabulary of its runner says.  notes: texts.  artifacts: files below `path`.
    digest: identity of the run, equal for equal reruns on any machine.
    """

    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    notes: Mapping[str, str]
    artifacts: tuple[Path, ...]
    digest: str


def load(folder: Path | str) -> Run:
    """Reopen the run in a folder.

    ConfigError: no finished run lies there; EvidenceError: one does, and its files were altered.
    """
    root = Path(folder)
    if not (root / SUMMARY).is_file() or not (root / MANIFEST_NAME).is_file():
        raise ConfigError(f"{root} holds no finished run of mhx{_reason(root)}")
    report = verified(root)
    if report.problems:
        listed = "".join(f"\n  {problem}" for problem in report.problems)
        raise EvidenceError(f"{root} is not as it was recorded:{listed}")
    summary = read_json(root / SUMMARY, RUN_SUMMARY)
    return Run(
        path=root,
        config=read_toml(root / CONFIG)[0],
        metrics={key: math.nan if v is None else v for key, v in summary["metrics"].items()},
        notes=summary["notes"],
        artifacts=tuple(root / name for name in summary["artifacts"]),
        digest=read_manifest(root / MANIFEST_NAME)["digest"],
    )


def _reason(root: Path) -> str:
    if not root.is_dir():
        return ": there is no such folder"
    if (root / ERROR).is_file():
        error = read_json(root / ERROR, RUN_ERROR)
        return f"; its last attempt ended with {error['class']}: {error['message']}"
    return "; `mhx run FILE --output-dir` makes one"
