"""What evidence bundles say of a run: each judged, all together, and in words for a report.

Values only: how a folder is found and read is told in `bundles`, how its cases are judged by those
who know the physics.  Each thing that keeps a bundle from being evidence has a check with a name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.evidence.gates import GateResult

HASHES, FAMILY, DISTINCT = "all_hashes_verified", "family_matches", "content_distinct"
KIND, THERE = "bundle_kind_matches", "directory_exists"
COUNTS = (HASHES, FAMILY, DISTINCT, KIND)  # what a bundle must be to count as one


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the cases of a bundle give when they are read and judged again.

    results: every gate of its kind, at the bounds in use.
    cases: case id -> digest of what the case is about, whatever folder it lies in.
    altered: files of cases that contradict their configuration; contradicted: what the bundle
    states and its cases do not give; foreign: cases of other physics than the run; unmatched: other
    conditions under which it is evidence about the run, and which do not hold; left_out: cases
    that were carried out and are not shown.  All in words.
    relaxed: bounds looser than a bundle judges itself at.
    repeated: which case was integrated again, over how many samples, and how far apart it came out.
    covers: `resolutions`, `time_steps`, `seeds`, `values`, `t_end`, as found in the cases.
    codes: digests of the code that made it.
    """

    results: Sequence[GateResult]
    cases: Mapping[str, str]
    altered: Sequence[str] = ()
    contradicted: Sequence[str] = ()
    foreign: Sequence[str] = ()
    unmatched: Sequence[str] = ()
    left_out: Sequence[str] = ()
    relaxed: Sequence[str] = ()
    repeated: Mapping[str, Any] = field(default_factory=dict)
    covers: Mapping[str, Any] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()

    @property
    def failed(self) -> list[GateResult]:
        return [result for result in self.results if not result.passed]


