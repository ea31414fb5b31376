"""The initial state of a campaign, bound once: every later chunk must belong to it.

Until it is bound, a seed and a noise amplitude other than the plan's may be asked for.  It can be
made again from its seed, so a lost or damaged file is restored if the digest says that it is the
same state, and refused if it is not.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.keeping import artifact
from mhx.campaigns.plan import Plan
from mhx.campaigns.resume import initial_record, other_plan
from mhx.campaigns.rutherford.executed import configuration
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import checkpoints, schemas, store
from mhx.evidence.hashing import file_digest
from mhx.evidence.provenance import API_VERSION, now
from mhx.reconnection.config import Reconnection, family, family_digest
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.solver import energies
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import Belongs, read_state, write_state

PLACE = "checkpoints/initial_state.npz"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The initial state and the configuration that it makes of the plan; `told`: what was done."""

    config: Reconnection
    initial: State
    belongs: Belongs
    sha256: str
    told: str = ""


def refuse_disagreement(
    folder: RunFolder, plan: Plan, seed: int | None, noise_amplitude: float | None
) -> None:
    """Nothing may be mixed: another plan, seed or noise than that of the bound state is exit 2."""
    if foreign := other_plan(folder, plan):
        raise ConfigError(foreign)
    record = initial_record(folder)
    if record is None:
        return
    asked = {"seed": seed, "noise_amplitude": noise_amplitude}
    faults = [
        f"--{name.replace('_', '-')} {value!r} disagrees with {record[name]!r}, with which the "
        f"initial state of {folder.root} is bound; leave the flag out"
        for name, value in asked.items()
        if value is not None and value != record[name]
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def bind(
    folder: RunFolder, plan: Plan, seed: int | None, noise_amplitude: float | None, attempt: str
) -> Bound:
    """The bound initial state; the first call writes it, a later one restores it if it must."""
    record = initial_record(folder)
    planned = plan.config["initial"]
    values = record or {
        "seed": planned["seed"] if seed is None else seed,
        "noise_amplitude": planned["noise_amplitude"]
        if noise_amplitude is None
        else noise_amplitude,
    }
    config = configuration(plan, values["seed"], values["noise_amplitude"])
    wanted = record["artifacts"]["state"]["sha256"] if record else _wanted(folder)
    if wanted is None or not checkpoints.intact(folder.root, {PLACE: wanted}):
        told = _make(folder, plan, config, wanted)
    else:
        told = ""
    sha256 = file_digest(folder.initial_state)
    if record is None:
        _write_record(folder, plan, config, attempt)
    initial, belongs = read_state(folder.initial_state, grid=config.grid)
    return Bound(config=config, initial=initial, belongs=belongs, sha256=sha256, told=told)


def _wanted(folder: RunFolder) -> str | None:
    """The digest that the checkpoints know although the record is lost."""
    for record in checkpoints.read_records(folder.root)[0]:
        if record.initial_state_sha256:
            return record.initial_state_sha256
    return None


def _make(folder: RunFolder, plan: Plan, config: Reconnection, wanted: str | None) -> str:
    """Write the state from its seed; with a digest to meet, only if it is the very same state."""
    state = initial_state(config)
    belongs = Belongs(
        plan_digest=plan.digest,
        dtype=config.numerics.dtype,
        initial_energy=sum(energies(state, config.grid)),
    )
    if wanted is None:
        write_state(folder.initial_state, state, grid=config.grid, belongs=belongs)
        return "initial state bound"
    with tempfile.TemporaryDirectory() as place:
        again = Path(place) / "initial_state.npz"
        write_state(again, state, grid=config.grid, belongs=belongs)
        if file_digest(again) != wanted:
            raise EvidenceError(
                f"{folder.initial_state} is missing or altered, and seed {config.initial.seed} "
                f"with noise {config.initial.noise_amplitude:g} does not give the state "
                f"{wanted[:12]} that the checkpoints belong to; restore the file from a copy, or "
                "give the --seed and --noise-amplitude of the first call"
            )
        store.write_bytes(folder.initial_state, again.read_bytes())
    return "initial state was missing or altered; made again from its seed, with the same digest"


def _write_record(folder: RunFolder, plan: Plan, config: Reconnection, attempt: str) -> None:
    body = store.strict(
        {
            "schema": schemas.CAMPAIGN_CHECKPOINT,
            "api_version": API_VERSION,
            "created_utc": now(),
            "checkpoint_id": "initial_state",
            "step": 0,
            "time": 0.0,
            "plan_digest": plan.digest,
            "seed": config.initial.seed,
            "noise_amplitude": config.initial.noise_amplitude,
            "family": family(config),
            "family_digest": family_digest(config),
            "artifacts": {"state": artifact(folder.root, PLACE)},
            "attempt_id": attempt,
        }
    )
    store.write_json(folder.initial_record, {**body, "digest": checkpoints.record_digest(body)})
