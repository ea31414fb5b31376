"""Sections 2.8, 3.4, 3.5 and 4.6: what `mhx benchmark` asks, runs, writes and judges."""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from .lane import arrays, flags, mhx, read

SHEET = {"--width": 0.45, "--eta": 0.008, "--nu": 0.008, "--t-end": 20, "--save-interval": 1}
GRID = {"--nx": 36, "--ny": 36, "--dt": 0.1}
LADDERS = {"--resolutions": "42,48,54", "--reference-resolution": 42, "--reference-dt": 0.1}
KINDS = {
    "long": ("double-harris-long-run", SHEET | GRID | {"--fit-stop": 4}),
    "convergence": ("double-harris-convergence", SHEET | LADDERS),
    "sweep": ("double-harris-parameter-sweep", SHEET | GRID | {"--widths": "0.45,0.5,0.55"}),
    "seeds": ("seed-robust-qi", SHEET | GRID | {"--seeds": "0,1,2"}),
}
FILES = {
    "long": ("periodic_double_harris_seeded_long_run", "periodic_double_harris_seeded_long_run"),
    "convergence": ("periodic_double_harris_convergence", "periodic_double_harris_convergence"),
    "sweep": ("periodic_double_harris_parameter_sweep", "periodic_double_harris_parameter_sweep"),
    "seeds": ("ensemble", "seed_robust_qi"),
}
"""Of each bundle: the stem of its NPZ, and what its schema id holds besides `mhx.validation.`."""

QUALITY = """energy_growth_within_tolerance energy_budget_residual_within_tolerance
    magnetic_divergence_within_tolerance time_step_stable_throughout
    spectral_tail_within_tolerance"""
CASE_GATES = f"""finite_histories full_duration_reached enough_saved_samples early_growth_positive
    nonlinear_difference_reaches_visible_growth reconnected_flux_amplifies island_width_amplifies
    total_energy_is_dissipative short_duration_is_labeled_fast {QUALITY}"""
SPREADS = [
    f"{axis}_{name}_spread_bounded"
    for axis in ("resolution", "timestep")
    for name in ("growth_rate", "max_growth", "flux_amplification", "width_amplification")
]
INTERVALS = [
    "linear_growth_rate",
    "peak_sheet_flux",
    "peak_island_width",
    "final_total_energy",
    "final_magnetic_energy",
]
GATES = {
    "long": CASE_GATES,
    "convergence": f"""finite_case_metrics all_subcases_passed resolution_converged
        resolution_error_decreases spectral_tail_decreases timestep_order {" ".join(SPREADS)}""",
    "sweep": """finite_case_metrics case_count_at_least_three all_subcases_passed
        early_growth_positive_all visible_growth_all reconnected_flux_amplifies_all
        island_width_amplifies_all energy_dissipative_all growth_matches_eigenvalue_all
        base_value_included""",
    "seeds": f"""ensemble_size unique_seeds all_planned_seeds_present initial_states_distinct
        finite_metric_matrix final_kinetic_energy_passed final_magnetic_divergence_linf_passed
        {" ".join(f"{name}_passed" for name in INTERVALS)}""",
}
PER_CASE = """config_digest fitted_early_growth_rate early_growth_factor max_growth_factor
    reconnected_flux_amplification island_width_amplification relative_energy_increase
    max_current_density_linf max_kinetic_energy samples linear_growth_rate"""
ARRAYS = {
    "long": """time perturbation_norm reconnected_flux seed_mode_reconnected_flux
        rutherford_island_width dominant_flux_mode_x dominant_flux_mode_y magnetic_energy
        kinetic_energy total_energy current_density_linf x_point_count o_point_count step
        reconnection_rate_proxy dissipation_budget_residual magnetic_divergence_linf
        current_sheet_thickness current_sheet_length current_sheet_aspect_ratio dissipated_energy
        injected_energy spectral_tail stability_ratio energy_increase_rate sheet_flux_0
        sheet_flux_1 island_width_0 island_width_1 separatrix_width_0 separatrix_width_1
        mean_shear_change_0 mean_shear_change_1 flux_xo_0 flux_xo_1""",
    "convergence": f"case_kind resolution dt final_field_difference {PER_CASE}",
    "sweep": f"""case_label mode_x mode_y width resistivity viscosity t_end save_every passed
        growth_rate_computed {PER_CASE}""",
    "seeds": "seeds config_digest initial_state_digest",
}
SCALARS = """fitted_early_growth_rate early_growth_factor max_growth_factor
    reconnected_flux_amplification island_width_amplification"""
