"""`make demo` as a newcomer meets it: it ends well, shows something, and may be run again."""

import csv
import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.accept


def demo(folder):
    return subprocess.run(
        [ROOT / "tools" / "demo.sh", folder], capture_output=True, text=True, check=False
    )


def test_the_demo_ends_with_a_judged_campaign_and_catchment_and_is_safe_to_repeat(tmp_path):
    run = tmp_path / "demo"
    first = demo(run)
    assert first.returncode == 0, first.stdout + first.stderr
    named = [line.split()[0] for line in first.stdout.splitlines() if line.startswith(f"  {run}")]
    assert len(named) == 9
    assert all(Path(name).stat().st_size > 0 for name in named)
    report = json.loads((run / "promotion" / "promotion_readiness.json").read_text())
    assert report["terminal_step"] == report["target_step"]
    assert not report["promotion_ready"]  # one run alone is no evidence of convergence
    history = (run / "production_history.npz").read_bytes()
    sensitivity = tmp_path / "demo_catchment" / "sensitivity"
    with (sensitivity / "testbed_checks.csv").open(newline="") as stream:
        checks = {row["check_id"]: row["verdict"] for row in csv.DictReader(stream)}
    assert checks == dict.fromkeys(
        ("range_falls_with_k", "water_table_sinks_with_k", "balance_closes"), "pass"
    )
    summaries = sorted(sensitivity.glob("cases/*/run_summary.json"))
    before = [path.stat().st_mtime_ns for path in summaries]
    assert len(before) == 3
    second = demo(run)
    assert second.returncode == 0, second.stdout + second.stderr
    assert (run / "production_history.npz").read_bytes() == history
    assert [path.stat().st_mtime_ns for path in summaries] == before  # nothing ran twice
