"""The FAST run: names, shapes, determinism, gates, refusals."""

import json
import math
import shutil

import numpy as np
import pytest

from mhx.campaigns.rutherford import fast, fast_gates
from mhx.campaigns.rutherford.fast import Options, Tiny, run
from mhx.campaigns.rutherford.parameters import asked
from mhx.errors import ConfigError
from mhx.evidence import verify
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Verdict, judge_all
from mhx.evidence.store import write_json
from mhx.reconnection.arrays import read_arrays, write_arrays

TINY = {"nx": 8, "ny": 8, "t_end": 0.04}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    root = tmp_path_factory.mktemp("fast") / "run"
    answer = run(Options(outdir=root, **TINY, seeds="0,1,2", gif=True))
    return root, answer


@pytest.fixture(scope="module")
def again(three, tmp_path_factory):
    """The same folder made again with one seed, no movie, and the lower label."""
    root = tmp_path_factory.mktemp("again") / "run"
    shutil.copytree(three[0], root)
    run(Options(outdir=root, **TINY, seed=2, smoke=True))
    return root


def arrays(root):
    return read_arrays(root / fast.HISTORIES, "mhx.validation.rutherford_campaign_run.v1")


def test_files_and_names(three):
    root, answer = three
    assert answer.exit_code == 0
    for name in (
        *("diagnostics.json", "validation.json", "campaign_template.json", "manifest.json"),
        *("figures/rutherford_fast_histories.png", "figures/flux_movie.gif"),
    ):
        assert (root / name).is_file()
    found = arrays(root)
    assert found["seed"].tolist() == [0, 1, 2]
    assert found["time"].shape == (5,)
    for name in fast.NAMES:
        assert found[name].shape == (3, 5)
    assert found["final_magnetic_divergence_linf"].shape == (3,)
    assert verify.verify(root).problems == []


@pytest.mark.slow
def test_seeds_differ_and_repeat(three, again):
    found = arrays(three[0])["total_energy"]
    assert len({row.tobytes() for row in found}) == 3
    assert np.array_equal(arrays(again)["total_energy"][0], found[2])


def test_the_energy_of_the_sheet_decays_as_its_resistivity_says(three):
    found = arrays(three[0])
    energy, time = found["total_energy"][0], found["time"]
    # cos(y) holds all but 1e-6 of it: E = E(0) exp(-2 eta t)
    assert energy[-1] / energy[0] == pytest.approx(math.exp(-2e-3 * time[-1]), rel=1e-8)


def test_the_label_is_validation_or_smoke(three, again):
    told = json.loads((three[0] / "diagnostics.json").read_text())
    assert told["claim_level"] == "validation"
    assert told["production_template_final_time"] == pytest.approx(2290.076, abs=1e-3)
    assert told["duration_fraction_of_template"] == pytest.approx(0.04 / 2290.076, rel=1e-6)
    assert json.loads((again / "manifest.json").read_text())["claim_level"] == "smoke"


def test_a_run_made_again_leaves_nothing_of_the_old_one(again):
    assert not (again / fast.MOVIE).exists()
    assert verify.verify(again).problems == []


REFUSED = {
    "grid": ({"nx": 7}, "--nx must be >= 8"),
    "step": ({"nx": 24, "ny": 24, "dt": 0.9}, "--dt must be <="),
    "stride": ({"save_every": 3}, "--save-every must divide the 4 steps"),
    "seeds": ({"seeds": "0,one"}, "--seeds must be whole numbers"),
    "seed twice": ({"seeds": "1,1"}, "--seeds must name each seed once"),
    "seed and seeds": ({"seed": 1, "seeds": "1,2"}, "not both"),
    "eta": ({"eta": -1.0}, "--eta must be >= 0"),
    "nan": ({"nu": math.nan}, "--nu must be finite"),
    "a word": ({"nu": "thick"}, "--nu must be a number >= 0.0"),
    "half a step": ({"save_every": "2.5"}, "--save-every must be a whole number"),
    "too many steps": ({"t_end": 1e9}, "--t-end must be <= 100 .L/v_A., 10000 steps of --dt 0.01"),
    "too small a step": ({"dt": 1e-300}, "--t-end must be <= 1e-296"),
    "a seed of no generator": ({"seeds": f"0,{2**63}"}, "--seeds must be whole numbers >= 0 and <"),
    "an endless seed": ({"seeds": "1" * 5000}, "--seeds must be whole numbers >= 0 and <"),
    "end": ({"t_end": 0.0}, "--t-end must be > 0"),
}


@pytest.mark.parametrize(("flags", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals_write_nothing(flags, told, tmp_path):
    with pytest.raises(ConfigError, match=told):
        run(Options(outdir=tmp_path / "run", **{**TINY, **flags}))
    assert not (tmp_path / "run").exists()


def test_one_seed_may_be_given_as_several():
    assert asked(Tiny, Options(seeds="3"), "rutherford-run-fast").all_seeds == [3]


@pytest.mark.slow
def test_a_run_beyond_the_limit_is_written_and_does_not_pass(tmp_path):
    answer = run(Options(outdir=tmp_path, **{**TINY, "t_end": 2.2}, dt=0.1))
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == ["duration_within_fast_limit"]


def scaled(name, factor, at=-1):
    def change(root):
        found = arrays(root)
        found.pop("schema", None)
        values = found[name].copy()
        values[..., at] *= factor
        write_arrays(root / fast.HISTORIES, fast.schemas.FAST_RUN, {**found, name: values})

    return change


def told(**changes):
    def change(root):
        content = json.loads((root / "diagnostics.json").read_text())
        write_json(root / "diagnostics.json", {**content, **changes})

    return change


FAILING = {
    "a NaN": (scaled("reconnected_flux", math.nan), "finite_histories"),
    "an infinite value": (scaled("kinetic_energy", math.inf), "finite_histories"),
    "end sample missing": (told(steps=99), "saved_initial_and_final_samples"),
    "too long": (scaled("time", 100.0), "duration_within_fast_limit"),
    "as long as a template": (
        told(production_template_final_time=0.04),
        "duration_flagged_below_production_template",
    ),
    "energy grows": (scaled("total_energy", 1.001), "energy_growth_within_tolerance"),
    "div B": (
        scaled("magnetic_divergence_linf", 1e6, at=1),
        "magnetic_divergence_within_tolerance",
    ),
    "a claim": (
        told(claim_level=ClaimLevel.PRODUCTION.value),
        "claim_level_is_not_production",
    ),
}


@pytest.mark.parametrize(("damage", "gate"), FAILING.values(), ids=FAILING)
def test_a_gate_that_must_not_pass(damage, gate, three, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(three[0], root)
    damage(root)
    found = judge_all(fast_gates.GATES, fast_gates.measure(root))
    assert gate in [result.gate.name for result in found if result.verdict is not Verdict.PASS]


def test_every_gate_has_a_failing_case():
    assert {gate for _, gate in FAILING.values()} == {gate.name for gate in fast_gates.GATES}
