"""`results/` of a flow run: its files, their columns, and metrics without the solver."""

import csv
import json
import re

import numpy as np
import pytest

from mhx.errors import EvidenceError, RunError
from mhx.groundwater.catalog import reopen, write_results
from mhx.groundwater.flow_metrics import flow_metrics

IDENTITY = {
    "sim_id": "0123456789abcdef",
    "name": "strip",
    "solver": "mf6",
    "solver_version": "6.4.1",
    "solver_sha256": "5bf5",
}
FIELDS = ("head", "watertable_depth", "recharge_flux")


@pytest.fixture
def stored(strip, solved, tmp_path):
    """A transient run of two periods, written."""
    model = strip(
        [
            (("west", "chd", [0]), {"head": 9.0}),
            (("east", "chd", [2]), {"head": 7.0}),
            (("rain", "rcha", [0, 1, 2]), {"recharge": 0.001}),
        ],
        periods=((1.0, 1, 1.0), (6.0, 3, 2.0)),
        transient=True,
        convertible=1,
        nominal=0.03,
    )
    result, _ = solved(model, FIELDS)
    names = write_results(tmp_path, result, IDENTITY)
    return result, names, tmp_path


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_metrics_of_the_files_are_those_of_the_solver(stored):
    result, _, folder = stored
    assert flow_metrics(reopen(folder)) == flow_metrics(result)


def test_the_catalog_says_what_there_is(stored):
    result, names, folder = stored
    assert names == [
        "results/catalog.json",
        "results/heads.npz",
        "results/budget.csv",
        "results/steps.csv",
    ]
    catalog = json.loads((folder / "results" / "catalog.json").read_text())
    assert {key: catalog[key] for key in IDENTITY} == IDENTITY
    assert (catalog["schema"], catalog["status"]) == ("mhx.result_catalog.v1", "converged")
    assert (catalog["n_cells"], catalog["n_layers"], catalog["n_timesteps"]) == (3, 1, 4)
    assert catalog["regime"] == "transient"
    assert catalog["boundaries"]["east"] == {"package": "chd", "cells": [2], "layers": [0]}
    assert catalog["parameters"] == {"param_K": 1 / 86400}
    fields = {field["name"]: field for field in catalog["fields"]}
    assert fields["head"]["unit"] == "m" and fields["head"]["shape"] == [4, 1, 3]
    assert fields["recharge_flux"]["unit"] == "m/s"
    with np.load(folder / "results" / "heads.npz") as arrays:
        assert (arrays["head"] == result.heads).all()
        assert arrays["time_d"].tolist() == pytest.approx([1.0, 13 / 7, 25 / 7, 7.0])


def test_tables_have_their_columns_and_every_step(stored):
    folder = stored[2]
    steps = rows(folder / "results" / "steps.csv")
    assert list(steps[0]) == [
        "period",
        "step",
        "time_d",
        "outer_iterations",
        "inner_iterations",
        "converged",
        "percent_step",
        "percent_cumulative",
    ]
    assert [(row["period"], row["step"]) for row in steps] == [
        ("1", "1"),
        ("2", "1"),
        ("2", "2"),
        ("2", "3"),
    ]
    budget = rows(folder / "results" / "budget.csv")
    assert list(budget[0])[:4] == ["step", "component", "in_m3_s", "out_m3_s"]
    totals = [row for row in budget if not row["boundary"]]
    assert {row["component"] for row in totals} == {"chd", "rcha", "sto-ss", "sto-sy"}
    assert {row["boundary"] for row in budget} == {"", "west", "east", "rain"}
    for number in "1234":
        of_step = [row for row in totals if row["step"] == number]
        balance = sum(float(row["in_m3_s"]) - float(row["out_m3_s"]) for row in of_step)
        assert abs(balance) < 1e-6 * sum(float(row["in_m3_s"]) for row in of_step)


def test_equal_results_are_written_byte_for_byte_alike(stored, tmp_path):
    result, names, folder = stored
    write_results(tmp_path / "again", result, IDENTITY)
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def remove(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, remove, empty])
@pytest.mark.parametrize("name", ["catalog.json", "heads.npz", "budget.csv", "steps.csv"])
def test_a_file_that_is_not_whole_is_refused_by_name(name, damage, stored):
    folder = stored[2]
    damage(folder / "results" / name)
    with pytest.raises(EvidenceError, match=re.escape(name)):
        reopen(folder)


def test_a_link_to_the_results_of_another_run_is_replaced_not_written_through(stored, tmp_path):
    result, names, folder = stored
    other = tmp_path / "other"
    (other / "results").mkdir(parents=True)
    for name in names:
        (other / name).hardlink_to(folder / name)
    before = {name: (folder / name).read_bytes() for name in names}
    write_results(other, result, {**IDENTITY, "name": "another"})
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert b"another" in (other / "results" / "catalog.json").read_bytes()


def test_a_folder_that_cannot_be_written_is_named(stored, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write .*file/results"):
        write_results(tmp_path / "file", stored[0], IDENTITY)
