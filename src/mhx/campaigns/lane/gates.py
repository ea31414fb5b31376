"""What a lane must show before it runs: read from the manifest on disk, never from memory.

A failed gate does not keep a lane from running, so that a bad case ends as `validation` with
everything named; an unstable time step does, for it can only end in NaN.
"""

import math
import sys
from collections.abc import Mapping
from typing import Any

from mhx.campaigns.lane.commands import flags_of
from mhx.evidence.gates import Gate, GateResult, judge_all

SEEDS, STUDIED, BUNDLES, MOVIES, CHECKS = 8, 3, 2, 2, 2
STABLE = 0.9
"""Largest dt over the stability limit of an initial state that a planner accepts [1]."""

AGAIN = "ask for the lane again, into a new folder, with "


def judged(document: Mapping[str, Any]) -> list[GateResult]:
    """Every driver gate, on a manifest as it was read back."""
    return judge_all(_gates(document), measure(document))


def measure(document: Mapping[str, Any]) -> dict[str, float | None]:
    """The metrics of the driver gates; None where a number does not exist."""
    campaign, commands = document["campaign"], document["commands"]
    grid = campaign["grid"]
    return {
        "duration_policy_least": _least(campaign["duration"]),
        "resolution": min(grid["nx"], grid["ny"]),
        "seeds_declared": _declared(commands, "--seeds"),
        "widths_declared": _declared(commands, "--widths"),
        "etas_declared": _declared(commands, "--etas"),
        "begun_before_the_manifest": _begun_before(document),
        "convergence_bundles_declared": _bundles(commands),
        "movie_commands": sum("--movies" in command["command"] for command in commands),
        "promotion_commands": sum(map(_is_a_check, commands)),
        "finalize_faults": _finalize_faults(commands),
        "time_step_ratio": campaign["time"]["largest_stability_ratio"],
    }


def _least(duration: Mapping[str, Any]) -> float | None:
    names = ("growth_rate", "required_efolds", "safety_factor", "t_end")
    found = [duration[name] for name in names]
    return None if None in found else min(found)


def _declared(commands: list[Any], flag: str) -> int:
    """Distinct values that the commands give to a list flag, together."""
    values = {
        float(entry)
        for command in commands
        for words in flags_of(command, flag)
        for entry in words.split(",")
    }
    return len(values)


def _begun_before(document: Mapping[str, Any]) -> int:
    """Stages whose folder was there, and commands that started, before this file was."""
    started = (row.get("started_utc") for row in document["execution"]["results"])
    early = sum(when is not None and when < document["created_utc"] for when in started)
    return int(early) + len(document["campaign"]["found_before"])


def _bundles(commands: list[Any]) -> int:
    asked = {
        (*flags_of(command, "--outdir"), *flags_of(command, "--resolutions"))
        for command in commands
        if command["stage"] == "convergence"
    }
    resolutions = {words[1:] for words in asked}
    return min(len({words[:1] for words in asked}), len(resolutions))


def _is_a_check(command: Mapping[str, Any]) -> bool:
    """A promotion check that is given both convergence bundles, and the rest that it judges."""
    words = command["command"]
    if len(flags_of(command, "--convergence-dir")) < BUNDLES:
        return False
    if "double-harris-promotion-check" in words:
        return True
    others = {"--seed-qi-dir", "--width-sweep-dir", "--eta-sweep-dir", "--require-sweeps"}
    return "rutherford-promotion-check" in words and others <= set(words)


def _finalize_faults(commands: list[Any]) -> int:
    """Exactly one command asks for the claim, it is the last one, and it waits for the check."""
    asking = [place for place, c in enumerate(commands) if _claims(c)]
    waits = bool(commands) and commands[-1]["only_after"] is not None
    return abs(len(asking) - 1) + (asking != [len(commands) - 1]) + (not waits)


def _claims(command: Mapping[str, Any]) -> bool:
    return "--allow-production-claim" in command["command"]


def _gates(document: Mapping[str, Any]) -> list[Gate]:
    return [*_on_physics(document["campaign"]), *_on_commands()]


def _on_physics(campaign: Mapping[str, Any]) -> list[Gate]:
    return [
        Gate(
            name="duration_policy_positive",
            metric="duration_policy_least",
            low=sys.float_info.min,
            reason="without a rate, e-folds and a factor above zero no duration follows",
            remedy=AGAIN + "a sheet that grows, or --harris-growth-rate",
        ),
        Gate(
            name="production_resolution_floor",
            metric="resolution",
            low=campaign["grid"]["min_production_resolution"],
            reason="below it the layer and the plasmoid scale are guesswork",
            remedy=AGAIN + "larger --nx and --ny",
        ),
        Gate(
            name="time_step_stable_all",
            metric="time_step_ratio",
            high=STABLE,
            reason="one step for all stages must be stable in each: on the finest grid, for the "
            "largest eta and nu; dt over dt_max, initial states",
            remedy=AGAIN + "--dt auto",
        ),
        _at_least("seed_qi_has_multiple_seeds", "seeds_declared", SEEDS, "eight --seeds"),
        _at_least("width_sweep_declared", "widths_declared", STUDIED, "three --widths"),
        _at_least("eta_lundquist_sweep_declared", "etas_declared", STUDIED, "three --etas"),
    ]


def _on_commands() -> list[Gate]:
    return [
        Gate(
            name="dry_run_first_contract",
            metric="begun_before_the_manifest",
            high=0,
            reason="the list of commands is on disk before the first of them runs",
            remedy="use a new --outdir",
        ),
        _at_least(
            "convergence_has_two_bundles",
            "convergence_bundles_declared",
            BUNDLES,
            "other --crosscheck-resolutions than --convergence-resolutions",
        ),
        _at_least("movie_commands_enabled", "movie_commands", MOVIES, "--movies for both runs"),
        _at_least("promotion_commands_declared", "promotion_commands", CHECKS, "both checks"),
        Gate(
            name="production_claim_requires_finalize_command",
            metric="finalize_faults",
            high=0,
            reason="exactly one command asks for the claim, last, and only after the check passed",
            remedy="restore the list of commands: ask for the lane again",
        ),
    ]


_WHY = {
    "seed_qi_has_multiple_seeds": "an interval over seeds needs an ensemble",
    "width_sweep_declared": "the scope of a claim needs neighbours in width",
    "eta_lundquist_sweep_declared": "the scope of a claim needs neighbours in resistivity",
    "convergence_has_two_bundles": "two ladders on different grids guard against one lucky grid",
    "movie_commands_enabled": "a reader must be able to look at both runs",
    "promotion_commands_declared": "both checks read all the evidence that they judge",
}


def _at_least(name: str, metric: str, count: int, remedy: str) -> Gate:
    return Gate(name=name, metric=metric, low=count, reason=_WHY[name], remedy=AGAIN + remedy)


def unstable(document: Mapping[str, Any]) -> bool:
    """True where the time step can only end in NaN."""
    ratio = measure(document)["time_step_ratio"]
    return ratio is None or not math.isfinite(ratio) or ratio > STABLE
