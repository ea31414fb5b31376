"""Numbers of bundles, computed again by `verify` without numpy: held against those who judged.

The cases follow laws in closed form; their bundles are written as a study writes them.  Whoever
alters a number has every digest around it made to fit here, so that only the number itself tells.
"""

import json
import math
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.campaigns.rutherford.studies import ladders
from mhx.campaigns.rutherford.studies.bundle import ARRAYS
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, LONG_RUN, SCHEMAS, SEEDS, SWEEP
from mhx.campaigns.thresholds import at_validation
from mhx.evidence import schemas, statistics, verify
from mhx.evidence.gates import validation_document
from mhx.evidence.manifest import Manifest, describe, evidence_files, seal
from mhx.evidence.store import write_bytes, write_json
from mhx.evidence.syncing import unsynced
from mhx.reconnection.arrays import write_arrays

from .synthetic import Law, case, cases

STUDIES = {
    CONVERGENCE: lambda: [
        case("c16", Law(grid_error=3e-3, tail=1e-5), time__dt=0.04),
        case("c24", Law(grid_error=1e-5, tail=1e-7), time__dt=0.04, mesh__shape=[24, 24]),
        case("c32", Law(tail=1e-9), time__dt=0.04, mesh__shape=[32, 32]),
        case("d8", Law(tail=1e-9), time__dt=0.08, mesh__shape=[32, 32]),
        case("d2", Law(tail=1e-9), time__dt=0.02, mesh__shape=[32, 32]),
    ],
    SEEDS: lambda: [case(f"s{n}", Law(top=0.2 + n / 1000), initial__seed=n) for n in range(4)],
    SWEEP: lambda: [
        case(f"w{n}", physics__equilibrium_parameters__width=0.4 + n / 20) for n in range(3)
    ],
    LONG_RUN: lambda: [case("long")],
}


