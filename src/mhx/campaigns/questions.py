"""The seven questions that a reviewer of a long run asks, and the values that answer them.

A question is answered when every gate under it has a value: an unfavourable answer is an answer,
and its gate fails on its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mhx.evidence.gates import GateResult, Verdict

ANSWERED, UNKNOWN = "answered", "unknown"


@dataclass(frozen=True)
class Question:
    """`sentence` is filled with the metrics; the gates decide whether there is an answer.

    files: from which the values are drawn, below the run directory; a name in braces stands for a
        list of folders among the values.
    """

    id: str
    text: str
    sentence: str
    metrics: tuple[str, ...]
    gates: tuple[str, ...]
    files: tuple[str, ...]


QUESTIONS = (
    Question(
        "growth_rate",
        "Which growth rate set the duration?",
        "gamma = {growth_rate_computed}, from an eigen-solve of the configured sheet; "
        "the run lasts {duration_over_required} times what it demands.",
        ("growth_rate_computed", "duration_over_required"),
        ("equilibrium_tearing_unstable", "duration_guard_passed"),
        ("campaign_plan.json", "checkpoints/checkpoint_index.json"),
    ),
    Question(
        "linear_efolds",
        "How many e-folds came before the nonlinear phase?",
        "{linear_phase_efolds} e-folds inside the detected window; cutting a quarter from either "
        "end changes the slope by {fit_window_slope_change}.",
        ("linear_phase_efolds", "growth_rate_measured", "fit_window_slope_change"),
        ("linear_phase_observed", "fit_window_sensitivity"),
        ("production_history.npz",),
    ),
    Question(
        "algebraic_phase",
        "Once exponential growth had ended, did the island widen algebraically, as theory has it?",
        "dW/dt = {algebraic_rate}, which is {rutherford_ratio} of 1.22 eta Delta' (comparable "
        "where Delta' delta <= 0.5, here {constant_psi_parameter}); "
        "conditions of an algebraic phase that are not met: {algebraic_phase_faults}.",
        (
            *("algebraic_rate", "rutherford_ratio", "constant_psi_parameter"),
            "algebraic_phase_faults",
        ),
        ("algebraic_phase_detected",),
        ("production_history.npz", "campaign_plan.json"),
    ),
    Question(
        "energy_budget",
        "Did the energy budget stay closed over the whole run?",
        "its largest residual is {max_energy_budget_residual}, over {history_samples} samples.",
        ("max_energy_budget_residual", "history_samples"),
        ("energy_budget_residual_within_tolerance",),
        ("production_history.npz",),
    ),
    Question(
        "robustness",
        "Does the result persist under resolution, time step and seed?",
        "{convergence_bundles} convergence bundles, over {evidence_words}; the two finest grids "
        "differ by {worst_resolution_difference} of the maximum, the order in time by "
        "{worst_timestep_order_error} from 4, growth over the seeds is known to {seed_half_width}; "
        "checks and gates that fail in the bundles: {failed_convergence_gates}, in the seed "
        "bundle: {failed_seed_gates}; conditions under which they are about this run and that do "
        "not hold: {evidence_mismatches}.",
        (
            *("convergence_bundles", "evidence_words", "worst_resolution_difference"),
            *("worst_timestep_order_error", "seed_half_width", "failed_convergence_gates"),
            *("failed_seed_gates", "evidence_mismatches"),
        ),
        ("convergence_bundles_passed", "seed_qi_bundle_passed", "evidence_matches_run"),
        ("{convergence_dirs}/cases", "{seed_qi_dir}/cases"),
    ),
    Question(
        "fixed_ranges",
        "Are the movies drawn with fixed ranges?",
        "movies missing: {missing_movies}; faults of range, time or coverage: {movie_faults}.",
        ("missing_movies", "movie_faults"),
        ("fixed_scale_movies_present", "movies_fixed_scale_verified"),
        ("figures/fixed_scale_flux_movie.json", "figures/fixed_scale_current_density_movie.json"),
    ),
    Question(
        "reproducible",
        "Can each file be made again from recorded commands and identified code?",
        "files without a recorded command: {artifacts_without_command}; stretches integrated again "
        "differ by {restart_difference}.",
        ("artifacts_without_command", "code_identity_faults", "restart_difference"),
        (
            "command_sequence_recorded",
            "code_identity_recorded",
            "artifact_hashes_verified",
            "checkpoint_restart_reproducibility",
        ),
        ("commands.jsonl", "manifest.json", "artifact_manifest.json", "checkpoints"),
    ),
)


def reviewer_answers(
    results: Sequence[GateResult], values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """`reviewer_answers` of a report: each question with its status, sentence, values and gates."""
    verdicts = {result.gate.name: result.verdict for result in results}
    return [_answer(question, verdicts, values) for question in QUESTIONS]


def _answer(
    question: Question, verdicts: Mapping[str, Verdict], values: Mapping[str, Any]
) -> dict[str, Any]:
    found = {name: verdicts.get(name, Verdict.UNKNOWN) for name in question.gates}
    unknown = [name for name, verdict in found.items() if verdict is Verdict.UNKNOWN]
    spoken = {name: _spoken(values.get(name)) for name in question.metrics}
    sentence = question.sentence.format(**spoken)
    return {
        "id": question.id,
        "question": question.text,
        "status": UNKNOWN if unknown else ANSWERED,
        "answer": f"unanswered: no value for {', '.join(unknown)}" if unknown else sentence,
        "metrics": {name: values.get(name) for name in question.metrics},
        "gates": {name: verdict.value for name, verdict in found.items()},
        "files": [place for name in question.files for place in _places(name, values)],
    }


def _places(name: str, values: Mapping[str, Any]) -> list[str]:
    """A file of the run, or one in each folder that the values name."""
    if not name.startswith("{"):
        return [name]
    key, _, below = name[1:].partition("}")
    found = values.get(key) or []
    return [f"{folder}{below}" for folder in ([found] if isinstance(found, str) else found)]


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, int | float) else "not reported"