MANIFEST_KEYS = """schema api_version created_utc mhx_version kind claim_level claim_scope config
    outputs hashes digest git code_digest dependencies python platform device dtype command
    family_digest waivers"""
FAMILY_KEYS = """equilibrium width amplitude perturbation_amplitude perturbation_mode_x
    perturbation_mode_y resistivity viscosity hyper_resistivity hold_equilibrium lx ly
    noise_amplitude"""
TESTBED_FILES = """testbed_plan.json testbed_cases.csv testbed_metrics.csv testbed_manifest.json
    testbed_report.md testbed_report.html"""


def benchmark(command: str, folder: Path, table: dict, *words: object):
    return mhx("benchmark", command, "--outdir", folder, *flags(table), *words)


def run(kind: str, folder: Path, *words: object):
    command, table = KINDS[kind]
    return benchmark(command, folder, table, *words)


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The four studies, each run when first asked for: kind -> (folder, what was said)."""
    root = tmp_path_factory.mktemp("studies")
    made = {}

    def study(kind: str):
        if kind not in made:
            said = run(kind, root / kind)
            assert said.code in (0, 1), said.text
            made[kind] = root / kind, said
        return made[kind]

    return study


@pytest.fixture(scope="module", params=KINDS)
def bundle(request, studies):
    """Each kind in turn: (kind, folder, what was said)."""
    return request.param, *studies(request.param)


def verdicts(folder: Path) -> dict[str, dict]:
    return read(folder / "validation.json")["verdicts"]


def cases(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "testbed_cases.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case_id"]: row for row in csv.DictReader(stream)}


def histories(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    return {
        name: arrays(folder / row["run_dir"] / "history.npz") for name, row in cases(folder).items()
    }


def spread(values: np.ndarray) -> float:
    return (values.max() - values.min()) / abs(values.mean())


def made_at(folder: Path) -> dict[str, str]:
    """When each case was computed."""
    return {
        name: read(folder / row["run_dir"] / "manifest.json")["created_utc"]
        for name, row in cases(folder).items()
    }


# What a bundle is made of


def test_a_bundle_is_a_testbed_with_its_evidence(bundle):
    kind, folder, _ = bundle
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    npz, _ = FILES[kind]
    assert names >= set(TESTBED_FILES.split())
    assert names >= {
        "testbed.toml",
        "diagnostics.json",
        "validation.json",
        "manifest.json",
        "artifact_manifest.json",
        "verify.py",
        f"{npz}.npz",
    }
    assert [name for name in names if name.startswith("figures/") and name.endswith(".png")]
    assert {f"_generated_configs/{name}.toml" for name in cases(folder)} <= names
    if kind == "seeds":
        assert "figures/qi_summary.png" in names
    if kind == "long":  # movies unless --no-movies
        assert {
            f"figures/fixed_scale_{name}_movie.{end}"
            for name in ("flux", "current_density")
            for end in ("gif", "json")
        } <= names


def test_schema_ids_and_levels(bundle):
    kind, folder, _ = bundle
    npz, schema = FILES[kind]
    diagnostics = read(folder / "diagnostics.json")
    assert diagnostics["schema"] == f"mhx.validation.{schema}.v1"
    assert diagnostics["equilibrium"] == "periodic_double_harris"
    assert diagnostics["claim_level"] == "validation"
    assert str(arrays(folder / f"{npz}.npz")["schema"]) == f"mhx.validation.{schema}.v1"
    assert read(folder / "validation.json")["schema"] == f"mhx.validation.{schema}.gates.v1"
    assert "fast_validation" in (folder / "diagnostics.json").read_text()  # t_end < 30


def test_the_children_say_reconnection(bundle):
    _, folder, _ = bundle
    testbed = tomllib.loads((folder / "testbed.toml").read_text())["testbed"]
    assert (testbed["subject"], testbed["runner"]["type"]) == ("reconnection", "reduced_mhd")
    for name in cases(folder):
        child = tomllib.loads((folder / "_generated_configs" / f"{name}.toml").read_text())
        assert child["workflow"]["mode"] == "reconnection"
        assert child["physics"]["equilibrium"] == "periodic_double_harris"
        assert child["physics"]["hold_equilibrium"] is True
        assert child["physics"]["equilibrium_parameters"]["perturbation_amplitude"] == 1e-3


def test_bundle_gates(bundle):
    kind, folder, said = bundle
    document = read(folder / "validation.json")
    assert set(GATES[kind].split()) <= document["checks"].keys()
    assert document["passed"] is all(document["checks"].values()) is (said.code == 0)
    assert document["checks"].keys() == document["verdicts"].keys()
    for name, entry in document["verdicts"].items():
        assert entry.keys() >= {"verdict", "metric", "value", "bound", "reason", "remedy"}
        assert entry["verdict"] in ("pass", "fail", "unknown")
        assert document["checks"][name] is (entry["verdict"] == "pass")
        assert entry["reason"]


def test_resolved_studies_pass(bundle):
    kind, _, said = bundle
    assert said.code == 0, f"{kind}: {said.text}"


def test_arrays(bundle):
    kind, folder, _ = bundle
    stored = arrays(folder / f"{FILES[kind][0]}.npz")
    wanted = set(ARRAYS[kind].split())
    assert wanted <= stored.keys()
    assert len({stored[name].shape[0] for name in wanted}) == 1
    assert not [name for name in stored if name.startswith(("base_", "perturbed_"))]
    assert all(value.dtype != object for value in stored.values())


def test_bundle_manifest(bundle):
    kind, folder, _ = bundle
    manifest = read(folder / "manifest.json")
    assert set(MANIFEST_KEYS.split()) <= manifest.keys()
    assert manifest["schema"] == "mhx.manifest.v1"
    assert (manifest["kind"], manifest["claim_level"]) == ("bundle", "validation")
    assert manifest["waivers"] == []
    assert manifest["git"].keys() >= {"commit", "dirty"}
    assert re.fullmatch("[0-9a-f]{64}", manifest["code_digest"])
    assert manifest["dtype"] == "float64"
    assert manifest["device"]
    assert manifest["outputs"]["artifact_manifest"] == "artifact_manifest.json"
    assert "artifact_manifest" not in manifest["hashes"]
    assert manifest["outputs"].keys() == manifest["hashes"].keys() | {"artifact_manifest"}
    for name, digest in manifest["hashes"].items():
        path = manifest["outputs"][name]
        assert not Path(path).is_absolute()
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    stored = arrays(folder / f"{FILES[kind][0]}.npz")
    digests = re.findall("[0-9a-f]{64}", json.dumps(manifest))
    assert set(stored.get("config_digest", np.array([])).tolist()) <= set(digests)
    assert len(read(folder / "manifest.json")["case_digests"]) == len(cases(folder))


def test_case_manifests(bundle):
    _, folder, _ = bundle
    for row in cases(folder).values():
        manifest = read(folder / row["run_dir"] / "manifest.json")
        assert set(MANIFEST_KEYS.split()) - {"waivers"} <= manifest.keys()
        assert (manifest["kind"], manifest["dtype"]) == ("case", "float64")


def test_family_digest_is_that_of_the_family_table(bundle):
    _, folder, _ = bundle
    diagnostics = read(folder / "diagnostics.json")
    assert diagnostics["family"].keys() == set(FAMILY_KEYS.split())
    assert diagnostics["family_digest"] == read(folder / "manifest.json")["family_digest"]


def test_claim_scope_says_what_was_run(bundle):
    """Section 6: equilibrium, a, eta, nu, k_y, box, held or decaying, time range, resolutions."""
    kind, folder, _ = bundle
    scope = read(folder / "manifest.json")["claim_scope"]
    for word in ("periodic_double_harris", "held", "eta = 0.008", "nu = 0.008", "k = 1"):
        assert word in scope, (word, scope)
    for word in ("a = 0.45", "box 6.283 x 6.283", "t = 0 .. 20", "seed", "noise/seed", "time step"):
        assert word in scope, (word, scope)
    assert "42 x 42 .. 54 x 54" in scope if kind == "convergence" else "36 x 36" in scope


def test_the_artifact_manifest_lists_every_file(bundle):
    _, folder, _ = bundle
    document = read(folder / "artifact_manifest.json")
    assert document["schema"] == "mhx.artifacts.v1"
    assert [entry["path"] for entry in document["files"]] == sorted(
        entry["path"] for entry in document["files"]
    )
    for entry in document["files"]:
        data = (folder / entry["path"]).read_bytes()
        assert entry["size_bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
    listed = {entry["path"] for entry in document["files"]}
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock",) and "attempts" not in path.parts
    }
    left_out = {"artifact_manifest.json", "report.html"}
    assert {name for name in there - listed if name.split("/")[-1] not in left_out} <= {
        "testbed_events.jsonl"
    }


def test_a_bundle_verifies_with_and_without_the_package(bundle):
    _, folder, _ = bundle
    assert mhx("verify", folder).code == 0
    call = [sys.executable, "-I", "-S", "verify.py"]
    ended = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_an_altered_bundle_does_not(bundle, tmp_path):
    kind, folder, _ = bundle
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / f"{FILES[kind][0]}.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    said = mhx("verify", copy)
    assert said.code == 4
    assert path.name in said.text


# What the numbers mean


def test_long_run_quantities(studies):
    folder, _ = studies("long")
    stored = arrays(folder / "periodic_double_harris_seeded_long_run.npz")
    for name in SCALARS.split():
        assert stored[name].shape == ()
    t, norm = stored["time"], stored["perturbation_norm"]
    early = (t >= 0) & (t <= 4)
    slope = np.polyfit(t[early], np.log(norm[early]), 1)[0]
    assert float(stored["fitted_early_growth_rate"]) == pytest.approx(slope, rel=1e-6)
    assert float(stored["early_growth_factor"]) == pytest.approx(norm[early][-1] / norm[0])
    assert float(stored["max_growth_factor"]) == pytest.approx(norm.max() / norm[0])
    assert float(stored["reconnected_flux_amplification"]) in [
        pytest.approx(stored[f"sheet_flux_{s}"].max() / stored[f"sheet_flux_{s}"][0])
        for s in (0, 1)
    ]
    assert float(stored["island_width_amplification"]) in [
        pytest.approx(stored[f"island_width_{s}"].max() / stored[f"island_width_{s}"][0])
        for s in (0, 1)
    ]


def test_perturbation_norm_starts_as_the_seed(studies):
    """eps cos(2x) cos(y), omega = 0: the mean square over the grid is eps^2/4."""
    folder, _ = studies("long")
    stored = arrays(folder / "periodic_double_harris_seeded_long_run.npz")
    first = stored["perturbation_norm"][0]
    # noise of 1e-6 beside a seed of 1e-3; a sum over the grid is 36 times the root mean square
    assert first in (pytest.approx(0.5, rel=3e-3), pytest.approx(18.0, rel=3e-3))
    assert (stored["dominant_flux_mode_x"][0], stored["dominant_flux_mode_y"][0]) == (2, 1)
    assert stored["seed_mode_reconnected_flux"][0] == pytest.approx(
        stored["reconnected_flux"][0], rel=1e-9
    )


def test_convergence_shares_the_reference_case(studies):
    folder, _ = studies("convergence")
    stored = arrays(folder / "periodic_double_harris_convergence.npz")
    kinds = stored["case_kind"].tolist()
    assert sorted(kinds) == ["resolution"] * 3 + ["timestep"] * 3
    space = stored["case_kind"] == "resolution"
    assert sorted(stored["resolution"][space].tolist()) == [42, 48, 54]
    assert set(stored["dt"][space].tolist()) == {0.1}
    assert sorted(stored["dt"][~space].tolist()) == [0.025, 0.05, 0.1]
    assert set(stored["resolution"][~space].tolist()) == {42}
    assert len(set(stored["config_digest"].tolist())) == len(cases(folder)) == 5


def test_all_cases_are_sampled_at_the_same_times(bundle):
    _, folder, _ = bundle
    times = [history["time"] for history in histories(folder).values()]
    for other in times:
        np.testing.assert_allclose(other, times[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.diff(times[0]), 1.0, rtol=0, atol=1e-9)
    assert times[0][-1] >= 20 - 0.05


def test_convergence_spreads_are_those_of_the_cases(studies):
    folder, _ = studies("convergence")
    stored, judged = arrays(folder / "periodic_double_harris_convergence.npz"), verdicts(folder)
    columns = {
        "max_growth": "max_growth_factor",
        "flux_amplification": "reconnected_flux_amplification",
        "width_amplification": "island_width_amplification",
    }
    for axis in ("resolution", "timestep"):
        rows = stored["case_kind"] == axis
        for gate, column in columns.items():
            entry = judged[f"{axis}_{gate}_spread_bounded"]
            assert entry["value"] == pytest.approx(spread(stored[column][rows]), rel=1e-6)
            assert entry["bound"]["high"] == 0.02


def test_time_order_is_that_of_the_final_fields(studies):
    folder, _ = studies("convergence")
    fields = {}
    for row in cases(folder).values():
        child = tomllib.loads((folder / row["config_path"]).read_text())
        if child["mesh"]["shape"] == [42, 42]:
            state = arrays(folder / row["run_dir"] / "final_state.npz")
            fields[child["time"]["dt"]] = np.stack([state["psi"], state["omega"]])
    one, two, four = (fields[dt] for dt in (0.1, 0.05, 0.025))
    d1, d2 = (np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in ((one, two), (two, four)))
    assert np.log2(d1 / d2) == pytest.approx(4, rel=0.1)
    entry = verdicts(folder)["timestep_order"]
    assert (entry["verdict"], entry["bound"]["high"]) == ("pass", 0.1)


def test_resolution_difference_is_that_of_the_two_finest_grids(studies):
    folder, _ = studies("convergence")
    by_grid = {}
    for name, history in histories(folder).items():
        child = tomllib.loads((folder / "_generated_configs" / f"{name}.toml").read_text())
        if child["time"]["dt"] == 0.1:
            by_grid[child["mesh"]["shape"][0]] = history
    worst = max(
        np.abs(by_grid[48][name] - by_grid[54][name]).max() / np.abs(by_grid[54][name]).max()
        for name in ("sheet_flux_0", "sheet_flux_1", "island_width_0", "island_width_1")
    )
    entry = verdicts(folder)["resolution_converged"]
    assert entry["value"] == pytest.approx(worst, rel=1e-6)
    assert entry["bound"]["high"] == 0.05  # a bundle judges as a validation


def test_sweep_compares_each_case_with_its_own_eigenvalue(studies):
    folder, _ = studies("sweep")
    stored = arrays(folder / "periodic_double_harris_parameter_sweep.npz")
    assert sorted(stored["width"].tolist()) == [0.45, 0.5, 0.55]
    assert set(np.atleast_1d(stored["sweep_axis"]).tolist()) == {"width"}
    computed = stored["growth_rate_computed"][np.argsort(stored["width"])]
    assert (np.diff(computed) < 0).all()  # a wider sheet tears more slowly
    off = np.abs(stored["linear_growth_rate"] / stored["growth_rate_computed"] - 1)
    entry = verdicts(folder)["growth_matches_eigenvalue_all"]
    assert off.max() <= 0.1
    assert entry["value"] == pytest.approx(off.max(), rel=1e-6)
    assert entry["bound"]["high"] == 0.1
    assert [name for name in stored if "spread" in name]


def test_seed_intervals_are_student_t(studies):
    folder, _ = studies("seeds")
    stored, judged = arrays(folder / "ensemble.npz"), verdicts(folder)
    names = stored["metric_names"].tolist()
    assert set(INTERVALS) | {
        "final_kinetic_energy",
        "final_magnetic_divergence_linf",
        "gamma_fit",
    } <= set(names)
    values = stored["metric_values"]
    assert values.shape == (3, len(names))
    assert stored["seeds"].tolist() == [0, 1, 2]
    assert len(set(stored["initial_state_digest"].tolist())) == 3
    for name in INTERVALS:
        column = values[:, names.index(name)]
        half = stats.t.ppf(0.975, 2) * column.std(ddof=1) / np.sqrt(3)
        assert judged[f"{name}_passed"]["value"] == pytest.approx(
            half / abs(column.mean()), rel=1e-6
        )
        assert judged[f"{name}_passed"]["bound"]["high"] == 0.2
    assert judged["ensemble_size"]["bound"]["low"] == 2


def test_seeds_differ_in_nothing_but_the_seed(studies):
    folder, _ = studies("seeds")
    children = []
    for name in cases(folder):
        child = tomllib.loads((folder / "_generated_configs" / f"{name}.toml").read_text())
        assert child["initial"]["noise_amplitude"] == pytest.approx(0.05 * 1e-3)
        child["initial"].pop("seed")
        child.pop("workflow")
        children.append(child)
    assert all(child == children[0] for child in children)


def test_robustness_is_claimed_for_one_noise(studies):
    """4.6: `noise_to_seed_ratio` is printed with the verdict."""
    folder, said = studies("seeds")
    assert read(folder / "diagnostics.json")["noise_to_seed_ratio"] == pytest.approx(0.05)
    assert re.search(r"noise[_ -]to[_ -]seed[_ -]ratio|noise.*seed.*0\.05", said.text)


# Running again, sharing, relaxing


def test_running_again_computes_nothing_and_says_the_same(studies):
    folder, first = studies("long")
    before, stored = made_at(folder), (folder / "validation.json").read_bytes()
    digest = read(folder / "manifest.json")["digest"]
    said = run("long", folder)
    assert said.code == first.code, said.text
    assert made_at(folder) == before
    assert (folder / "validation.json").read_bytes() == stored
    assert read(folder / "manifest.json")["digest"] == digest
    assert mhx("verify", folder).code == 0


def test_another_study_in_the_folder_is_refused(studies):
    folder, _ = studies("long")
    command, table = KINDS["long"]
    said = benchmark(command, folder, table | {"--eta": 0.009})
    assert said.code == 2
    assert mhx("verify", folder).code == 0


def test_equal_cases_are_shared_and_a_looser_bound_is_a_waiver(studies, tmp_path):
    folder, _ = studies("long")
    said = run("long", tmp_path / "b", "--share", folder, "--min-max-growth-factor", "1.5")
    assert said.code == 0, said.text
    assert made_at(tmp_path / "b") == made_at(folder)
    (waiver,) = read(tmp_path / "b" / "manifest.json")["waivers"]
    assert "growth" in json.dumps(waiver)
    assert {1.5, 2.0} <= {value for value in waiver.values() if isinstance(value, float)}
    assert mhx("verify", tmp_path / "b").code == 0


def test_a_sweep_without_its_base_value_fails(studies, tmp_path):
    folder, _ = studies("sweep")
    command, table = KINDS["sweep"]
    said = benchmark(command, tmp_path / "b", table | {"--width": 0.47}, "--share", folder)
    assert said.code == 1, said.text
    assert made_at(tmp_path / "b") == made_at(folder)
    assert verdicts(tmp_path / "b")["base_value_included"]["verdict"] == "fail"
    assert "base_value_included" in said.text


def test_a_floor_that_is_not_reached_is_named_with_value_and_bound(studies, tmp_path):
    folder, _ = studies("sweep")
    said = run("sweep", tmp_path / "b", "--share", folder, "--min-max-growth-factor", "1e6")
    assert said.code == 1
    entry = verdicts(tmp_path / "b")["visible_growth_all"]
    assert entry["verdict"] == "fail"
    assert "visible_growth_all" in said.text
    assert "1e+06" in said.text or "1000000" in said.text


def test_one_case_on_an_axis_is_unknown(studies, tmp_path):
    folder, _ = studies("convergence")
    command, table = KINDS["convergence"]
    words = {"--resolutions": "42", "--dt-values": "0.1,0.05"}
    said = benchmark(command, tmp_path / "b", table | words, "--share", folder)
    assert said.code == 1, said.text
    judged = verdicts(tmp_path / "b")
    for name in ("growth_rate", "max_growth", "flux_amplification", "width_amplification"):
        assert judged[f"resolution_{name}_spread_bounded"]["verdict"] == "unknown"
    assert judged["timestep_order"]["verdict"] == "pass"  # two steps: d1 <= 1e-6


def test_a_case_that_fails_by_itself_is_named_with_its_gates(tmp_path):
    """Three samples at t = 0, 1, 2 on 16 x 16 points: neither long enough nor resolved."""
    command, table = KINDS["convergence"]
    words = {"--resolutions": "16", "--dt-values": "0.1", "--reference-resolution": 16}
    said = benchmark(command, tmp_path / "b", table | words | {"--t-end": 2})
    assert said.code == 1, said.text
    judged = verdicts(tmp_path / "b")
    assert judged["all_subcases_passed"]["verdict"] == "fail"
    assert judged["timestep_order"]["verdict"] == "unknown"
    assert judged["resolution_converged"]["verdict"] == "unknown"
    diagnostics = (tmp_path / "b" / "diagnostics.json").read_text()
    for gate in ("enough_saved_samples", "spectral_tail_within_tolerance"):
        assert gate in diagnostics
        assert gate in said.text


def test_the_cosine_sheet_has_no_width(tmp_path):
    words = {"--equilibrium": "cosine_tearing", "--sweep-axis": "width"}
    said = benchmark("double-harris-parameter-sweep", tmp_path / "b", words)
    assert said.code == 1, said.text
    judged = verdicts(tmp_path / "b")
    assert {entry["verdict"] for entry in judged.values()} == {"unknown"}
    assert set(GATES["sweep"].split()) <= judged.keys()
    assert read(tmp_path / "b" / "diagnostics.json")["equilibrium"] == "cosine_tearing"
    assert not (tmp_path / "b" / "cases").exists() or not list((tmp_path / "b/cases").iterdir())


def test_json_is_one_object(studies):
    folder, _ = studies("long")
    said = run("long", folder, "--json")
    assert said.json["exit_code"] == said.code == 0
    assert said.json["schema"] == "mhx.validation.periodic_double_harris_seeded_long_run.v1"
    assert said.json["passed"] is True


# Refusals

WRONG = {
    "double-harris-long-run": [
        {"--nx": 4},
        {"--eta": -1},
        {"--eta": "nan"},
        {"--t-end": "inf"},
        {"--width": 0},
        {"--dt": 5},
        {"--fit-start": 9, "--fit-stop": 3},
        {"--min-max-growth-factor": "nan"},
        {"--equilibrium": "harris"},
        {"--jobs": 0},
        {"--mode-x": 0, "--mode-y": 0},
    ],
    "double-harris-convergence": [
        {"--resolutions": "64,many"},
        {"--dt-values": "0.1,-0.05"},
        {"--max-relative-growth-rate-spread": "inf"},
    ],
    "double-harris-parameter-sweep": [
        {"--sweep-axis": "seed"},
        {"--widths": "0.35,zero"},
        {"--modes": "2-1", "--sweep-axis": "mode"},
        {"--etas": "0.004,0.005,0.006", "--viscosities": "0.004", "--sweep-axis": "resistivity"},
    ],
    "seed-robust-qi": [{"--seeds": "0,x"}, {"--seeds": ""}, {"--noise-amplitude": -1e-6}],
}


@pytest.mark.parametrize(
    ("command", "words"), [(command, words) for command, rows in WRONG.items() for words in rows]
)
def test_wrong_values_are_refused_by_flag(tmp_path, command, words):
    said = benchmark(command, tmp_path / "b", words)
    assert said.code == 2, said.text
    assert any(flag in said.err for flag in words), said.err
    assert "Traceback" not in said.text
    assert not (tmp_path / "b" / "testbed.toml").exists()


def test_all_faults_are_told_at_once(tmp_path):
    words = {"--eta": -1, "--width": -2, "--nx": 3, "--t-end": "nan"}
    said = benchmark("double-harris-long-run", tmp_path / "b", words)
    assert said.code == 2
    assert [flag for flag in words if flag not in said.err] == []


# Defaults of 2.8

COMMON = {
    "--width": "0.4",
    "--eta": "0.005",
    "--nu": "0.005",
    "--perturbation-amplitude": "0.001",
    "--equilibrium": "periodic_double_harris",
    "--mode-x": "2; cosine 1",
    "--mode-y": "1",
}
SHAPE = {"--nx": "64", "--ny": "64", "--dt": "auto"}
FLOORS = {
    "--min-reconnected-flux-amplification": "1.05",
    "--min-island-width-amplification": "1.05",
}
DEFAULTS = {
    "double-harris-long-run": COMMON
    | SHAPE
    | FLOORS
    | {
        "--t-end": "100",
        "--save-every": "auto",
        "--fit-start": "0",
        "--fit-stop": "long run: 10",
        "--min-early-growth-rate": "long run: 0.05",
        "--min-max-growth-factor": "long run: 2",
        "--noise-amplitude": "1e-6",
    },
    "double-harris-convergence": COMMON
    | {
        "--resolutions": "64,96,128",
        "--dt-values": "auto, dt, dt/2, dt/4",
        "--reference-resolution": "96",
        "--reference-dt": "auto",
        "--t-end": "80",
        "--save-interval": "1",
        "--fit-start": "0",
        "--fit-stop": "4",
        "--min-early-growth-rate": "0.001",
        "--min-max-growth-factor": "1.05",
        "--max-relative-growth-rate-spread": "0.02",
        "--max-relative-max-growth-spread": "0.02",
        "--max-relative-flux-amplification-spread": "0.02",
        "--max-relative-width-amplification-spread": "0.02",
        "--noise-amplitude": "1e-6",
    },
    "double-harris-parameter-sweep": COMMON
    | SHAPE
    | FLOORS
    | {
        "--modes": "2:1,2:2,4:1",
        "--t-end": "60",
        "--save-interval": "1",
        "--fit-start": "0",
        "--fit-stop": "4",
        "--noise-amplitude": "1e-6",
    },
    "seed-robust-qi": COMMON
    | SHAPE
    | {"--seeds": "0,1,2,3,4,5,6,7", "--t-end": "40", "--noise-amplitude": "0.05"},
    "double-harris-promotion-check": FLOORS
    | {
        "--min-history-samples": "30",
        "--min-convergence-dirs": "1",
        "--min-t-end": "30",
        "--max-relative-energy-increase": "1e-8",
    },
}
FLAGS = {
    "double-harris-long-run": "--movies --ci-fast --from-plan --jobs --outdir --json",
    "double-harris-convergence": "--from-plan --jobs --outdir --json --save-every",
    "double-harris-parameter-sweep": """--sweep-axis --widths --etas --viscosities --from-plan
        --jobs --outdir --json --min-early-growth-rate --min-max-growth-factor""",
    "seed-robust-qi": "--from-plan --jobs --outdir --json --save-every --hold-equilibrium",
    "double-harris-promotion-check": "--outdir --convergence-dir --require-movies --json",
}


def documented(*words: str) -> dict[str, str]:
    """Flag -> its entry of the help, on one line."""
    text = mhx(*words, "--help").out
    entries = re.split(r"\n(?=  (?:-\w, )?--)", text)
    flat = [" ".join(entry.split("\n\n")[0].split()) for entry in entries[1:]]
    return {flag: entry for entry in flat for flag in re.findall("--[a-z-]+", entry.split(" <")[0])}


@pytest.mark.parametrize("command", DEFAULTS)
def test_documented_flags_and_defaults(command):
    shown = documented("benchmark", command)
    assert set(FLAGS[command].split()) <= shown.keys()
    for flag, value in DEFAULTS[command].items():
        assert flag in shown, flag
        (default,) = re.findall(r"\[default: (.*?)\]", shown[flag])
        assert value in default, (flag, default)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Each study as it begins with no flags at all: asked to stop once its plan stands."""
    root = tmp_path_factory.mktemp("begun")
    call = [sys.executable, "-m", "mhx", "benchmark"]
    running = {}
    for kind, (command, _) in KINDS.items():
        words = [*call, command, "--outdir", kind, "--jobs", "1"]
        with (root / f"{kind}.log").open("w") as log:
            running[kind] = subprocess.Popen(words, cwd=root, stdout=log, stderr=log)
    codes = {}
    for kind, process in running.items():
        end = time.monotonic() + 60
        while not (root / kind / "testbed_plan.json").exists() and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
    for kind, process in running.items():
        codes[kind] = process.wait(60)
    return root, codes


