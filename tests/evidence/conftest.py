"""A small campaign folder with everything that a real one has, made of invented numbers."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from mhx.evidence import checkpoints, claims, manifest, schemas, store
from mhx.evidence.gates import Gate, judge_all, validation_document
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.verifier import write_verifier
from mhx.evidence.verify import CLAIM_GATES, plan_digest

settings.register_profile("evidence", deadline=None)  # files are synced: a slow disk may be slow
settings.load_profile("evidence")

LEVEL = claims.ClaimLevel
RESIDUAL = Gate(
    name="energy_budget_residual_within_tolerance",
    metric="max_energy_budget_residual",
    reason="dissipation signs, bracket cancellation",
    high=1e-9,
)
FRAMES = Gate(name="saved_frame_floor", metric="frames", reason="too few to see", low=100)


def plan_document() -> dict:
    """As much of a plan as its digest covers."""
    tables = ("mesh", "time", "physics", "initial", "numerics", "diagnostics")
    plan = {
        "schema": schemas.CAMPAIGN_PLAN,
        "config": {"name": "demo", **{table: {"value": 1.5} for table in tables}},
        "estimated_steps": 300,
        "thresholds": {"max_energy_budget_residual": 1e-9},
        "duration_assessment": {
            "required_efolds": 10.0,
            "safety_factor": 3.0,
            "growth_rate_declared": None,
        },
        "family": {"width": 0.36},
        "family_digest": content_digest({"width": 0.36}),
    }
    return {**plan, "plan_digest": plan_digest(plan)}


def validation(schema: str, gate: Gate, value: float) -> dict:
    results = judge_all([gate], {gate.metric: value})
    return validation_document(schemas.gates_of(schema), results, {})


def promotion_validation(residual: float) -> dict:
    """Every gate of a claim, just passed; one of them with the value that is asked for."""
    gates = {
        name: Gate(
            name=name,
            metric=name,
            reason="made by a test",
            **({} if low is None else {"low": low}),
            **({} if high is None else {"high": high}),
        )
        for name, (low, high) in CLAIM_GATES.items()
    }
    values = {name: low if high is None else high for name, (low, high) in CLAIM_GATES.items()}
    results = judge_all(gates.values(), values | {RESIDUAL.name: residual})
    return validation_document(schemas.gates_of(schemas.CAMPAIGN_PROMOTION), results, {})


def artifact(root: Path, path: str) -> dict:
    place = root / path
    return {
        "path": path,
        "exists": True,
        "size_bytes": place.stat().st_size,
        "sha256": file_digest(place),
    }


def rows(*steps: int) -> bytes:
    """Samples of a history at these steps."""
    content = io.BytesIO()
    energies = 0.37 / (1 + np.array(steps))
    np.savez(content, step=np.array(steps), time=np.array(steps) * 0.02, total_energy=energies)
    return content.getvalue()


def add_checkpoint(root: Path, step: int, previous: str | None, **other) -> str:
    """State, segment, record, as an executor writes them; returns the digest of the record."""
    paths = {
        "state": f"checkpoints/state_step_{step:012d}.npz",
        "history": f"checkpoints/history_step_{step:012d}.npz",
    }
    store.write_bytes(root / paths["state"], f"state {step}".encode())
    store.write_bytes(root / paths["history"], rows(step - 50, step))
    document = {
        "step": step,
        "time": step * 0.02,
        "artifacts": {name: artifact(root, path) for name, path in paths.items()},
        "metrics": {"total_energy": 0.37},
        "plan_digest": plan_document()["plan_digest"],
        "previous": previous,
        "initial_state_sha256": file_digest(root / "checkpoints/initial_state.npz"),
        **other,
    }
    return checkpoints.read_record(checkpoints.write_record(root, document)).digest


def write_index(root: Path) -> None:
    records, _ = checkpoints.read_records(root)
    index = {
        "schema": schemas.CAMPAIGN_CHECKPOINT_INDEX,
        "plan_digest": plan_document()["plan_digest"],
        "target_step": 300,
        "checkpoints": [dict(record.document) for record in records],
    }
    store.write_json(root / "checkpoints/checkpoint_index.json", index)


def claim_of(level: str, **other) -> dict:
    plan = plan_document()
    digests = {key: plan[key] for key in ("plan_digest", "family_digest")}
    return {"claim_level": level, "claim_scope": "invented", "waivers": [], **digests, **other}


def write_plan(root: Path) -> Path:
    """A freshly planned folder."""
    plan = plan_document()
    store.write_json(root / "campaign_plan.json", plan)
    store.write_text(root / "campaign_config.toml", 'name = "demo"\n')
    store.write_json(root / "job_array.json", {"schema": schemas.CAMPAIGN_JOB_ARRAY, "jobs": []})
    store.write_json(root / "plan_validation.json", validation(schemas.CAMPAIGN_PLAN, FRAMES, 121))
    write_index(root)
    write_verifier(root)
    identity = ["campaign_plan.json", "campaign_config.toml"]
    others = ["job_array.json", "plan_validation.json", "checkpoints/checkpoint_index.json"]
    made = manifest.Manifest(
        kind="run",
        config=plan["config"],
        files=manifest.describe(root, identity),
        figures=manifest.describe(root, [*others, "verify.py"]),
        claim=claim_of(claims.PRODUCTION_TEMPLATE),
        artifact_manifest=False,
    )
    manifest.write_manifest(root, made, manifest.PLAN_MANIFEST_NAME)
    transition(root, claims.UNSPECIFIED, claims.PRODUCTION_TEMPLATE)
    return root


def transition(root: Path, start: str | LEVEL, end: str | LEVEL) -> None:
    claims.record_transition(
        root / "claim_ledger.jsonl",
        from_level=start,
        to_level=end,
        command=["mhx", "test"],
        digests=manifest.bindings(root),
        reason="made by a test",
    )


def write_run(root: Path) -> Path:
    """An executed folder at its target: three checkpoints, the oldest pruned, and derived files."""
    write_plan(root)
    store.write_bytes(root / "checkpoints/initial_state.npz", b"start")
    store.write_json(root / "checkpoints/initial_state.json", {"seed": 0})
    previous = None
    for step in (100, 200, 300):
        previous = add_checkpoint(root, step, previous)
    checkpoints.mark_pruned(root, 100)
    (root / "checkpoints/state_step_000000000100.npz").unlink()
    write_index(root)
    store.write_bytes(root / "production_history.npz", rows(50, 100, 200, 300))
    store.write_bytes(root / "figures/histories.png", b"\x89PNG picture")
    store.write_json(root / "validation.json", validation(schemas.CAMPAIGN_EXECUTION, RESIDUAL, 0))
    store.write_json(root / "resume_plan.json", {"schema": schemas.CAMPAIGN_RESUME_PLAN})
    store.write_text(root / "attempts/1/log.txt", "left out\n")
    for word in ("plan", "execute"):
        store.append_chained(root / "commands.jsonl", {"command": ["mhx", word]})
    write_manifests(root, claim_of("validation"))
    transition(root, claims.PRODUCTION_TEMPLATE, LEVEL.VALIDATION)
    return root


def write_manifests(root: Path, claim: dict) -> None:
    made = manifest.Manifest(
        kind="run",
        config=plan_document()["config"],
        files=manifest.describe(root, ["production_history.npz", "campaign_plan.json"]),
        figures=manifest.describe(root, ["figures/histories.png", "validation.json"]),
        claim=claim,
    )
    manifest.write_manifest(root, made)
    manifest.write_artifact_manifest(root)


def write_promotion(
    root: Path, residual: float = 1e-13, validation: dict | None = None, **changes
) -> Path:
    """A promotion folder inside a run, and the run claimed on its strength."""
    folder = root / "promotion"
    report = {
        "schema": schemas.CAMPAIGN_PROMOTION,
        "promotion_ready": True,
        "production_ready": True,
        "checks": {RESIDUAL.name: True},
        "waivers": [],
        "reviewer_answers": [{"id": "growth_rate", "status": "answered"}],
        "run_digest": manifest.run_digest(root),
        "evidence_digests": {},
        **changes,
    }
    store.write_json(folder / "promotion_readiness.json", report)
    store.write_json(folder / "validation.json", validation or promotion_validation(residual))
    top = LEVEL.PRODUCTION.value
    judged = manifest.Manifest(
        kind="promotion",
        config={},
        files=manifest.describe(folder, ["validation.json"]),
        figures=manifest.describe(folder, ["promotion_readiness.json"]),
        claim=claim_of(top, run_digest=report["run_digest"]),
    )
    manifest.write_manifest(folder, judged)
    manifest.write_artifact_manifest(folder)
    digest = file_digest(folder / "promotion_readiness.json")
    claim = claim_of(top, run_digest=report["run_digest"], promotion_report_sha256=digest)
    write_manifests(root, claim)
    transition(root, LEVEL.VALIDATION, LEVEL.PRODUCTION)
    return root


@pytest.fixture
def planned(tmp_path):
    return write_plan(tmp_path / "run")


@pytest.fixture
def executed(tmp_path):
    return write_run(tmp_path / "run")


@pytest.fixture
def claimed(tmp_path):
    return write_promotion(write_run(tmp_path / "run"))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A claimed run that a test may alter as long as it puts it back."""
    return write_promotion(write_run(tmp_path_factory.mktemp("lasting") / "run"))


@pytest.fixture
def build():
    """The builders themselves, for folders that a test bends."""
    from types import SimpleNamespace

    return SimpleNamespace(
        plan=write_plan,
        run=write_run,
        promotion=write_promotion,
        checkpoint=add_checkpoint,
        index=write_index,
        manifests=write_manifests,
        claim=claim_of,
        transition=transition,
        plan_document=plan_document,
        validation=validation,
        promotion_validation=promotion_validation,
        residual=RESIDUAL,
        rows=rows,
    )
