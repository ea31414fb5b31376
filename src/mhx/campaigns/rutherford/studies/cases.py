"""The finished cases of a study, read from their files and held against their own configuration.

Which cases there must be stands in the plan of the testbed, so a case that was left out is seen.  A
case counts when its files hash as its manifest says, when it ran the planned configuration, and
when its history is what `consistency` can tell it must be.  No verdict of a case is read.

Not here: whether the plan itself is as it was written (`mhx verify` of the folder), and what the
cases say (`judging`).
"""

import hashlib
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.consistency import inconsistencies, largest_difference
from mhx.config import parse, read_toml
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence.hashing import canonical, shared_digest
from mhx.evidence.manifest import (
    ARTIFACT_MANIFEST_NAME,
    MANIFEST_NAME,
    read_artifact_manifest,
    read_manifest,
)
from mhx.evidence.schemas import TESTBED_PLAN
from mhx.evidence.store import read_json
from mhx.reconnection.compilation import keep_compilations
from mhx.reconnection.config import Reconnection, family
from mhx.reconnection.diagnostics import DERIVED, Sampler
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.growth import GrowthRate
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.run import HISTORY_FILE, STATE_FILE, solver_of
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import read_history, read_state
from mhx.workflow.load import load
from mhx.workflow.stored import CONFIG, configuration_digest

POINT_STEPS = 1000 * 128**2  # what `reintegrated` integrates: 0.8 s on one core
ROWS = 64  # of the history, compared by `reintegrated`
DEEP, GRAIN = 8, 1000  # one draw in so many may go to the end; in how many parts lengths are drawn
PLAN, RUNS = "testbed_plan.json", "cases"
READ = (CONFIG, HISTORY_FILE, STATE_FILE)
"""The files of a case from which anything is judged."""


