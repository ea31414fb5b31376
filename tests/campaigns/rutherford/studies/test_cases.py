"""A case counts when its files, its configuration and its history belong together.

The run that these tests alter was never integrated: its state does not move, so every row is that
of the initial state.  All that can be told without integrating holds for it; `reintegrated` is what
tells it from a run.
"""

import dataclasses
import json
import math
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from mhx.campaigns.rutherford.studies import cases
from mhx.campaigns.rutherford.studies.cases import (
    POINT_STEPS,
    _drawn,
    _reach,
    read_cases,
    reintegrated,
)
from mhx.campaigns.rutherford.studies.consistency import inconsistencies
from mhx.config import parse, to_toml
from mhx.errors import EvidenceError
from mhx.evidence import manifest, store
from mhx.evidence.schemas import CAMPAIGN_HISTORY, CAMPAIGN_STATE, TESTBED_PLAN
from mhx.reconnection.arrays import read_arrays, write_arrays
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler, assemble
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.state import State
from mhx.reconnection.timestep import fields_of
from mhx.reconnection.trajectory import Belongs, write_history, write_state
from mhx.testbed.child.digests import child_digest
from mhx.testbed.launcher import Options, run_testbed
from mhx.workflow.stored import configuration_digest

from .synthetic import document

SHORT = {"time__t1": 0.8, "time__dt": 0.04, "time__save_every": 5}


def still(seed):
    """Configuration, history and last state of a run that does not move."""
    config = parse(Reconnection, document(initial__seed=seed, **SHORT))
    start = initial_state(config)
    sampler = Sampler(config, start, lambda state: fields_of(state, config.grid))
    rows = []
    for step in range(0, config.steps + 1, config.save_every):
        now = State(step, step * config.dt, start.psi_hat, start.omega_hat)
        rows.append(sampler.row(now))
    return config, assemble(rows), now


def write_case(folder, seed):
    config, history, state = still(seed)
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(to_toml(config.document()))
    write_history(folder / "history.npz", history)
    energy = float(history["total_energy"][0])
    write_state(
        folder / "final_state.npz",
        state,
        grid=config.grid,
        belongs=Belongs(initial_energy=energy),
    )
    seal(folder, config)
    return configuration_digest(config.document())