Rejudge = Callable[[Path, str], Content]
"""Reads and judges a bundle folder of a schema; EvidenceError where its cases cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One folder and what was found in it; `problems` are altered or missing files.

    path: below the run directory, or from there; absolute only where it was given so.
    content: None where the folder is not intact, so that its cases were not judged.
    """

    path: str
    checks: Mapping[str, bool]
    problems: Sequence[str] = ()
    digest: str | None = None
    claim_level: str | None = None
    validation_schema: str | None = None
    content: Content | None = None

    @property
    def passed(self) -> bool:
        return all(self.checks.values()) and not self.open_gates

    @property
    def counts(self) -> bool:
        """Whether it is one bundle among those that are asked for, passed or not."""
        return all(self.checks[name] for name in COUNTS)

    @property
    def failed(self) -> list[str]:
        return [name for name, passed in self.checks.items() if not passed]

    @property
    def open_gates(self) -> list[GateResult]:
        """Its gates that do not pass when its cases are judged again."""
        return [] if self.content is None else self.content.failed

    @property
    def told(self) -> list[str]:
        """Everything that keeps it from being evidence, one line each."""
        found = self.content
        lines = [f"did not pass {', '.join(self.failed)}"] if self.failed else []
        if found is None:
            return lines
        lines += [str(result) for result in found.failed]
        for kind in (found.contradicted, found.foreign, found.unmatched, found.left_out):
            lines += kind
        return [*lines, *found.relaxed]

    def document(self) -> dict[str, Any]:
        """One entry of `convergence_reports`, or `seed_qi_report`."""
        found = self.content
        return {
            "path": self.path,
            "passed": self.passed,
            "checks": dict(self.checks),
            "problems": list(self.problems),
            "validation_schema": self.validation_schema,
            "claim_level": self.claim_level,
            "digest": self.digest,
            "reasons": self.told,
            "gates": {} if found is None else _gates(found.results),
            "cases": {} if found is None else dict(found.cases),
            "covers": {} if found is None else dict(found.covers),
            "reintegrated": {} if found is None else dict(found.repeated),
        }


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """All evidence that was found for a run.

    unmatched: conditions that bind the bundles together, and the run, and do not hold.
    axes: what `convergence_axes_covered` asks for and is not there.
    """

    convergence: Sequence[Bundle] = ()
    seeds: Bundle | None = None
    sweeps: Mapping[str, Bundle] = field(default_factory=dict)
    unmatched: Sequence[str] = ()
    axes: Sequence[str] = ()

    @property
    def every(self) -> list[Bundle]:
        return [*self.convergence, *([self.seeds] if self.seeds else []), *self.sweeps.values()]

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each bundle by its path; one that cannot be read has none."""
        return {bundle.path: bundle.digest for bundle in self.every if bundle.digest}

    @property
    def problems(self) -> list[str]:
        """Every altered or missing file, below the folder in which it lies."""
        return [f"{b.path}: {problem}" for b in self.every for problem in b.problems]

    @property
    def told(self) -> list[str]:
        """What keeps each bundle from being evidence, one line per reason."""
        lines = [f"{bundle.path}: {reason}" for bundle in self.every for reason in bundle.told]
        return [*lines, *self.unmatched, *self.axes]

    @property
    def codes(self) -> set[str]:
        """Digests of the code that made the bundles."""
        return set().union(*(b.content.codes for b in self.every if b.content is not None))

    def metrics(self) -> dict[str, float | None]:
        """What the gates on evidence read; None where there is nothing to read it from."""
        seeds = self.seeds is not None and self.seeds.checks[THERE] and self.seeds.checks[KIND]
        judged = [b for b in self.convergence if b.content is not None]
        matchable = bool(judged) and self.seeds is not None and self.seeds.content is not None
        mismatches = len(self.unmatched) + sum(_mismatches(b) for b in self._binding)
        return {
            "convergence_bundles": float(sum(bundle.counts for bundle in self.convergence)),
            "failed_convergence_gates": _failed(self.convergence),
            "missing_convergence_axes": float(len(self.axes)) if judged else None,
            "evidence_mismatches": float(mismatches) if matchable or mismatches else None,
            "missing_seed_bundles": float(not seeds),
            "failed_seed_gates": _failed(self._seed),
            "failed_width_sweep_gates": _failed(self._sweep("width")),
            "failed_eta_sweep_gates": _failed(self._sweep("eta")),
        }

    @property
    def _binding(self) -> list[Bundle]:
        return [*self.convergence, *self._seed]

    @property
    def _seed(self) -> list[Bundle]:
        return [self.seeds] if self.seeds else []

    def _sweep(self, axis: str) -> list[Bundle]:
        return [self.sweeps[axis]] if axis in self.sweeps else []

    def facts(self) -> dict[str, Any]:
        """The keys of a promotion report that list the evidence."""
        return {
            "convergence_dirs": [bundle.path for bundle in self.convergence],
            "convergence_reports": [bundle.document() for bundle in self.convergence],
            "seed_qi_dir": self.seeds.path if self.seeds else None,
            "seed_qi_report": self.seeds.document() if self.seeds else None,
            "sweep_reports": {axis: bundle.document() for axis, bundle in self.sweeps.items()},
            "evidence_scope": self.scope(),
            "evidence_words": words(self.scope()),
            "evidence_reasons": self.told,
            "worst_resolution_difference": _worst(self.convergence, "resolution_converged"),
            "worst_timestep_order_error": _worst(self.convergence, "timestep_order"),
            "seed_half_width": _worst(self._seed, "linear_growth_rate_passed"),
        }

    def scope(self) -> dict[str, Any]:
        """Over what the evidence extends: only of bundles that passed."""
        passed = [bundle for bundle in self.convergence if bundle.passed]
        seeds = [self.seeds] if self.seeds is not None and self.seeds.passed else []
        return {
            "resolutions": _union(passed, "resolutions"),
            "time_steps": _union(passed, "time_steps"),
            "seeds": _union(seeds, "seeds"),
            "noise_to_seed_ratio": _union(seeds, "noise_to_seed_ratio"),
            "sweeps": {
                axis: _union([bundle], "values")
                for axis, bundle in self.sweeps.items()
                if bundle.passed
            },
            "sweep_ends": {
                axis: bundle.content.covers.get("t_end")
                for axis, bundle in self.sweeps.items()
                if bundle.passed and bundle.content is not None
            },
        }


def _gates(results: Sequence[GateResult]) -> dict[str, Any]:
    """Verdict, metric, value and bound of each gate, by its name."""
    return {
        result.gate.name: {
            "verdict": result.verdict.value,
            "metric": result.gate.metric,
            "value": result.value,
            "bound": result.gate.bound,
        }
        for result in results
    }


def _worst(bundles: Sequence[Bundle], gate: str) -> float | None:
    """The largest value that a gate read in any of the bundles; None where one has none."""
    read = [r for b in bundles if b.content for r in b.content.results if r.gate.name == gate]
    values = [result.value for result in read]
    return None if not values or None in values else max(v for v in values if v is not None)


def words(scope: Mapping[str, Any]) -> str:
    """A scope in words: what was varied, how often, from where to where."""
    told = [
        _range("resolution", scope["resolutions"], lambda shape: f"{shape[0]} x {shape[1]}"),
        _range("time step", scope["time_steps"]),
        _range("seed", scope["seeds"]),
    ]
    told += [f"noise/seed {ratio:.3g}" for ratio in scope["noise_to_seed_ratio"]]
    ends = scope.get("sweep_ends") or {}
    for axis, values in scope["sweeps"].items():
        end = "" if ends.get(axis) is None else f" to t = {ends[axis]:g}"
        told.append(f"{axis} sweep over {_listed_values(values)}{end}")
    return ", ".join(one for one in told if one) or "no evidence from other runs"


def _range(word: str, values: Sequence[Any], told: Callable[[Any], str] = "{:g}".format) -> str:
    if not values:
        return ""
    ends = told(values[0]) if len(values) == 1 else f"{told(values[0])} .. {told(values[-1])}"
    return f"{len(values)} {word}{'s' * (len(values) > 1)} ({ends})"


def _listed_values(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _union(bundles: Sequence[Bundle], name: str) -> list[Any]:
    found = (bundle.content.covers.get(name) or () for bundle in bundles if bundle.content)
    return sorted({_hashable(value) for values in found for value in values})


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _failed(bundles: Sequence[Bundle]) -> float | None:
    """Checks and gates that did not pass; None without a bundle."""
    if not bundles:
        return None
    return float(sum(len(bundle.failed) + len(bundle.open_gates) for bundle in bundles))


def _mismatches(bundle: Bundle) -> int:
    """Reasons why a bundle is not about the run; a bundle that says so itself has one."""
    if bundle.content is None:
        return int(bundle.checks[THERE] and not bundle.checks[FAMILY])
    return len(bundle.content.foreign) + len(bundle.content.unmatched)
