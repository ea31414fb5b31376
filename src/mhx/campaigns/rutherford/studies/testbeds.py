"""A study as the files of a testbed: `base.toml`, an ordinary run file, and `testbed.toml`.

What stands in them decides the cases and nothing else: bounds belong to the judgement, and studies
that are linked in (`[testbed.reuse] from`) to the computer at hand.  Writing the same study again
changes nothing; a folder that holds another study is refused.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mhx.campaigns.rutherford.studies import study as studies
from mhx.campaigns.rutherford.studies.study import Study, StudyCase
from mhx.campaigns.rutherford.studies.tables import FAST
from mhx.config import to_toml
from mhx.errors import ConfigError
from mhx.evidence.manifest import ARTIFACT_MANIFEST_NAME, takes_evidence
from mhx.evidence.store import write_text
from mhx.evidence.verify import TESTBED_JOURNAL

BASE, TESTBED = "base.toml", "testbed.toml"
HEAD = "# written by mhx benchmark; run it again with: mhx testbed run {name}\n\n"
TOLD = 8  # differences that a refusal names before it counts the rest

AXES = {
    "resolution": {"unit": "1", "label": "points along x", "refines": "count"},
    "timestep": {"unit": "L/v_A", "label": "time step", "refines": "size"},
    "width": {"unit": "L", "label": "half-width a"},
    "resistivity": {"unit": "L v_A", "label": "resistivity eta"},
    "mode": {"unit": "1", "label": "number of the seed mode"},
    "seed": {"unit": "1", "label": "seed of the noise"},
}
METRICS = (
    "growth_rate", "eigenvalue.gamma", "fit_window.slope", "linear_phase.efolds",
    "max.sheet_flux_0", "max.island_width_0", "amplification.sheet_flux_0",
    "amplification.island_width_0", "final.total_energy", "quality.max_spectral_tail",
    "quality.max_stability_ratio", "quality.max_energy_budget_residual", "run.steps",
    "run.seconds_per_step",
)  # fmt: skip
"""What the table of results shows; the bundle reads the cases themselves."""


def write(study: Study) -> Path:
    """Write the study into its folder and return the testbed file; ConfigError where it cannot."""
    files = {BASE: dict(study.base)}
    if study.cases:
        files[TESTBED] = testbed_of(study)
    _refuse_other(study.outdir, files)
    for name, data in files.items():
        text = HEAD.format(name=TESTBED) + to_toml(data)
        path = study.outdir / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
    return study.outdir / TESTBED


def testbed_of(study: Study) -> dict[str, Any]:
    """The content of `testbed.toml`."""
    axes = list(dict.fromkeys(axis for case in study.cases for axis in case.coordinates))
    return {
        "workflow": {"mode": "testbed"},
        "testbed": {
            "id": _id(study),
            "subject": "reconnection",
            "purpose": _purpose(study),
            "base_config": BASE,
            "output_root": ".",
            "runner": {"type": "reduced_mhd"},
            "reuse": {"from": _shared(study)},
            "axis": [{"id": axis, **AXES[axis]} for axis in axes],
            "case": [_case(case) for case in study.cases],
            "metric": [{"name": name.replace(".", "_"), "source": name} for name in METRICS],
        },
    }


def _id(study: Study) -> str:
    return f"{study.axis}_{study.kind}" if study.axis else study.kind


def _purpose(study: Study) -> str:
    """What the study is for; a short one says so."""
    words = {
        studies.LONG_RUN: "one long seeded run",
        studies.CONVERGENCE: "convergence in space and time",
        studies.SWEEP: f"how the run depends on its {study.axis}",
        studies.SEEDS: "independence of the seed of the noise",
    }[study.kind]
    return f"fast_validation: {words}" if study.base["time"]["t1"] < FAST else words


def _case(case: StudyCase) -> dict[str, Any]:
    axis, value = next(iter(case.coordinates.items()), ("", 0.0))
    where = {"axis": axis, "value": value} if axis else {}
    changes = [key for key, _ in leaves(case.overlay)]
    return {
        "id": case.id,
        "label": case.label,
        **where,
        "changes": changes,
        "overlay": dict(case.overlay),
    }


def _shared(study: Study) -> list[str]:
    """Folders of other studies that hold runs by now, as the testbed file names them."""
    return [
        Path(os.path.relpath(folder, study.outdir)).as_posix()
        for folder in study.share
        if _holds_runs(folder) and os.path.realpath(folder) != os.path.realpath(study.outdir)
    ]


def _holds_runs(folder: Path) -> bool:
    return (folder / TESTBED_JOURNAL).is_file()


def nothing_shared(study: Study) -> list[str]:
    """One line per folder that was named to share runs and has none."""
    told = "has no finished study to share: its cases are computed here"
    return [f"--share {folder} {told}" for folder in study.share if not _holds_runs(folder)]


def _refuse_other(outdir: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """A ConfigError where the folder is no folder, or holds something else."""
    if outdir.exists() and not outdir.is_dir():
        raise ConfigError(f"{outdir} is a file; choose another --outdir")
    place = Path(os.path.realpath(outdir))
    for above in place.parents:
        sealed = (above / ARTIFACT_MANIFEST_NAME).is_file() and not takes_evidence(above, place)
        if sealed or (above / TESTBED).is_file():
            told = f"{outdir} lies among the files of {above}, which would no longer verify"
            raise ConfigError(f"{told}; choose another --outdir")
    if not outdir.is_dir() or not any(outdir.iterdir()):
        return
    if not any((outdir / name).is_file() for name in files):
        raise ConfigError(f"{outdir} holds files that are no study; choose another --outdir")
    changes = [line for name, data in files.items() for line in _changes(outdir / name, data)]
    if changes:
        more = f"\n  and {len(changes) - TOLD} more" if len(changes) > TOLD else ""
        listed = "".join(f"\n  {line}" for line in changes[:TOLD])
        raise ConfigError(
            f"{outdir} holds another study (there -> asked):{listed}{more}\n"
            "write this one into another --outdir, or move the old one away"
        )


def _changes(path: Path, data: Mapping[str, Any]) -> Iterator[str]:
    """`time.t1: 40.0 -> 60.0` for each key that differs; which studies are linked in may change."""
    if not path.is_file():
        return
    try:
        there = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} was written by somebody else: {error}") from None
    before, after = dict(leaves(there)), dict(leaves(tomllib.loads(to_toml(data))))
    for key in sorted({*before, *after} - {"testbed.reuse.from"}):
        if before.get(key) != after.get(key):
            yield f"{key}: {before.get(key, 'absent')} -> {after.get(key, 'absent')}"


def leaves(table: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; the entries of a list of tables count by their id or name."""
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for item in value:
                yield from leaves(item, f"{name}.{item.get('id') or item.get('name')}.")
        else:
            yield name, value
