"""The studies of a lane as commands: long run, two ladders, two sweeps, seeds.

Each takes equal numbers (end time, step, stride, fit window), so that equal runs of different
studies have equal configurations and are computed once; `--share` says where they may lie already.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.rutherford.lane.design import LaneDesign
from mhx.campaigns.rutherford.lane.words import (
    BUNDLE,
    CROSSCHECK,
    DOUBLE_HARRIS_BOUNDARY,
    ETA_SWEEP,
    FLOORS,
    LONG_RUN,
    MAIN,
    MOVIES,
    SEED_QI,
    WIDTH_SWEEP,
    below,
    bounds,
    differs,
    flag,
    grid,
    listed,
    physics,
    window,
)


class _Told(NamedTuple):
    """What the list says of a study."""

    id: str
    stage: str
    gate: str
    description: str


def long_run(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    floors = [name for name in FLOORS if differs(asked, name)]
    return _study(
        lane,
        LONG_RUN,
        _Told(
            "double_harris_long_run",
            "execute",
            "movie",
            "one run to the end with its movies, judged as a validation",
        ),
        words=(
            *("double-harris-long-run", "--movies", *grid(asked)),
            *flag("--dt", lane.cadence.dt),
            *flag("--save-every", lane.cadence.save_every),
            *flag("--noise-amplitude", asked.noise_amplitude),
            *window(lane),
            *bounds(asked, floors),
        ),
        files=("periodic_double_harris_seeded_long_run.npz", *MOVIES),
    )


def convergence(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    ladders = (
        ("main", MAIN, asked.convergence_resolutions, lane.dt_values, [LONG_RUN]),
        (
            *("crosscheck", CROSSCHECK, asked.crosscheck_resolutions),
            *(lane.crosscheck_dt_values, [LONG_RUN, MAIN]),
        ),
    )
    return [
        _study(
            lane,
            outdir,
            _Told(
                f"double_harris_convergence_{name}",
                "convergence",
                "convergence",
                "the same run on other grids and with other time steps",
            ),
            words=(
                *("double-harris-convergence", "--resolutions", listed(resolutions)),
                *("--dt-values", listed(steps)),
                *flag("--reference-resolution", min(resolutions)),
                *flag("--reference-dt", lane.cadence.dt),
                *flag("--save-interval", lane.cadence.save_interval),
                *flag("--noise-amplitude", asked.noise_amplitude),
                *window(lane),
            ),
            files=("periodic_double_harris_convergence.npz",),
            share=share,
        )
        for name, outdir, resolutions, steps, share in ladders
    ]


def sweeps(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    widths = ("--widths", listed(asked.widths)) if asked.widths else ()
    etas = ("--etas", listed(asked.etas), "--viscosities", listed(asked.viscosities))
    before = [LONG_RUN, MAIN, CROSSCHECK]
    rows = (
        ("width_sweep", "width_aspect", WIDTH_SWEEP, ("width", *widths), before),
        (
            *("eta_lundquist_sweep", "eta_lundquist", ETA_SWEEP),
            *(("resistivity", *etas), [*before, WIDTH_SWEEP]),
        ),
    )
    return [
        _study(
            lane,
            outdir,
            _Told(
                f"double_harris_{name}",
                "sweep",
                gate,
                "the same run with its neighbours: how far the claim reaches",
            ),
            words=(
                *("double-harris-parameter-sweep", "--sweep-axis", *axis, *grid(asked)),
                *flag("--dt", lane.cadence.dt),
                *flag("--save-interval", lane.cadence.save_interval),
                *flag("--noise-amplitude", asked.noise_amplitude),
                *window(lane),
            ),
            # a sheet without width has no cases, hence no arrays
            files=() if axis == ("width",) else ("periodic_double_harris_parameter_sweep.npz",),
            share=share,
        )
        for name, gate, outdir, axis, share in rows
    ]


def seeds(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    return _study(
        lane,
        SEED_QI,
        _Told(
            "seed_qi",
            "seed_qi",
            "seed_qi",
            "the same run from other random seeds",
        ),
        words=(
            *("seed-robust-qi", "--seeds", listed(asked.seeds), *grid(asked)),
            *flag("--dt", lane.cadence.dt),
            *flag("--save-every", lane.cadence.save_every),
            *flag("--noise-amplitude", asked.qi_noise_amplitude),
        ),
        files=("ensemble.npz", "figures/qi_summary.png"),
        share=[LONG_RUN, MAIN, CROSSCHECK],
    )


def _study(
    lane: LaneDesign,
    outdir: str,
    told: _Told,
    *,
    words: Sequence[str],
    files: Sequence[str],
    share: Sequence[str] = (),
) -> LaneCommand:
    """A `mhx benchmark` command: its own words, then what all of them share."""
    asked = lane.asked
    command, *own = words
    return LaneCommand(
        id=told.id,
        stage=told.stage,
        gate=told.gate,
        description=told.description,
        family="seed_qi" if outdir == SEED_QI else "double_harris",
        words=(
            *("benchmark", command, "--outdir", outdir, *physics(asked), *own),
            *flag("--t-end", lane.cadence.t1),
            *(word for folder in share for word in ("--share", folder)),
            *flag("--jobs", asked.jobs),
        ),
        timeout_seconds=asked.timeout_seconds,
        expensive=True,
        claim_boundary=DOUBLE_HARRIS_BOUNDARY,
        expected_outputs=below(outdir, (*BUNDLE, *files)),
        lasting=below(outdir, ("artifact_manifest.json",)),
        verdicts=f"{outdir}/validation.json",
        folders=(outdir,),
    )
