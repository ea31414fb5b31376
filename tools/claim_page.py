#!/usr/bin/env python3
"""Figures and numbers of docs/explanation/what-a-production-claim-means.md, from a finished lane.

    mhx campaign production-lane --execute --nx 128 --ny 128 --convergence-resolutions 96,128,192 \\
        --crosscheck-resolutions 112,144,192 --outdir LANE
    python tools/claim_page.py LANE

Copies the figures of the promotion and writes the table between the marks of the page.  Every
number is the value that a gate read, beside its bound.  A lane without a claim is refused.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from mhx.errors import MhxError
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.store import read_json, write_bytes

DOCS = Path(__file__).parents[1] / "docs" / "explanation"
PAGE = "what-a-production-claim-means.md"
PLACE = Path("figures") / "production-claim"
FIGURES = (
    "linear_phase.png", "rutherford_phase.png", "saturation.png", "energy_budget.png",
    "convergence.png", "seeds.png", "promotion_matrix.png",
)  # fmt: skip
START, END = "<!-- measured: python tools/claim_page.py LANE -->", "<!-- end of measured -->"

RUN = "rutherford"
ROWS: dict[str, dict[str, str]] = {
    f"{RUN}/promotion": {
        "equilibrium_tearing_unstable": "growth rate of the eigen-solve [v_A/L]",
        "duration_guard_passed": "length of the run over what that demands",
        "linear_phase_observed": "e-folds in the linear window",
        "growth_rate_matches_eigenvalue": "slope against eigenvalue, relative",
        "fit_window_sensitivity": "change of the slope with the window",
        "algebraic_phase_detected": "conditions of an algebraic phase not met",
        "nonlinear_response_present": "change of the mean shear",
        "reconnected_flux_amplifies": "flux, largest over initial",
        "island_width_amplifies": "width, largest over initial",
        "island_width_definitions_agree": "two definitions of the width apart",
        "energy_budget_residual_within_tolerance": "residual of the energy budget",
        "magnetic_divergence_within_tolerance": "div B [v_A/L]",
        "spectral_tail_within_tolerance": "tail of the spectrum",
        "time_step_stable_throughout": "dt over the limit of stability",
        "checkpoint_restart_reproducibility": "stretches integrated again apart",
    },
    "../double_harris/convergence_main": {
        "resolution_converged": "main study: two finest grids apart",
        "timestep_order": "main study: error of the order in time",
    },
    "../double_harris/convergence_crosscheck": {
        "resolution_converged": "cross-check: two finest grids apart",
        "timestep_order": "cross-check: error of the order in time",
    },
    "../seed_qi": {
        "linear_growth_rate_passed": "seeds: growth rate, half width",
        "peak_island_width_passed": "seeds: peak width, half width",
    },
    "../double_harris/width_sweep": {
        "growth_matches_eigenvalue_all": "widths: slope against eigenvalue, worst",
    },
    "../double_harris/eta_lundquist_sweep": {
        "growth_matches_eigenvalue_all": "resistivities: slope against eigenvalue, worst",
    },
}
"""What is quoted: the promotion, or a bundle by its path from the run; gate, words."""


def main(lane: Path, docs: Path = DOCS) -> int:
    """Fill the page in `docs`; 1 where the lane holds no claim or lacks a figure."""
    manifest = read_json(lane / RUN / "manifest.json")
    if manifest["claim_level"] != ClaimLevel.PRODUCTION.value:
        print(f"{lane}: {manifest['claim_level']}, the page is about a claim", file=sys.stderr)
        return 1
    drawn = lane / RUN / "promotion" / "figures"
    lacking = [name for name in FIGURES if not (drawn / name).is_file()]
    if lacking:
        print(f"{drawn} lacks {', '.join(lacking)}", file=sys.stderr)
        return 1
    (docs / PLACE).mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        shutil.copyfile(drawn / name, docs / PLACE / name)
    text = (docs / PAGE).read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    filled = f"{before}{START}\n{_measured(lane, manifest)}{END}{after}"
    write_bytes(docs / PAGE, filled.encode())
    print(f"wrote {docs / PAGE}")
    return 0


def _measured(lane: Path, manifest: dict[str, Any]) -> str:
    report = read_json(lane / RUN / "promotion" / "promotion_readiness.json")
    algebraic = report["algebraic_phase"]
    told = [
        f"The claim: *{manifest['claim_scope']}*",
        f"Fitted slope {report['linear_phase']['slope']:.5g} v_A/L from t = "
        f"{report['linear_phase']['t_start']:.4g} to {report['linear_phase']['t_end']:.4g} L/v_A; "
        f"dW/dt = {algebraic['width_rate']:.4g} v_A from there to {algebraic['t_end']:.4g} L/v_A, "
        f"{_number(algebraic['rutherford_ratio'])} of 1.22 eta Delta', with Delta' delta = "
        f"{_number(algebraic['constant_psi_parameter'])}"
        f"{'' if algebraic['comparable'] else ', not comparable'}; width at saturation "
        f"{_number(report['saturation']['width'])} L, "
        f"{_number(report['saturation']['width_over_half_box'])} of half a box.",
    ]
    lines = ["| what | value | bound | gate |", "|---|---|---|---|"]
    promoted = read_json(lane / RUN / "promotion" / "validation.json")["verdicts"]
    judged = {f"{RUN}/promotion": promoted} | {
        row["path"]: row["gates"] for row in _bundles(report)
    }
    for folder, gates in ROWS.items():
        verdicts = judged[folder]
        for gate, words in gates.items():
            value, bound = _number(verdicts[gate]["value"]), _bound(verdicts[gate]["bound"])
            lines.append(f"| {words} | {value} | {bound} | `{gate}` |")
    return "\n" + "\n\n".join([*told, "\n".join(lines)]) + "\n\n"


def _bundles(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The evidence as the promotion judged it, at the bounds of a claim."""
    return [
        *report["convergence_reports"],
        report["seed_qi_report"],
        *report["sweep_reports"].values(),
    ]


def _number(value: float | None) -> str:
    return "not reported" if value is None else f"{value:.4g}"


def _bound(bound: dict[str, float | None]) -> str:
    low, high = bound["low"], bound["high"]
    if low is None:
        return f"<= {high:g}"
    return f">= {low:g}" if high is None else f"{low:g} .. {high:g}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        sys.exit(main(Path(sys.argv[1])))
    except MhxError as error:
        sys.exit(f"claim_page: {error}")