@dataclass(frozen=True, kw_only=True)
class CaseRun:
    """One finished case.

    history: the real arrays of `history.npz`, (n_samples,) each; state: the last one.
    digest: of the configuration, that of the plan; run_digest: of configuration and results.
    environment: `code_digest`, `jax` and `device` that it was made with.
    problems: why it does not count; empty when it does.
    """

    id: str
    label: str
    folder: Path
    config: Reconnection
    history: Mapping[str, np.ndarray]
    state: State
    digest: str
    run_digest: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @cached_property
    def growth(self) -> GrowthRate | None:
        """The eigen-solve of its own sheet; None where there is no sheet."""
        return _growth(canonical(_physics(self.config)), self.config.mode, _Held(self.config))

    @cached_property
    def initial_digest(self) -> str:
        """Content of the initial state, computed from the configuration."""
        return hashlib.sha256(initial_state(self.config).psi_hat.tobytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Cases:
    """All cases of one study.

    runs: those that left files which can be read, in the order of the plan, with or without
        problems.  missing: id -> why there is no run.  planned: every id.
    base: the configuration that the cases were made from; None where it cannot be read.
    purpose: of the study, in the words of its plan.
    """

    planned: tuple[str, ...]
    runs: tuple[CaseRun, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    base: Reconnection | None = None
    purpose: str = ""

    @property
    def usable(self) -> tuple[CaseRun, ...]:
        """The runs that count."""
        return tuple(run for run in self.runs if not run.problems)

    @property
    def problems(self) -> dict[str, str]:
        """Every planned case that does not count: id -> why."""
        return dict(self.missing) | {
            run.id: "; ".join(run.problems) for run in self.runs if run.problems
        }


def read_cases(folder: Path) -> Cases:
    """The cases of the testbed in a folder; EvidenceError where there is no plan to go by."""
    try:
        plan = read_json(folder / PLAN, TESTBED_PLAN)
        planned = [entry for entry in plan["cases"] if entry["enabled"]]
        runs, missing = [], {}
        for entry in planned:
            place = folder / RUNS / Path(entry["config_path"]).stem
            try:
                runs.append(_read(place, entry))
            except EvidenceError as error:
                missing[str(entry["case_id"])] = str(error)
        return Cases(
            planned=tuple(str(entry["case_id"]) for entry in planned),
            runs=tuple(runs),
            missing=missing,
            base=_base(folder, plan),
            purpose=str(plan["purpose"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"{folder / PLAN} is torn or altered: {error!r} in it") from error


def reintegrated(run: CaseRun, max_steps: int | None = None) -> float:
    """Integrate a case again from its configuration: the largest difference of any row.

    From step 0 over `max_steps` steps, or as far as a second or so reaches on its grid: small cases
    to their end, others through their first samples, one at least, and now and then up to any
    sample, so that no row is out of reach.  Of the rows on the way at most
    `ROWS` are compared, drawn by the operating system.  A difference is in units of the largest
    value of its name in these rows: 0 where code, JAX and device are those of the run; infinite
    where the rows cannot be compared.
    """
    keep_compilations()
    reach = _reach(run.config) if max_steps is None else max_steps
    drawn = _drawn(run.history["step"], reach)
    solver, state = solver_of(run.config), initial_state(run.config)
    sampler = Sampler(run.config, state, solver.fields)
    carry = solver.advance(solver.load(state), 0)
    rows, step = [], 0
    for target in run.history["step"][drawn].tolist():
        carry = solver.advance(carry, target - step)
        step = target
        reached = solver.read(carry, step)
        if not reached.finite:
            return math.inf
        rows.append(sampler.row(reached))
    names = [name for name in run.history if name != DERIVED]
    if any(name not in rows[0] for name in names):
        return math.inf
    ours = {name: np.array([row[name] for row in rows]) for name in names}
    theirs = {name: run.history[name][drawn] for name in names}
    return largest_difference(ours, theirs, theirs)


def _reach(config: Reconnection) -> int:
    """Steps to integrate again; of the longer draws the shorter ones are the more likely."""
    nx, ny = config.grid.shape
    first = max(1, POINT_STEPS // (nx * ny))
    if first >= config.steps or secrets.randbelow(DEEP):
        return first
    share = secrets.randbelow(GRAIN + 1) / GRAIN
    return math.ceil(first * math.pow(config.steps / first, share))


def _drawn(steps: np.ndarray, reach: int) -> list[int]:
    """Positions of the rows to compare: the first, the last within reach, a draw from between."""
    last = max(1, int(np.searchsorted(steps, reach, side="right")) - 1)
    between = range(1, last)
    picked = secrets.SystemRandom().sample(between, min(len(between), ROWS - 2))
    return sorted({0, min(last, len(steps) - 1), *picked})


def _read(run: Path, entry: Mapping[str, Any]) -> CaseRun:
    """One case; EvidenceError where it left nothing that can be read."""
    if not (run / MANIFEST_NAME).is_file():
        raise EvidenceError(f"{run} holds no finished run: {MANIFEST_NAME} is not there")
    manifest = _manifest(run)
    problems = list(_altered(run, manifest["hashes"]))
    stored = _stored(run)
    digest = configuration_digest(stored)
    if digest != entry["child_digest"]:
        problems.append(f"{CONFIG} is not the configuration that was planned")
    if configuration_digest(manifest["config"]) != digest:
        problems.append(f"{MANIFEST_NAME} states another configuration than {CONFIG}")
    config = _configuration(run, stored)
    history = {
        name: values
        for name, values in read_history(run / HISTORY_FILE).arrays.items()
        if values.dtype.kind in "if"
    }
    state, belongs = read_state(run / STATE_FILE, grid=config.grid)
    problems += inconsistencies(config, history, state)
    if belongs.dtype != config.numerics.dtype:
        problems.append(f"{STATE_FILE} is of {belongs.dtype}, not {config.numerics.dtype}")
    made = {"code_digest": manifest.get("code_digest"), "device": manifest.get("device")}
    made["jax"] = (manifest.get("dependencies") or {}).get("jax")
    return CaseRun(
        id=str(entry["case_id"]),
        label=str(entry["case_label"] or entry["case_id"]),
        folder=run,
        config=config,
        history=history,
        state=state,
        digest=digest,
        run_digest=str(manifest.get("digest", "")),
        environment={name: str(value) for name, value in made.items() if value},
        problems=tuple(problems),
    )


def _manifest(run: Path) -> dict[str, Any]:
    """The manifest of a case, with the tables that are read of it."""
    manifest = read_manifest(run / MANIFEST_NAME)
    for key in ("hashes", "config"):
        if not isinstance(manifest.get(key), Mapping):
            raise EvidenceError(f"{run / MANIFEST_NAME} was altered: {key} is no table")
    return manifest


def _stored(run: Path) -> dict[str, Any]:
    try:
        return read_toml(run / CONFIG)[0]
    except ConfigError as error:
        raise EvidenceError(f"{run / CONFIG} is torn or altered: {error}") from error


def _configuration(run: Path, stored: Mapping[str, Any]) -> Reconnection:
    try:
        return parse(Reconnection, dict(stored))
    except ConfigError as error:
        raise EvidenceError(f"{run / CONFIG} is no configuration: {error}") from error


def _altered(run: Path, hashes: Mapping[str, str]) -> Iterator[str]:
    """What of the files is not as the manifest lists it."""
    for name in sorted({*hashes, *READ}):
        try:
            if name not in hashes:
                yield f"{name} is not listed in {MANIFEST_NAME}"
            elif shared_digest(os.path.join(run, name)) != hashes[name]:
                yield f"{name} is not the file that {MANIFEST_NAME} lists"
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}"
    try:
        listed = read_artifact_manifest(run / ARTIFACT_MANIFEST_NAME).get("files") or []
        own = {entry.get("path"): entry.get("sha256") for entry in listed}
        if any(own.get(name) != digest for name, digest in hashes.items()):
            yield f"{ARTIFACT_MANIFEST_NAME} and {MANIFEST_NAME} do not agree"
    except EvidenceError as error:
        yield str(error)


def _base(folder: Path, plan: Mapping[str, Any]) -> Reconnection | None:
    """The configuration that the children were made from."""
    try:
        return parse(Reconnection, dict(load(folder / plan["base_config"]).config))
    except (ConfigError, OSError):
        return None


def _physics(config: Reconnection) -> dict[str, Any]:
    """What decides the growth rate; noise does not."""
    return {name: value for name, value in family(config).items() if name != "noise_amplitude"}


@dataclass(frozen=True)
class _Held:
    """A configuration that rides along with the key of a cache, and is no part of it."""

    config: Reconnection = field(compare=False)


@cache
def _growth(physics: str, mode: tuple[int, int], held: _Held) -> GrowthRate | None:
    """One eigen-solve for all cases of one physics, whatever their grid."""
    try:
        return growth_rate(held.config)
    except ConfigError:  # a state without a sheet has no growth rate
        return None
