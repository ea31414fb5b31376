"""From the flags of `mhx benchmark ...` to a study: every fault at once, nothing written.

`LongRun`, `Convergence`, `Sweep`, `Seeds` hold the words of a command line, None where ours is
meant (`tables` says what that is).  `study_of` reads them, fills in a plan where one is named, and
checks every case as the run file that it will be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford import design
from mhx.campaigns.rutherford.parameters import asked
from mhx.campaigns.rutherford.studies import planned, study, tables
from mhx.campaigns.rutherford.studies.study import Study, StudyCase
from mhx.campaigns.rutherford.studies.tables import Asked
from mhx.campaigns.rutherford.studies.variants import Variants, variants_of
from mhx.config import Source, faults_in, listed, refusals_of
from mhx.config.faults import Told
from mhx.reconnection.config import Reconnection, family

OUTPUTS = Path("outputs/benchmarks")


@dataclass(frozen=True, kw_only=True)
class Common:
    """The flags of every study.

    from_plan: a run directory whose plan gives every parameter.  share: folders of other studies
    whose equal cases are linked in instead of being computed again.
    """

    command: ClassVar[str]
    kind: ClassVar[str]
    table: ClassVar[type[Asked]]

    outdir: Path | None = None
    from_plan: Path | None = None
    share: Sequence[Path] | None = None
    equilibrium: str | None = None
    width: float | None = None
    amplitude: float | None = None
    perturbation_amplitude: float | None = None
    mode_x: int | None = None
    mode_y: int | None = None
    eta: float | None = None
    nu: float | None = None
    hold_equilibrium: bool | None = None
    noise_amplitude: float | str | None = None
    lx: float | None = None
    ly: float | None = None
    dtype: str | None = None
    t_end: float | None = None
    save_every: int | str | None = None
    save_interval: float | None = None
    fit_start: float | None = None
    fit_stop: float | None = None
    jobs: int | str | None = None


@dataclass(frozen=True, kw_only=True)
class _OneSeed(Common):
    """Studies of one seed, whose cases have floors of their own."""

    seed: int | None = None
    min_early_growth_rate: float | None = None
    min_max_growth_factor: float | None = None
    min_reconnected_flux_amplification: float | None = None
    min_island_width_amplification: float | None = None


@dataclass(frozen=True, kw_only=True)
class _OnOneGrid(Common):
    nx: int | None = None
    ny: int | None = None
    dt: float | str | None = None


@dataclass(frozen=True, kw_only=True)
class LongRun(_OnOneGrid, _OneSeed):
    """`double-harris-long-run`."""

    command = "double-harris-long-run"
    kind = study.LONG_RUN
    table = tables.LongRunTable

    movies: bool | None = None
    ci_fast: bool | None = None
    store_fields: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Convergence(_OneSeed):
    """`double-harris-convergence`."""

    command = "double-harris-convergence"
    kind = study.CONVERGENCE
    table = tables.ConvergenceTable

    resolutions: str | None = None
    dt_values: str | None = None
    reference_resolution: int | str | None = None
    reference_dt: float | str | None = None
    max_relative_growth_rate_spread: float | None = None
    max_relative_max_growth_spread: float | None = None
    max_relative_flux_amplification_spread: float | None = None
    max_relative_width_amplification_spread: float | None = None


@dataclass(frozen=True, kw_only=True)
class Sweep(_OnOneGrid, _OneSeed):
    """`double-harris-parameter-sweep`."""

    command = "double-harris-parameter-sweep"
    kind = study.SWEEP
    table = tables.SweepTable

    sweep_axis: str | None = None
    widths: str | None = None
    etas: str | None = None
    viscosities: str | None = None
    modes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seeds(_OnOneGrid):
    """`seed-robust-qi`."""

    command = "seed-robust-qi"
    kind = study.SEEDS
    table = tables.SeedsTable

    seeds: str | None = None


def study_of(options: Common) -> Study:
    """The study that the flags ask for; a ConfigError lists every fault by its flag."""
    if isinstance(options, LongRun) and options.ci_fast and options.t_end is None:
        options = replace(options, t_end=tables.FAST_END)
    if options.from_plan is not None:
        options = planned.filled(options, options.from_plan)
    table = asked(options.table, _read(options), options.command)
    return _made(options, table, variants_of(table))


def _read(options: Common) -> Common:
    """`auto` is what an absent flag means, where the table has no word for it."""
    left_out = {
        name: None for name in ("noise_amplitude", "save_every") if getattr(options, name) == "auto"
    }
    return replace(options, **left_out) if left_out else options


def _made(options: Common, table: Asked, found: Variants) -> Study:
    configs, faults = _checked(found, _chooses_step(table))
    if faults:
        raise listed(Source(options.command, flags=_flags(table)), faults)
    movies = isinstance(table, tables.LongRunTable) and table.movies
    base = found.run_file(found.base)
    if movies:
        base["diagnostics"]["frames"] = True
    return Study(
        kind=options.kind,
        outdir=options.outdir or OUTPUTS / _place(table),
        base=base,
        cases=_cases(found, base, movies),
        family=family(configs[0]),
        bounds=bounds_of(table, options.kind, found.window),
        axis=table.sweep_axis if isinstance(table, tables.SweepTable) else "",
        unavailable=found.unavailable,
        share=tuple(options.share or ()),
        movies=movies,
        store_fields=isinstance(table, tables.LongRunTable) and table.store_fields,
    )


def _place(table: Asked) -> str:
    """Where a study is written unless told."""
    match table:
        case tables.ConvergenceTable():
            return "double_harris_convergence"
        case tables.SweepTable():
            return f"double_harris_{table.sweep_axis}_sweep"
        case tables.SeedsTable():
            return "seed_robust_qi"
    return "double_harris_long_run"


def _checked(found: Variants, automatic: bool) -> tuple[list[Reconnection], list[Told]]:
    """The base and every case as checked run files, and what is wrong with them, each once."""
    configs: list[Reconnection] = []
    faults: dict[tuple[Any, str], Told] = {}
    for variant in (found.base, *found.cases):
        data = found.run_file(variant)
        config, told = faults_in(Reconnection, data)
        if config is not None:
            configs.append(config)
            where = f" (at {variant.problem.nx} x {variant.problem.ny} points)"
            told = [Told(fault.place, fault.text + where) for fault in refusals_of(config)]
        if told and automatic:  # nobody asked for that step: what is wrong is why there is none
            told = faults_in(Reconnection, _of_any_step(data))[1] or told
        faults |= {(fault.place, fault.text): fault for fault in told}
    own = [Told(tuple(key.split(".")), text) for key, text in found.faults.items()]
    return configs, [*own, *faults.values()]


def _chooses_step(table: Asked) -> bool:
    names = ("dt", "dt_values", "reference_dt")
    return all(getattr(table, name, "auto") == "auto" for name in names)


def _of_any_step(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "time": {**data["time"], "dt": "auto", "save_every": 1}}


def _flags(table: Asked) -> dict[str, str]:
    """Key of a run file -> the flag of this command that sets it."""
    flags = {**design.FLAGS, "diagnostics.fit_time_window": "--fit-start/--fit-stop"}
    if isinstance(table, tables.ConvergenceTable):
        flags |= {"mesh.shape": "--resolutions", "time.dt": "--dt-values/--reference-dt"}
        flags |= {f"mesh.shape.{n}": "--resolutions" for n in (0, 1)}
    if isinstance(table, tables.SweepTable):
        sheet = "physics.equilibrium_parameters"
        varied = {
            "width": {f"{sheet}.width": "--widths"},
            "resistivity": {"physics.resistivity": "--etas", "physics.viscosity": "--viscosities"},
            "mode": {f"{sheet}.perturbation_mode_{axis}": "--modes" for axis in "xy"},
        }
        flags |= varied[table.sweep_axis]
    return flags


def _cases(found: Variants, base: Mapping[str, Any], movies: bool) -> list[StudyCase]:
    """The cases, the longest first, so that several at a time end together."""
    cases = []
    for variant in sorted(found.cases, key=lambda case: -_cost(found, case.dt, case.problem)):
        data = found.run_file(variant)
        if movies:
            data["diagnostics"]["frames"] = True
        cases.append(
            StudyCase(
                id=variant.name,
                label=variant.label,
                overlay=differing(base, data),
                coordinates=variant.coordinates,
            )
        )
    return cases


def _cost(found: Variants, dt: float, problem: Any) -> float:
    return float(found.t1 / dt * problem.nx * problem.ny)


def differing(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What `other` sets otherwise than `base`, nested alike; both have the same keys."""
    found: dict[str, Any] = {}
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            if below := differing(base[key], value):
                found[key] = below
        elif key not in base or base[key] != value:
            found[key] = value
    return found


def bounds_of(table: Asked, kind: str, window: tuple[float, float]) -> dict[str, float]:
    """Every bound in use: those of a validation, over them what the command was given."""
    names = (*thresholds.BOUNDS, *thresholds.FLOORS[kind])
    own = {name: float(getattr(table, name)) for name in names if hasattr(table, name)}
    return {
        **thresholds.at_validation(),
        **own,
        "fit_start": window[0],
        "fit_stop": window[1],
    }