def begun_children(begun, kind):
    root, _ = begun
    folder = root / kind
    plan = read(folder / "testbed_plan.json")
    assert plan["schema"] == "mhx.testbed.plan.v1"
    paths = sorted((folder / "_generated_configs").glob("*.toml"))
    return [tomllib.loads(path.read_text()) for path in paths]


def test_a_terminated_study_says_run_it_again(begun):
    root, codes = begun
    said = {kind: (root / f"{kind}.log").read_text() for kind in codes}
    assert set(codes.values()) == {75}, (codes, said)


def test_default_physics_as_written(begun):
    for kind in KINDS:
        for child in begun_children(begun, kind):
            physics, seed = child["physics"], child["physics"]["equilibrium_parameters"]
            assert physics["equilibrium"] == "periodic_double_harris"
            assert physics["hold_equilibrium"] is True
            assert seed["perturbation_amplitude"] == 1e-3
            if kind != "sweep":
                assert seed["width"] == 0.4
                assert physics["resistivity"] == physics["viscosity"] == 5e-3
            assert (seed["perturbation_mode_x"], seed["perturbation_mode_y"]) == (2, 1)
            noise = 5e-5 if kind == "seeds" else 1e-6
            assert child["initial"]["noise_amplitude"] == pytest.approx(noise)


