"""`mhx campaign rutherford-execute`: one chunk of a run, from its newest valid checkpoint.

`execute` owns the folder, the signals and the record of the call; what is done in between stands in
`chunk`, which is imported after the signals are watched, since loading the solver takes a second.
A call may be repeated at any time: it continues, finds nothing to do, or refuses and says why.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from mhx.campaigns.attempts import Attempt, recorded
from mhx.campaigns.execute import Watch
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.report.answer import Answer

CLOSING_S = 10.0  # figures, verdicts and manifests, kept free before a walltime ends
BOUNDS = {
    "max_relative_energy_growth": "--max-relative-energy-growth",
    "max_divergence_linf": "--max-divergence-linf",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags; None is ours: the plan's value, or what the help says."""

    max_steps: int | None = None
    walltime_minutes: float | None = None
    seed: int | None = None
    noise_amplitude: float | None = None
    movies: bool | None = None
    allow_production_claim: bool | None = None
    max_relative_energy_growth: float | None = None
    max_divergence_linf: float | None = None
    no_restart: bool | None = None
    keep_states: int | None = None
    json: bool = False

    def bounds(self) -> dict[str, float]:
        """The bounds that were given."""
        given = {name: getattr(self, name) for name in BOUNDS}
        return {name: float(value) for name, value in given.items() if value is not None}


@dataclass
class Call:
    """One call: what it was given, and what it has found out so far."""

    folder: RunFolder
    plan: Plan
    options: Options
    attempt: Attempt
    watch: Watch
    told: list[str] = field(default_factory=list)

    def say(self, *lines: str) -> None:
        """To the log at once, and to the answer at the end."""
        for line in lines:
            self.told.append(line)
            self.attempt.say(line)


def execute(run_dir: Path, options: Options) -> Answer:
    """Advance a run by one chunk, or judge it again (`max_steps` 0)."""
    began = time.monotonic()
    with Watch() as watch:
        from mhx.campaigns.rutherford import chunk  # noqa: PLC0415  (a signal has to be heard before)

        folder = RunFolder(Path(run_dir))
        plan = read_plan(folder)
        chunk.refuse(folder, plan, options)
        if options.walltime_minutes is not None:
            seconds = 60 * options.walltime_minutes
            watch.deadline, watch.reserve_s = began + seconds, min(CLOSING_S, seconds / 4)
        facts = {"plan_digest": plan.digest, "target_step": plan.target_step}
        with recorded(folder, facts) as attempt:
            answer = chunk.carried_out(Call(folder, plan, options, attempt, watch))
            attempt.end(answer.exit_code, {"headline": answer.headline})
    return answer
