"""The launcher over a fake runner: evidence, reuse, failures, signals, kills."""

import csv
import json

import pytest

from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.records import CASES, CHECKS, MANIFEST, METRICS

INLINE = Options(backend="inline")


def rows_of(root, name=CASES):
    with (root / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def manifest_of(root):
    return json.loads((root / MANIFEST).read_text())


def test_a_matrix_is_carried_out_and_everything_is_on_record(file, tmp_path):
    answer = run_testbed(file(), INLINE)
    assert answer.exit_code == 0
    root = tmp_path / "testbed" / "k"
    assert [row["status"] for row in rows_of(root)] == ["ok"] * 3
    assert [row["head"] for row in rows_of(root, METRICS)] == ["1.0", "0.5", "0.25"]
    assert [row["verdict"] for row in rows_of(root, CHECKS)] == ["pass"]
    found = manifest_of(root)
    assert found["successful_count"] == found["executed_count"] == found["case_count"] == 3
    assert found["exit_code"] == 0
