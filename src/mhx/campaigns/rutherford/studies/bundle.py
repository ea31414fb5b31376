"""A study judged after its cases have run: numbers, verdicts, arrays, pictures, manifests.

Everything is drawn from the files of the cases; nothing that a case or an earlier bundle says of
itself is believed.  A bundle is a validation, whatever it finds, and judges itself at the bounds of
one; whether it would serve a claim, at the bounds of that, stands beside it.  A promotion judges
the cases anew (`rejudging`).  The folder is that of the testbed, whose own files are listed, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.claim import judged_again
from mhx.campaigns.rutherford.studies import figures
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases, read_cases
from mhx.campaigns.rutherford.studies.fields import stored_fields
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import SCHEMAS, Study
from mhx.campaigns.supporting import words
from mhx.errors import EvidenceError
from mhx.evidence import manifest, schemas, store
from mhx.evidence.claims import ClaimLevel, Waiver
from mhx.evidence.gates import GateResult, validation_document
from mhx.evidence.hashing import content_digest
from mhx.evidence.provenance import API_VERSION, code_digest, provenance
from mhx.evidence.verifier import VERIFIER_NAME, write_verifier
from mhx.evidence.verify import NothingToVerify, verify
from mhx.execution.lock import hold
from mhx.reconnection.arrays import write_arrays
from mhx.reconnection.config import family, family_digest
from mhx.report.answer import Answer

DIAGNOSTICS, VALIDATION, PICTURES = "diagnostics.json", "validation.json", "figures"
ARRAYS = {
    schemas.LONG_RUN: "periodic_double_harris_seeded_long_run.npz",
    schemas.CONVERGENCE: "periodic_double_harris_convergence.npz",
    schemas.PARAMETER_SWEEP: "periodic_double_harris_parameter_sweep.npz",
    schemas.SEED_ROBUST_QI: "ensemble.npz",
}
CASE_FILES = ("config.toml", "history.npz", "final_state.npz")
BOUNDARY = (
    "runs at stated settings, held against each other; what they support is said by the gates "
    "beside it; numerical, not agreement with data"
)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A study, its cases, and what they say at the bounds of the study and at those of a claim."""

    study: Study
    cases: Cases
    judged: Judged
    serves: Judged

    @property
    def lacking(self) -> list[GateResult]:
        """Gates that keep the bundle from serving a claim."""
        return [result for result in self.serves.results if not result.passed]


def conclude(study: Study) -> Answer:
    """Judge the cases of a study and write its bundle; exit code 1 where a gate does not pass.

    EvidenceError: plan or journal of the cases are torn or altered.
    RunLocked: the cases are being carried out.
    """
    root = study.outdir
    with hold(root, f"bundle of {study.kind}"):
        found = _judged(study)
        schema = SCHEMAS[study.kind]
        arrays = {**found.judged.arrays, **stored_fields(study, found.cases.runs)}
        write_arrays(root / ARRAYS[schema], schema, arrays)
        figures.draw(found.judged, root / PICTURES)
        store.write_json(root / DIAGNOSTICS, _diagnostics(found))
        store.write_json(root / VALIDATION, _validation(found.judged))
        if not (root / VERIFIER_NAME).exists():
            write_verifier(root)
        manifest.seal(root, _manifest(found))
    return _answer(found)


def standing(study: Study) -> Answer | None:
    """The answer of a bundle that is finished, of this very study, by this code; None otherwise.

    Nothing is written, every file is hashed: what was altered stands no more.
    """
    root = study.outdir
    try:
        stored = manifest.read_manifest(root / manifest.MANIFEST_NAME)
        validation = store.read_json(root / VALIDATION, schemas.gates_of(SCHEMAS[study.kind]))
        document = store.read_json(root / DIAGNOSTICS, SCHEMAS[study.kind])
        problems = verify(root).problems
    except (EvidenceError, NothingToVerify):
        return None
    same = stored.get("config") == store.strict({"study": declared(study)})
    ours = stored.get("kind") == "bundle" and stored.get("code_digest") == code_digest()
    if problems or not (same and ours) or document["missing_cases"]:
        return None
    results = judged_again(validation)
    failed = [result for result in results if not result.passed]
    verdict = f"{len(failed)} of {len(results)} gates did not pass" if failed else "all gates pass"
    return Answer(
        headline=f"nothing to do: {study.kind.replace('_', ' ')} is as it was concluded; {verdict}",
        results=results,
        details=_details(document),
        next=f"mhx verify {quote(str(root))}",
        document=document,
        exit_code=1 if failed else 0,
    )