def seal(folder, config):
    names = ["config.toml", "history.npz", "final_state.npz"]
    manifest.seal(
        folder,
        manifest.Manifest(
            kind="case",
            config=config.document(),
            files=manifest.describe(folder, names),
            figures={},
            provenance={"dependencies": {}},
            claim={"claim_level": "validation"},
        ),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    (root / "base.toml").write_text(to_toml({"workflow": {"mode": "reconnection"}, **document()}))
    entries = []
    for seed in (0, 1):
        digest = write_case(root / "cases" / f"s{seed}", seed)
        entries.append(
            {
                "case_id": f"s{seed}",
                "case_label": f"seed {seed}",
                "config_path": f"_generated_configs/s{seed}.toml",
                "child_digest": digest,
                "enabled": True,
            }
        )
    entries.append({**entries[0], "case_id": "off", "enabled": False})
    store.write_json(
        root / "testbed_plan.json",
        {
            "schema": TESTBED_PLAN,
            "cases": entries,
            "base_config": "base.toml",
            "purpose": "fast_validation: seeds",
        },
    )
    return root


@pytest.fixture
def study(written, tmp_path):
    return shutil.copytree(written, tmp_path / "study")


def resealed(study, seed=0):
    config = parse(Reconnection, document(initial__seed=seed, **SHORT))
    seal(study / "cases" / f"s{seed}", config)


def test_what_belongs_together_counts(study):
    found = read_cases(study)
    assert found.planned == ("s0", "s1") and not found.problems
    assert [run.config.initial.seed for run in found.usable] == [0, 1]
    assert found.base is not None and found.purpose.startswith("fast_validation")
    assert found.runs[0].label == "seed 0" and found.runs[0].run_digest


def test_the_digest_of_a_case_is_that_of_the_testbed():
    """Written twice, since campaigns know no testbed: whoever changes one must change the other."""
    config = parse(Reconnection, document()).document()
    named = {**config, "name": "x", "output_dir": "there"}
    assert configuration_digest(named) == child_digest(named) == child_digest(config)


def test_a_case_that_did_not_run_is_missing(study):
    shutil.rmtree(study / "cases" / "s1")
    found = read_cases(study)
    assert list(found.missing) == ["s1"] and "no finished run" in found.missing["s1"]
    assert found.planned == ("s0", "s1")


@pytest.mark.parametrize("name", ["config.toml", "history.npz", "final_state.npz"])
def test_a_file_that_was_exchanged_does_not_count(study, name):
    """Even for the same file of another good case."""
    shutil.copyfile(study / "cases" / "s1" / name, study / "cases" / "s0" / name)
    told = read_cases(study).problems["s0"]
    assert f"{name} is not the file that manifest.json lists" in told


@pytest.mark.parametrize("name", ["config.toml", "history.npz", "final_state.npz"])
def test_a_file_that_is_gone_does_not_count(study, name):
    (study / "cases" / "s0" / name).unlink()
    assert "s0" in read_cases(study).problems


@pytest.mark.parametrize(
    "content", [b"", b"[mesh", b"\xff\xfe", b"[mesh]\nshape = [8]\n"], ids=repr
)
def test_a_torn_configuration_is_a_missing_case(study, content):
    (study / "cases" / "s0" / "config.toml").write_bytes(content)
    assert "s0" in read_cases(study).missing


@pytest.mark.parametrize("key", ["hashes", "config"])
def test_a_manifest_without_its_tables_is_altered(study, key):
    path = study / "cases" / "s0" / "manifest.json"
    body = json.loads(path.read_text()) | {key: None}
    del body["self_digest"]
    store.write_json(path, manifest._sealed(body))
    assert f"{key} is no table" in read_cases(study).missing["s0"]


def test_a_whole_case_in_the_place_of_another_is_not_what_was_planned(study):
    shutil.rmtree(study / "cases" / "s0")
    shutil.copytree(study / "cases" / "s1", study / "cases" / "s0")
    assert (
        read_cases(study).problems["s0"] == "config.toml is not the configuration that was planned"
    )


def test_a_configuration_that_was_edited_with_its_manifest_is_not_what_was_planned(study):
    run = study / "cases" / "s0"
    config = parse(Reconnection, document(physics__resistivity=0.009, **SHORT))
    (run / "config.toml").write_text(to_toml(config.document()))
    seal(run, config)
    assert "is not the configuration that was planned" in read_cases(study).problems["s0"]


def test_a_plan_that_cannot_be_read_is_no_study(study):
    path = study / "testbed_plan.json"
    plan = json.loads(path.read_text())
    for torn in ({**plan, "cases": [{}]}, {**plan, "cases": None}, {**plan, "schema": "x"}):
        store.write_json(path, torn)
        with pytest.raises(EvidenceError, match=r"testbed_plan\.json"):
            read_cases(study)


def test_a_base_that_cannot_be_read_is_none(study):
    (study / "base.toml").write_text("nothing = 1\n")
    assert read_cases(study).base is None


def scaled(history, name, rows=slice(None), factor=1.01):
    values = history[name].astype(float)
    values[rows] *= factor
    return {**history, name: values}


def shifted(history, name, rows, by):
    values = history[name].copy()
    values[rows] += by
    return {**history, name: values}


FORGED = {
    "first row": (lambda h: scaled(h, "current_density_linf", 0), "row of the initial state"),
    "last row": (lambda h: scaled(h, "current_density_linf", -1), "row of the final state"),
    "flux everywhere": (lambda h: scaled(h, "sheet_flux_0"), "row of the initial state"),
    "flux in the middle": (lambda h: scaled(h, "sheet_flux_0", 2), "contradict themselves"),
    "width in the middle": (lambda h: scaled(h, "island_width_1", 2), "island_width_1"),
    "energy in the middle": (lambda h: scaled(h, "total_energy", 2), "total_energy"),
    "budget in the middle": (lambda h: shifted(h, "injected_energy", 2, 1e-3), "budget_residual"),
    "proxy in the middle": (lambda h: scaled(h, "reconnected_flux", 2), "contradict themselves"),
    "aspect in the middle": (lambda h: scaled(h, "current_sheet_aspect_ratio", 2), "aspect_ratio"),
    "NaN": (lambda h: scaled(h, "total_energy", 2, np.nan), "total_energy"),
    "X points": (lambda h: shifted(h, "x_point_count", 0, 1), "x_point_count"),
    "times": (lambda h: scaled(h, "time"), "the times are not those of dt"),
    "a row less": (lambda h: {k: v[:-1] for k, v in h.items()}, "samples are not those"),
    "a row twice": (
        lambda h: {k: np.insert(v, 2, v[2]) for k, v in h.items()},
        "samples are not those",
    ),
    "rows swapped": (lambda h: {k: v[[0, 2, 1, 3, 4]] for k, v in h.items()}, "samples are not"),
    "a name less": (
        lambda h: {k: v for k, v in h.items() if k != "spectral_tail"},
        "lacks spectral_tail",
    ),
}


@pytest.mark.parametrize(("forge", "told"), FORGED.values(), ids=FORGED)
def test_a_history_that_cannot_be_is_found_whatever_was_hashed_around_it(study, forge, told):
    path = study / "cases" / "s0" / "history.npz"
    history = read_arrays(path, CAMPAIGN_HISTORY)
    write_arrays(path, CAMPAIGN_HISTORY, forge(history))
    resealed(study)
    assert told in read_cases(study).problems["s0"]


WRONG_STATES = {
    "another step": ("step", lambda v, _: v + 1, "of step 21, not 20"),
    "another time": ("time", lambda v, _: v + 0.1, "is of t = 0.9"),
    "a mode that is not kept": (
        "psi_hat",
        lambda v, grid: v + 1e-3 * ~grid.keep,
        "modes that the grid does not keep",
    ),
    "not finite": ("psi_hat", lambda v, _: v * np.nan, "not finite"),
    "another field": ("psi_hat", lambda v, _: v * 1.01, "row of the final state"),
    "another precision": ("dtype", lambda v, _: np.array("float32"), "is of float32"),
}


@pytest.mark.parametrize(("name", "forge", "told"), WRONG_STATES.values(), ids=WRONG_STATES)
def test_a_final_state_that_is_not_the_last_one_is_found(study, name, forge, told):
    path = study / "cases" / "s0" / "final_state.npz"
    arrays = read_arrays(path, CAMPAIGN_STATE)
    grid = parse(Reconnection, document(**SHORT)).grid
    write_arrays(path, CAMPAIGN_STATE, {**arrays, name: np.asarray(forge(arrays[name], grid))})
    resealed(study)
    assert told in read_cases(study).problems["s0"]


def test_a_history_that_is_only_possible_passes_until_it_is_integrated():
    """What a patient forger can make: every row obeys what follows from others."""
    config, history, state = still(0)
    assert list(inconsistencies(config, history, state)) == []


@pytest.mark.slow
def test_a_history_that_was_not_integrated_is_found_by_integrating_it(study):
    run = read_cases(study).runs[0]
    assert not run.problems
    assert reintegrated(run) > 1e-4
    assert reintegrated(run, max_steps=1) > 1e-4


@pytest.mark.slow
def test_cases_of_a_testbed_count_and_are_integrated_again_bit_by_bit(tmp_path):
    base = {"workflow": {"mode": "reconnection"}, **document(**SHORT)}
    (tmp_path / "base.toml").write_text(to_toml(base))
    bed = {
        "workflow": {"mode": "testbed"},
        "testbed": {
            "id": "seeds",
            "subject": "reconnection",
            "purpose": "seeds",
            "base_config": "base.toml",
            "output_root": ".",
            "runner": {"type": "reduced_mhd"},
            "case": [
                {"id": f"Seed {n}", "label": "s", "overlay": {"initial": {"seed": n}}}
                for n in (0, 1)
            ],
        },
    }
    (tmp_path / "testbed.toml").write_text(to_toml(bed))
    run_testbed(tmp_path / "testbed.toml", Options())
    found = read_cases(tmp_path)
    assert len(found.usable) == 2 and not found.problems
    assert reintegrated(found.runs[1]) == 0.0
    assert found.runs[0].environment.keys() == {"code_digest", "device", "jax"}
    middle = scaled(found.runs[1].history, "current_density_linf", 2, 1 + 1e-9)
    assert reintegrated(dataclasses.replace(found.runs[1], history=middle)) > 1e-10
    without = {k: v for k, v in middle.items() if k != "spectral_tail"}
    assert (
        reintegrated(dataclasses.replace(found.runs[1], history={**without, "odd": middle["time"]}))
        == math.inf
    )


@pytest.mark.parametrize(
    ("samples", "reach", "most", "last"),
    [(5, 20, 5, 4), (5, 10, 3, 2), (5, 1, 2, 1), (2, 0, 2, 1), (500, 10**6, 64, 499)],
)
def test_rows_to_compare_are_drawn_up_to_the_last_within_reach(samples, reach, most, last):
    drawn = _drawn(np.arange(samples) * 5, reach)
    assert len(drawn) == most and (drawn[0], drawn[-1]) == (0, last)
    assert drawn == sorted(set(drawn))


def test_another_draw_compares_other_rows():
    assert len({tuple(_drawn(np.arange(500), 500)) for _ in range(5)}) > 1


def test_no_row_of_a_long_case_is_out_of_reach(monkeypatch):
    """Most draws stay with the first samples; one in eight goes further, the last row included."""
    config = SimpleNamespace(grid=SimpleNamespace(shape=(512, 512)), steps=10_000)
    first = POINT_STEPS // 512**2
    lengths = {_reach(config) for _ in range(400)}
    assert min(lengths) == first and len(lengths) > 10
    monkeypatch.setattr(cases.secrets, "randbelow", lambda count: 0 if count == 8 else count - 1)
    assert _reach(config) == 10_000
    assert _reach(SimpleNamespace(grid=config.grid, steps=first)) == first