@pytest.mark.parametrize(
    ("kind", "t_end", "grids"),
    [
        ("long", 100, {64}),
        ("convergence", 80, {64, 96, 128}),
        ("sweep", 60, {64}),
        ("seeds", 40, {64}),
    ],
)
def test_default_grids_and_times_as_written(begun, kind, t_end, grids):
    children = begun_children(begun, kind)
    assert {child["mesh"]["shape"][0] for child in children} == grids
    # Equal cases share their end, and all of a ladder their sample times: whole coarsest steps.
    coarsest = max(child["time"]["dt"] for child in children)
    for child in children:
        step = child["time"]["dt"]
        assert t_end <= child["time"]["t1"] + 1e-9 < t_end + coarsest
        if kind in ("convergence", "sweep"):
            assert child["time"]["save_every"] * step == pytest.approx(1, abs=coarsest / 2)


def test_default_ladders_as_written(begun):
    children = begun_children(begun, "convergence")
    steps = sorted({child["time"]["dt"] for child in children}, reverse=True)
    np.testing.assert_allclose(steps, [steps[0], steps[0] / 2, steps[0] / 4])
    assert {c["mesh"]["shape"][0] for c in children if c["time"]["dt"] < steps[0]} == {96}
    assert {c["mesh"]["shape"][0] for c in children if c["time"]["dt"] == steps[0]} == {64, 96, 128}


def test_default_sweep_and_seeds_as_written(begun):
    widths = [
        child["physics"]["equilibrium_parameters"]["width"]
        for child in begun_children(begun, "sweep")
    ]
    assert sorted(widths) == [0.35, 0.4, 0.45]
    seeds = [child["initial"]["seed"] for child in begun_children(begun, "seeds")]
    assert sorted(seeds) == list(range(8))


def test_no_worker_outlives_its_study(begun):
    root, _ = begun
    left = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            where = os.readlink(path / "cwd")
        except OSError:
            continue
        if where.startswith(str(root)):
            left.append((path / "cmdline").read_text().replace("\0", " "))
    assert left == []