@pytest.fixture(autouse=True, scope="module")
def _unsynced():
    """Nobody pulls the plug here."""
    with unsynced():
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A copy of the bundle of a kind, each made once."""
    made = {}

    def copied(kind):
        if kind not in made:
            made[kind] = concluded(tmp_path_factory.mktemp(kind), kind, STUDIES[kind]())
        return Path(shutil.copytree(made[kind], tmp_path_factory.mktemp("copy") / kind))

    return copied


def concluded(root, kind, runs):
    """The bundle of a study: its arrays, its verdicts, the histories of its cases."""
    found, schema = judge(kind, cases(*runs), at_validation()), SCHEMAS[kind]
    for run in runs:
        (root / "cases" / run.id).mkdir(parents=True)
        np.savez(root / "cases" / run.id / "history.npz", **run.history)
    plan = [{"config_path": f"children/{run.id}.toml", "child_digest": run.digest} for run in runs]
    write_json(root / "testbed_plan.json", {"cases": plan})
    write_arrays(root / ARRAYS[schema], schema, found.arrays)
    verdicts = validation_document(schemas.gates_of(schema), found.results, dict(found.metrics))
    write_json(root / "validation.json", verdicts)
    return sealed(root)


def sealed(root):
    """Every digest made to fit what lies there now."""
    names = [name for name in evidence_files(root) if name != "manifest.json"]
    seal(root, Manifest(kind="bundle", config={}, files=describe(root, names)))
    return root


@pytest.mark.parametrize("kind", STUDIES)
def test_numbers_that_follow_from_their_cases_are_found_to(kind, bundle):
    report = verify.verify(bundle(kind))
    assert report.problems == []


@pytest.mark.parametrize("kind", STUDIES)
def test_a_study_without_cases_has_no_numbers_to_contradict(kind, tmp_path):
    assert verify.verify(concluded(tmp_path, kind, [])).problems == []


@pytest.mark.parametrize("kind", [CONVERGENCE, SEEDS, SWEEP])
def test_a_study_of_one_case_says_nothing_and_is_found_to(kind, tmp_path):
    assert verify.verify(concluded(tmp_path, kind, STUDIES[kind]()[:1])).problems == []


def with_verdict(root, metric, value):
    """A value typed into verdict and diagnostics alike."""
    document = json.loads((root / "validation.json").read_text())
    document["diagnostics"][metric] = value
    for name, verdict in document["verdicts"].items():
        if verdict["metric"] == metric:
            verdict["value"] = value
            low, high = verdict["bound"]["low"], verdict["bound"]["high"]
            verdict["verdict"] = verify._verdict(value, low, high)
            document["checks"][name] = verdict["verdict"] == "pass"
    document["passed"] = all(document["checks"].values())
    write_json(root / "validation.json", document)


def with_array(root, kind, name, change):
    path = root / ARRAYS[SCHEMAS[kind]]
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored}
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)


def scaled(values):
    return values * 1.001


TYPED = {
    CONVERGENCE: (
        "resolution_growth_rate_spread",
        "timestep_width_amplification_spread",
        "resolution_difference",
        "timestep_order_error",
    ),
    SEEDS: ("peak_sheet_flux_half_width", "ensemble_size", "equal_initial_states"),
    SWEEP: ("worst_growth_mismatch",),
}


@pytest.mark.parametrize(("kind", "metric"), [(k, m) for k, names in TYPED.items() for m in names])
def test_a_number_that_was_typed_in_is_contradicted_by_the_arrays(kind, metric, bundle):
    root = bundle(kind)
    with_verdict(root, metric, 0.00123)
    (fault,) = verify.verify(sealed(root)).problems
    assert (fault.kind, fault.path) == ("contradicted", "validation.json")
    assert f"{metric} is 0.00123, {ARRAYS[SCHEMAS[kind]]} says " in fault.detail


def test_a_verdict_about_another_number_than_the_one_stated_is_found(bundle):
    root = bundle(SEEDS)
    document = json.loads((root / "validation.json").read_text())
    document["diagnostics"]["largest_final_divergence"] = 1e-3
    write_json(root / "validation.json", document)
    told = [fault.detail for fault in verify.verify(sealed(root)).problems]
    assert any(words.endswith("_passed judges another number than stated") for words in told)


IN_ARRAYS = {
    "max_kinetic_energy": (CONVERGENCE, "max_kinetic_energy"),
    "max_growth_factor": (SWEEP, "max_growth_factor"),
    "reconnected_flux_amplification": (SWEEP, "reconnected_flux_amplification"),
    "peak_sheet_flux": (SEEDS, "metric_values"),
}


@pytest.mark.parametrize(("name", "place"), IN_ARRAYS.items(), ids=IN_ARRAYS)
def test_an_array_that_was_altered_is_contradicted_by_the_histories(name, place, bundle):
    kind, array = place
    root = bundle(kind)
    with_array(root, kind, array, scaled)
    told = [f.detail for f in verify.verify(sealed(root)).problems if f.path.endswith(".npz")]
    assert any(words.startswith(f"{name} of ") and "its history says" in words for words in told)


@pytest.mark.parametrize("kind", STUDIES)
def test_a_history_that_was_altered_is_not_that_of_the_bundle(kind, bundle):
    root = bundle(kind)
    path = sorted(root.glob("cases/*/history.npz"))[0]
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored}
    arrays["kinetic_energy"] = scaled(arrays["kinetic_energy"])
    np.savez(path, **arrays)
    (fault,) = verify.verify(sealed(root)).problems
    assert fault.path == ARRAYS[SCHEMAS[kind]]
    assert "kinetic_energy" in fault.detail


def test_a_row_of_a_case_that_nobody_planned_is_found(bundle):
    root = bundle(SEEDS)
    with_array(root, SEEDS, "config_digest", lambda values: np.roll(values, 1))
    assert verify.verify(sealed(root)).exit_code == 4
    with_array(root, SEEDS, "config_digest", lambda values: np.array(["0" * 64] * len(values)))
    details = [fault.detail for fault in verify.verify(sealed(root)).problems]
    assert "row 1 is of no case that is planned and there" in details


BROKEN = {
    "gone": (lambda path: path.unlink(), "missing"),
    "torn": (lambda path: write_bytes(path, path.read_bytes()[:-30]), "altered"),
    "no archive": (lambda path: write_bytes(path, b"numbers"), "altered"),
    "another archive": (lambda path: np.savez(path, seeds=np.arange(3j)), "contradicted"),
}


@pytest.mark.parametrize(("bend", "kind"), BROKEN.values(), ids=BROKEN)
def test_arrays_that_cannot_be_read_are_a_fault(bend, kind, bundle):
    root = bundle(SEEDS)
    bend(root / "ensemble.npz")
    faults = verify.verify(sealed(root)).problems
    assert faults
    assert {fault.kind for fault in faults} == {kind}


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12))
def test_its_intervals_and_spreads_are_those_of_the_judges(values):
    half_width = statistics.spread(values).half_width
    assert verify._alike(half_width, verify._half_width(values), verify.ROUND)
    assert verify._alike(ladders.spread(values), verify._range_over_mean(values), verify.ROUND)


KINDS = {
    "numbers": np.array([1.5, math.nan, -math.inf]),
    "whole numbers": np.array([[1, 2], [3, 4]]),
    "truths": np.array([True, False]),
    "texts": np.array(["a", "", "Grüße"]),
    "one number": np.array(2.5),
    "none": np.empty((0, 2)),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_it_reads_what_numpy_writes(save, tmp_path):
    save(tmp_path / "a.npz", **KINDS)
    with verify.Arrays(tmp_path / "a.npz") as arrays:
        assert arrays.names() == set(KINDS)
        assert arrays.column("numbers") == [1.5, None, None]
        assert arrays.rows("whole numbers") == [[1, 2], [3, 4]]
        assert arrays.column("truths") == [True, False]
        assert arrays.column("texts") == ["a", "", "Grüße"]
        assert arrays.column("one number") == [2.5]
        assert arrays.column("none") == []
        assert arrays.column("absent") is None


def test_an_archive_with_any_altered_byte_is_read_or_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(6.0), b=np.array(["x", "y"]))
    content = path.read_bytes()
    refused = 0
    for place in range(len(content)):
        for mask in (1, 0x80):
            path.write_bytes(
                content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]
            )
            try:
                with verify.Arrays(path) as arrays:
                    assert arrays.column("a") in (None, list(range(6)))
            except (*verify.UNREADABLE, struct.error):
                refused += 1
    assert refused > len(content) / 2
