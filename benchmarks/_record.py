"""How a benchmark keeps its figures: one line of JSON with commit, machine and versions."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from mhx.evidence.provenance import dependencies, git, now

RESULTS = Path(__file__).parent / "results"


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median and extremes of repeated timings [s]."""
    return {"median_s": median(seconds), "min_s": min(seconds), "max_s": max(seconds)}


def record(name: str, figures: Mapping[str, Any], **settings: Any) -> None:
    """Print the figures and append them to `results/<name>.jsonl`."""
    line = {
        "time": now(),
        **git(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "dependencies": dependencies(),
        "settings": settings,
        "figures": dict(figures),
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, sort_keys=True) + "\n")
    for key, value in figures.items():
        print(f"{key}: {value}")


def _processor() -> str:
    """The model of the processor, as the kernel names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
