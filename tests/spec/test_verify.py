"""Sections 3.3, 3.5 and 6: files of a run, what `mhx verify` sees, what a level is."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .lane import arrays, execute, mhx, plan, read, tree

MANIFEST_KEYS = """schema api_version created_utc mhx_version kind claim_level claim_scope config
    outputs hashes digest git code_digest dependencies python platform device dtype command
    family_digest plan_digest waivers"""
LEFT_OUT = {
    "artifact_manifest.json",
    ".lock",
    "commands.jsonl",
    "claim_ledger.jsonl",
    "resume_plan.json",
    "report.html",
}
EXECUTION_GATES = """campaign_plan_loaded checkpoint_resume_contract_used
    executor_made_progress_or_target_already_complete finite_histories checkpoint_state_written
    checkpoint_metadata_written history_segments_contiguous energy_growth_within_tolerance
    energy_budget_residual_within_tolerance magnetic_divergence_within_tolerance
    time_step_stable_throughout spectral_tail_within_tolerance movies_written_when_requested
    production_claim_has_promotion_report production_claim_requires_explicit_completion"""
DIAGNOSTIC_KEYS = """schema plan_schema api_version claim_level claim_boundary start_step end_step
    steps_run target_step completed_target dt save_every shape seed noise_amplitude resistivity
    viscosity equilibrium equilibrium_parameters mode max_relative_energy_growth
    final_magnetic_divergence_linf history_samples resume_start_checkpoint allow_production_claim
    production_promotion_report_ready plan_digest hold_equilibrium max_magnetic_divergence_linf
    max_energy_budget_residual max_spectral_tail max_stability_ratio seconds_per_step device dtype
    stop_reason discarded_checkpoints linear_phase algebraic_phase"""
RUN_FILES = """campaign_config.toml campaign_plan.json runbook.md job_array.json diagnostics.json
    validation.json production_history.npz plan_validation.json plan_manifest.json
    commands.jsonl claim_ledger.jsonl verify.py .lock checkpoints/checkpoint_index.json
    checkpoints/initial_state.npz checkpoints/initial_state.json
    figures/production_histories.png figures/current_sheet_aspect_ratio.png
    figures/island_width_history.png figures/reconnected_flux_history.png
    figures/energy_budget_history.png figures/fixed_scale_flux_movie.gif
    figures/fixed_scale_current_density_movie.gif figures/fixed_scale_flux_movie.json
    figures/fixed_scale_current_density_movie.json artifact_manifest.json
    manifest.json"""
SCALARS = """time step reconnected_flux rutherford_island_width reconnection_rate_proxy
    magnetic_energy kinetic_energy total_energy dissipation_budget_residual
    magnetic_divergence_linf current_density_linf current_sheet_thickness current_sheet_length
    current_sheet_aspect_ratio x_point_count o_point_count dissipated_energy injected_energy
    spectral_tail stability_ratio energy_increase_rate"""
PER_SHEET = "sheet_flux island_width separatrix_width mean_shear_change flux_xo"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listed(folder: Path) -> dict[str, dict]:
    return {entry["path"]: entry for entry in read(folder / "artifact_manifest.json")["files"]}


def ledger(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "claim_ledger.jsonl").read_text().splitlines()]


# Files of an executed run


def test_every_file_of_the_run_directory_is_there(finished):
    for name in RUN_FILES.split():
        assert (finished / name).is_file(), name
    assert list((finished / "frames").glob("frames_step_*.npz"))


def test_diagnostics_of_an_executed_run(finished, harris):
    for folder in (finished, harris):
        document = read(folder / "diagnostics.json")
        assert not set(DIAGNOSTIC_KEYS.split()) - document.keys()
        assert document["schema"] == "mhx.campaign.rutherford_execution.v1"
        assert document["plan_schema"] == "mhx.campaign.rutherford_production_plan.v1"
        assert document["claim_level"] == "validation"
        assert document["stop_reason"] == "target" and document["completed_target"] is True
        assert document["seconds_per_step"] > 0
        assert document["discarded_checkpoints"] == []


def test_execution_verdict(finished, harris):
    for folder in (finished, harris):
        document = read(folder / "validation.json")
        assert document["schema"] == "mhx.campaign.rutherford_execution.gates.v1"
        assert set(document["checks"]) == set(EXECUTION_GATES.split())
        for gate, verdict in document["verdicts"].items():
            assert {"verdict", "metric", "value", "bound", "reason", "remedy"} <= verdict.keys()
            assert document["checks"][gate] is (verdict["verdict"] == "pass")
        assert document["passed"] is all(document["checks"].values())


def test_history_has_every_name_of_the_vocabulary(finished, harris):
    for folder in (finished, harris):
        h = arrays(folder / "production_history.npz")
        assert str(h["schema"]) == "mhx.campaign.rutherford_history.v1"
        names = SCALARS.split() + [f"{name}_{i}" for name in PER_SHEET.split() for i in (0, 1)]
        assert not set(names) - h.keys()
        for name in names:
            assert h[name].shape == h["time"].shape, name
        assert h["step"].dtype == h["x_point_count"].dtype == h["o_point_count"].dtype == "int64"


def test_movies_share_one_range_and_carry_their_times(finished):
    for name in ("fixed_scale_flux_movie", "fixed_scale_current_density_movie"):
        sidecar = read(finished / "figures" / f"{name}.json")
        keys = "vmin vmax frame_times frame_steps colormap frames_sha256"
        assert set(keys.split()) <= sidecar.keys()
        assert sidecar["frame_steps"] == list(range(0, 49, 4))
        assert sidecar["frame_times"] == pytest.approx([0.01 * s for s in sidecar["frame_steps"]])
        assert sidecar["vmin"] < sidecar["vmax"]


def test_frames_and_segments_name_their_schemas(finished):
    (frames, *_) = (finished / "frames").glob("*.npz")
    assert str(arrays(frames)["schema"]) == "mhx.campaign.rutherford_frames.v1"
    for path in (finished / "checkpoints").glob("history_step_*.npz"):
        assert str(arrays(path)["schema"]) == "mhx.campaign.rutherford_history_segment.v1"


# Manifests


def test_manifest_of_a_run(finished):
    document = read(finished / "manifest.json")
    assert not set(MANIFEST_KEYS.split()) - document.keys()
    assert (document["schema"], document["kind"]) == ("mhx.manifest.v1", "run")
    assert document["claim_level"] == "validation" and document["claim_scope"]
    plan_document = read(finished / "campaign_plan.json")
    assert document["plan_digest"] == plan_document["plan_digest"]
    assert document["family_digest"] == plan_document["family_digest"]
    assert document["config"] == plan_document["config"]
    for name, digest in document["hashes"].items():
        path = finished / document["outputs"].get(name, name)
        assert sha256(path) == digest, name
    assert "artifact_manifest" in json.dumps(document["outputs"])
    assert "artifact_manifest" not in json.dumps(document["hashes"])
    assert "resume_plan.json" not in json.dumps(document["outputs"])


def test_artifact_manifest_lists_every_file_but_the_named_ones(finished):
    document = read(finished / "artifact_manifest.json")
    keys = "schema api_version created_utc mhx_version root claim_levels files"
    assert not set(keys.split()) - document.keys()
    assert document["schema"] == "mhx.artifacts.v1"
    entries = listed(finished)
    assert list(entries) == sorted(entries)
    on_disk = {
        path
        for path in tree(finished)
        if path not in LEFT_OUT and not path.startswith(("attempts/", "superseded/"))
    }
    assert set(entries) == on_disk
    for name, entry in entries.items():
        assert entry["sha256"] == sha256(finished / name)
        assert entry["size_bytes"] == (finished / name).stat().st_size


def test_artifact_manifest_command(finished, copy, tmp_path):
    folder = copy(finished)
    before = tree(folder)
    said = mhx("artifact-manifest", folder, "--output", tmp_path / "list.json")
    assert said.code == 0, said.text
    document = read(tmp_path / "list.json")
    assert document["schema"] == "mhx.artifacts.v1"
    assert document["files"] == read(folder / "artifact_manifest.json")["files"]
    assert tree(folder) == before
    said = mhx("artifact-manifest", tmp_path / "nowhere")
    assert said.code in (2, 4) and "nowhere" in said.text, said.text


@pytest.mark.slow
def test_equal_runs_have_equal_identities(planned, finished, tmp_path):
    """Identity excludes circumstance: times, hosts and rates."""
    folder = tmp_path / "again"
    assert plan(folder).code == 1
    assert execute(folder, "--movies").code == 0
    ours, theirs = read(folder / "manifest.json"), read(finished / "manifest.json")
    assert ours["digest"] == theirs["digest"]
    assert ours["plan_digest"] == theirs["plan_digest"]


# verify


def test_untouched_folders_verify(planned, finished, cut, harris):
    for folder in (planned, finished, cut, harris):
        before = tree(folder)
        said = mhx("verify", folder)
        assert said.code == 0, said.text
        assert tree(folder) == before
    assert "validation" in mhx("verify", finished).text


@pytest.mark.slow
def test_any_flipped_byte_is_named(finished, copy):
    """One byte of every file that a manifest lists, first, middle or last."""
    folder = copy(finished)
    for i, name in enumerate(listed(folder)):
        path = folder / name
        content = path.read_bytes()
        at = (0, len(content) // 2, len(content) - 1)[i % 3]
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        said = mhx("verify", folder)
        assert said.code == 4, f"{name} flipped at {at}:\n{said.text}"
        assert name in said.text, said.text
        assert "Traceback" not in said.text
        path.write_bytes(content)
    assert mhx("verify", folder).code == 0


@pytest.mark.parametrize(
    "name", ["artifact_manifest.json", "claim_ledger.jsonl", "commands.jsonl", "manifest.json"]
)
def test_altered_books_are_found(name, finished, copy):
    folder = copy(finished)
    path = folder / name
    text = path.read_text()
    path.write_text(text.replace("validation", "production", 1).replace('"mhx"', '"MHX"', 1))
    assert path.read_text() != text
    said = mhx("verify", folder)
    assert said.code == 4, said.text
    assert name in said.text


def test_missing_and_unexpected_files_are_named(finished, copy):
    folder = copy(finished)
    (folder / "checkpoints" / "smuggled.npz").write_bytes(b"x")
    said = mhx("verify", folder)
    assert said.code == 4 and "smuggled.npz" in said.text, said.text
    (folder / "checkpoints" / "smuggled.npz").unlink()
    (folder / "runbook.md").unlink()
    said = mhx("verify", folder)
    assert said.code == 4 and "runbook.md" in said.text, said.text


def test_derived_files_may_change(finished, copy):
    folder = copy(finished)
    mhx("campaign", "rutherford-resume-plan", folder)
    (folder / "resume_plan.json").write_text("{}\n")
    said = mhx("verify", folder)
    assert said.code == 0, said.text
    assert "resume_plan.json" in said.text


def test_verdict_edited_with_all_hashes_rebuilt_is_found(harris, copy):
    """Rule 2 of section 1: verdicts are judged again from values and bounds."""
    folder = copy(harris)
    document = read(folder / "validation.json")
    gate = "energy_budget_residual_within_tolerance"
    document["verdicts"][gate]["value"] = 1.0  # beyond its bound, verdict left at pass
    (folder / "validation.json").write_text(
        json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    manifest = read(folder / "manifest.json")
    digest = sha256(folder / "validation.json")
    manifest["hashes"] = {
        name: digest if manifest["outputs"].get(name, name) == "validation.json" else old
        for name, old in manifest["hashes"].items()
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    books = read(folder / "artifact_manifest.json")
    for entry in books["files"]:
        path = folder / entry["path"]
        entry |= {"sha256": sha256(path), "size_bytes": path.stat().st_size}
    (folder / "artifact_manifest.json").write_text(
        json.dumps(books, indent=2, sort_keys=True) + "\n"
    )
    said = mhx("verify", folder)
    assert said.code == 4, said.text
    assert gate in said.text, said.text


@pytest.mark.slow
def test_script_in_the_folder_needs_the_standard_library_alone(finished, copy):
    folder = copy(finished)
    command = [sys.executable, "-I", "-S", "verify.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    path = folder / "production_history.npz"
    path.write_bytes(path.read_bytes() + b"x")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "production_history.npz" in done.stdout + done.stderr


def test_folder_without_a_manifest(tmp_path):
    said = mhx("verify", tmp_path)
    assert said.code in (2, 4), said.text
    said = mhx("verify", tmp_path / "nowhere")
    assert said.code in (2, 4) and "nowhere" in said.text, said.text
    assert "Traceback" not in said.text


# Levels


def test_levels_of_the_ledger(cut, finished):
    lines = ledger(finished)
    assert [(line["from"], line["to"]) for line in lines][-1][1] == "validation"
    for line in ledger(cut):
        keys = {"from", "to", "time", "user", "command", "reason"}
        assert keys <= line.keys()
        assert {"digest", "digests"} & line.keys()


def test_ledger_grows_and_is_chained(finished, copy):
    folder = copy(finished)
    before = (folder / "claim_ledger.jsonl").read_bytes()
    assert execute(folder, "--validation-claim", "--max-steps", 0).code == 0
    assert (folder / "claim_ledger.jsonl").read_bytes().startswith(before)
    assert mhx("verify", folder).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cut", "finished"])
def test_claim_without_a_report_is_refused(name, request, copy):
    """Exit 5, level unchanged."""
    folder = copy(request.getfixturevalue(name))
    said = execute(folder, "--max-steps", 0, "--allow-production-claim")
    assert said.code == 5, said.text
    assert "Traceback" not in said.text
    assert read(folder / "manifest.json")["claim_level"] == "validation"
    assert read(folder / "diagnostics.json")["claim_level"] == "validation"
    assert mhx("verify", folder).code == 0
    assert "production_claim_has_promotion_report" in said.text


def test_forged_report_does_not_buy_a_claim(finished, copy):
    """Section 9: hand-written JSON with false hashes: exit 4 or 5, no level."""
    folder = copy(finished)
    (folder / "promotion").mkdir()
    report = {
        "schema": "mhx.campaign.rutherford_promotion.v1",
        "promotion_ready": True,
        "production_ready": True,
        "terminal_step": 48,
        "checks": {},
    }
    (folder / "promotion" / "promotion_readiness.json").write_text(json.dumps(report))
    manifest = {"schema": "mhx.manifest.v1", "claim_level": "production", "hashes": {}}
    (folder / "promotion" / "manifest.json").write_text(json.dumps(manifest))
    said = execute(folder, "--max-steps", 0, "--allow-production-claim")
    assert said.code in (4, 5), said.text
    assert read(folder / "manifest.json")["claim_level"] == "validation"
    assert mhx("verify", folder).code == 4


@pytest.mark.slow
def test_looser_bounds_are_waivers(planned, copy):
    folder = copy(planned)
    said = execute(folder, "--max-divergence-linf", 1e-3, "--max-steps", 4)
    assert said.code == 0, said.text
    waivers = read(folder / "manifest.json")["waivers"]
    assert any("divergence" in waiver["gate"] for waiver in waivers)
    waiver = next(waiver for waiver in waivers if "divergence" in waiver["gate"])
    assert waiver["used_bound"] == 1e-3 and waiver["production_bound"] == 1e-9


@pytest.mark.slow
def test_tighter_bound_fails_its_gate(planned, copy):
    folder = copy(planned)
    said = execute(folder, "--max-divergence-linf", 1e-20, "--max-steps", 4)
    assert said.code == 1, said.text
    assert "magnetic_divergence_within_tolerance" in said.text
    assert "1e-20" in said.text
    assert read(folder / "diagnostics.json")["claim_level"] == "validation"


def test_altered_run_has_no_level(finished, copy):
    folder = copy(finished)
    path = folder / "production_history.npz"
    path.write_bytes(path.read_bytes() + b"x")
    said = mhx("verify", folder)
    assert said.code == 4
    assert "unspecified" in said.text


# Status


def test_status_reads_only(cut):
    before = tree(cut)
    attempts = sorted(path.name for path in (cut / "attempts").iterdir())
    said = mhx("campaign", "rutherford-status", cut)
    assert said.code == 0, said.text
    for word in ("20", "48", "validation"):
        assert word in said.out
    assert tree(cut) == before
    assert sorted(path.name for path in (cut / "attempts").iterdir()) == attempts


def test_status_names_invalid_checkpoints(cut, copy):
    folder = copy(cut)
    newest = sorted((folder / "checkpoints").glob("state_step_*.npz"))[-1]
    newest.write_bytes(newest.read_bytes()[:-3])
    said = mhx("campaign", "rutherford-status", folder)
    assert said.code in (0, 4), said.text
    assert "step_000000000020" in said.text


@pytest.mark.skipif(shutil.which("chattr") is None, reason="no chattr here")
def test_resume_plan_answers_where_it_cannot_write(cut, copy):
    """2.1: it prints its answer even in a read-only directory."""
    folder = copy(cut)
    made = subprocess.run(["chattr", "+i", folder], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("folders cannot be made immutable here")
    try:
        said = mhx("campaign", "rutherford-resume-plan", folder)
        assert "20" in said.out and said.code == 0, said.text
        said = mhx("campaign", "rutherford-status", folder)
        assert said.code == 0, said.text
        said = mhx("verify", folder)
        assert said.code == 0, said.text
        said = execute(folder, "--max-steps", 1)
        assert said.code in (2, 3) and "Traceback" not in said.text, said.text
    finally:
        subprocess.run(["chattr", "-i", folder], check=False)
    assert os.listdir(folder)
