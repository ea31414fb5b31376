"""A whole lane of real commands on grids far too coarse: it ends as a validation, all named."""

import json

import pytest

from mhx.cli import main
from mhx.evidence import verify

pytestmark = pytest.mark.slow

WORDS = [
    *("campaign", "production-lane", "--json", "--width", "0.45", "--eta", "0.02"),
    *("--nx", "32", "--ny", "32", "--convergence-resolutions", "16,24,32"),
    *("--crosscheck-resolutions", "20,28,32", "--widths", "0.42,0.45,0.48"),
    *("--etas", "0.022,0.02,0.018", "--seeds", "0,1", "--production-efolds", "1"),
    *("--safety-factor", "1", "--target-saved-frames", "20", "--dt-values", "0.05,0.025"),
    *("--crosscheck-dt-values", "0.05,0.025", "--dt", "0.05"),
    *("--seconds-per-step-estimate", "1e-4", "--outdir"),
]


def test_a_coarse_lane_goes_to_its_end_and_says_why_it_is_no_more(tmp_path, capsys):
    root = tmp_path / "lane"
    assert main([*WORDS, str(root), "--execute"]) == 1
    told = json.loads(capsys.readouterr().out)
    rows = {row["id"]: row for row in told["execution"]["results"]}
    assert len(rows) == 11
    assert {row["status"] for row in rows.values()} <= {"passed", "gates_failed", "skipped"}
    assert "production_resolution_floor" in rows["rutherford_plan"]["gates_failed"]
    assert "minimum_history_samples" in rows["rutherford_promotion_check"]["gates_failed"]
    assert rows["rutherford_finalize_production_claim"]["status"] == "skipped"
    assert told["claim_level_of_the_run"] == "validation"
    assert told["execution"]["core_hours"]["total"] > 0
    assert verify.verify(root).problems == []

    assert main([*WORDS, str(root), "--eta", "0.021", "--execute"]) == 2
    assert "holds the results of another lane" in capsys.readouterr().out