def declared(study: Study) -> dict[str, Any]:
    """A study as its manifest keeps it: what was asked for, not where."""
    return {
        "kind": study.kind,
        "axis": study.axis,
        "base": dict(study.base),
        "cases": [
            {
                "id": case.id,
                "label": case.label,
                "overlay": dict(case.overlay),
                "coordinates": dict(case.coordinates),
            }
            for case in study.cases
        ],
        "bounds": dict(study.bounds),
        "unavailable": study.unavailable,
    }


def declared_bounds(document: Mapping[str, Any]) -> dict[str, float]:
    """The bounds at which a bundle says that it judged itself; EvidenceError where it does not."""
    try:
        bounds = document["config"]["study"]["bounds"]
        return {str(name): float(value) for name, value in bounds.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = f"{manifest.MANIFEST_NAME} names no bounds of a study ({error!r})"
        raise EvidenceError(f"{told}; conclude the bundle again") from error


def _judged(study: Study) -> _Found:
    none = Cases(planned=(), runs=())
    cases = none if study.unavailable else read_cases(study.outdir)
    bounds = thresholds.strictest({}, study.bounds, study.kind)
    return _Found(
        study=study,
        cases=cases,
        judged=judge(study.kind, cases, study.bounds),
        serves=judge(study.kind, cases, bounds),
    )


def _validation(judged: Judged) -> dict[str, Any]:
    schema = schemas.gates_of(SCHEMAS[judged.kind])
    return validation_document(schema, judged.results, dict(judged.metrics))


def _diagnostics(found: _Found) -> dict[str, Any]:
    study, judged = found.study, found.judged
    return {
        **judged.facts,
        "schema": SCHEMAS[study.kind],
        "api_version": API_VERSION,
        "kind": study.kind,
        "axis": study.axis or None,
        "claim_level": ClaimLevel.VALIDATION.value,
        "claim_boundary": BOUNDARY,
        "equilibrium": study.family.get("equilibrium"),
        "hold_equilibrium": study.family.get("hold_equilibrium"),
        "family": dict(study.family),
        "family_digest": content_digest(study.family),
        "cases": [_case(study, run) for run in found.cases.runs],
        "missing_cases": dict(found.cases.missing),
        "unavailable": study.unavailable or None,
        "covers": dict(judged.covers),
        "metrics": dict(judged.metrics),
        "bounds": dict(study.bounds),
        "waivers": [waiver.document() for waiver in found.study.waivers],
        "passed": judged.passed,
        "would_serve_a_claim": found.serves.passed and not found.study.waivers,
        "gates_missing_for_a_claim": [str(result) for result in found.lacking],
    }


def _case(study: Study, run: CaseRun) -> dict[str, Any]:
    """What the bundle says of one case: which configuration it is, and where it lies."""
    config = run.config
    return {
        "id": run.id,
        "label": run.label,
        "folder": run.folder.relative_to(study.outdir).as_posix(),
        "config_digest": run.digest,
        "run_digest": run.run_digest,
        "family": family(config),
        "family_digest": family_digest(config),
        "shape": list(config.grid.shape),
        "dt": config.dt,
        "t_end": config.t_end,
        "save_every": config.save_every,
        "seed": config.initial.seed,
        "problems": list(run.problems),
    }


def _manifest(found: _Found) -> manifest.Manifest:
    study, root = found.study, found.study.outdir
    pictures = [
        path.relative_to(root).as_posix()
        for path in sorted((root / PICTURES).glob("*"))
        if path.is_file()
    ]
    identity = [VALIDATION, ARRAYS[SCHEMAS[study.kind]], *_case_files(found)]
    return manifest.Manifest(
        kind="bundle",
        config={"study": declared(study)},
        files=manifest.describe(root, identity),
        figures=manifest.describe(root, [DIAGNOSTICS, VERIFIER_NAME, *pictures]),
        provenance=provenance(
            device=_only(run.environment.get("device") for run in found.cases.runs),
            dtype=_only(run.config.numerics.dtype for run in found.cases.runs),
        ),
        claim={
            "claim_level": ClaimLevel.VALIDATION.value,
            "claim_scope": scope(study, found.cases, found.judged.covers),
            "family_digest": content_digest(study.family),
            "case_digests": {run.id: run.digest for run in found.cases.runs},
            "waivers": [waiver.document() for waiver in found.study.waivers],
        },
    )


def _case_files(found: _Found) -> list[str]:
    """What each case is identified by; those that left nothing are told by their absence."""
    root = found.study.outdir
    places = (run.folder / name for run in found.cases.runs for name in CASE_FILES)
    return [path.relative_to(root).as_posix() for path in places if path.is_file()]


def scope(study: Study, cases: Cases, covers: Mapping[str, Any]) -> str:
    """`claim_scope` of a bundle in one sentence; covers: over what its cases extend."""
    told: Mapping[str, Any] = study.family
    held = "held" if told.get("hold_equilibrium") else "decaying"
    axis = f" in {study.axis}" if study.axis else ""
    numbers = {
        "a": told.get("width"),
        "k": _only(run.config.wave_number for run in cases.runs),
        "eta": told["resistivity"],
        "nu": told["viscosity"],
    }
    sheet = ", ".join(
        f"{name} = {value:.4g}" for name, value in numbers.items() if value is not None
    )
    over = f" ({', '.join(run.label for run in cases.runs)})" if axis and cases.runs else ""
    return (
        f"{ClaimLevel.VALIDATION.value}: {study.kind.replace('_', ' ')}{axis} of "
        f"{told.get('equilibrium')} ({held}), {sheet}, box {told['lx']:.4g} x {told['ly']:.4g}, "
        f"{_extent(told, covers) if cases.runs else ''}"
        f"{len(cases.runs)} of {len(study.cases)} cases{over}; numerical, not agreement with data"
    )


def _extent(told: Mapping[str, Any], covers: Mapping[str, Any]) -> str:
    """Times, grids, steps, seeds and noise of the cases, in words."""
    eps = told.get("perturbation_amplitude")
    ratio = [told["noise_amplitude"] / eps] if eps else []
    return (
        f"t = 0 .. {covers['t_end']:.6g}, "
        f"{words({**covers, 'noise_to_seed_ratio': ratio, 'sweeps': {}})}, "
    )


def _only(values: Iterable[Any]) -> Any:
    """The one value that all have; None where they differ or there is none."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _answer(found: _Found) -> Answer:
    study, judged = found.study, found.judged
    failed = sum(not result.passed for result in judged.results)
    verdict = (
        f"{failed} of {len(judged.results)} gates did not pass"
        if failed
        else f"all {len(judged.results)} gates pass"
    )
    document = store.read_json(study.outdir / DIAGNOSTICS)
    number = len(found.cases.runs)
    cases = f"{number} case{'' if number == 1 else 's'}"
    return Answer(
        headline=f"{study.kind.replace('_', ' ')}: {cases}, {verdict}",
        wrote=study.outdir,
        results=judged.results,
        details=_details(document),
        next=f"mhx verify {quote(str(study.outdir))}",
        document=document,
        exit_code=0 if judged.passed else 1,
    )


def _details(document: Mapping[str, Any]) -> list[str]:
    """Which cases fail and why, and what keeps the bundle from serving a claim."""
    lines = [f"nothing ran: {told}" for told in [document["unavailable"]] if told]
    ratio = document.get("noise_to_seed_ratio")
    if ratio is not None:
        lines.append(f"noise_to_seed_ratio {ratio:.3g}: what is said of seeds holds for that noise")
    lines += [f"case {name}: {reason}" for name, reason in document["missing_cases"].items()]
    lines += [
        f"case {case['id']}: {told}" for case in document["cases"] for told in case["problems"]
    ]
    lines += [
        f"case {case['id']}: {told}"
        for case in document.get("subcases", ())
        for told in case["failed"]
    ]
    waivers = [Waiver(**waiver) for waiver in document["waivers"]]
    lines += [f"{waiver}: no promotion takes this bundle" for waiver in waivers]
    lines += [f"for a claim: {result}" for result in document["gates_missing_for_a_claim"]]
    if document["would_serve_a_claim"]:
        lines.append("it would serve a claim: every gate passes at the bounds of one, too")
    return lines
