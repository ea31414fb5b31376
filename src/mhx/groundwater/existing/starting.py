"""`mhx testbed init --model PATH`: a first testbed over somebody else's model, ready to run.

Two files are written, a base that names the model and a testbed over it.  Their comments list what
was found: models, grids, periods, packages with every variable that a patch can change, and the
metrics that their runs will have.  Nothing is run, and the model is not touched.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mhx.errors import ConfigError
from mhx.groundwater.existing import config, copying, patching
from mhx.groundwater.existing.patching import Site
from mhx.groundwater.existing.reading import Opened, OwnModel, Package, Part, opened
from mhx.groundwater.existing.results import plain_name
from mhx.groundwater.placing import replace_file
from mhx.report.answer import Answer

COMPONENTS = frozenset(
    ("chd", "wel", "drn", "riv", "ghb", "rch", "evt", "sfr", "lak", "maw", "cnc", "src")
)
"""Package types whose flow the budget tells under their own name."""
FLOW_METRICS = ("head_range_m", "head_mean_area_m", "closure_relative", "converged")
SOLUTE_METRICS = ("c_max", "mass_stored_kg", "closure_relative", "converged")
_WIDTH = 96
_HOW = (
    "# A patch: operation is multiply, add or set; value is in the model's own units.  With",
    "# layers = [1], period = [1], cells = [[1, 1, 1]] or boundname = '...' it is for these",
    "# alone.  One that changes no number is refused.",
)
_MORE = (
    "# A setting, such as a tolerance of the solver:",
    "# [[model.option]]",
    '# file = "ims"',
    '# block = "linear"',
    '# key = "inner_dvclose"',
    "# value = 1e-8",
    "",
    "# Measured heads, from a CSV file with the columns id, x, y, layer, value:",
    "# [[observation]]",
    '# quantity = "head"',
    '# file = "heads.csv"',
)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the files are written of.

    path: of the model as the files name it.  sites: what can be patched, with its variables.
    output: whether output control must be added.  continues: whether failed steps let it go on.
    """

    own: OwnModel
    path: str
    name: str
    sites: tuple[tuple[Site, tuple[str, ...]], ...]
    output: bool
    continues: bool

    @property
    def transport(self) -> bool:
        """Whether solutes are transported."""
        return any(part.type == "gwt" for part in self.own.models)


def start(model: Path, output: Path | None) -> Answer:
    """Write the two files; ConfigError where the model cannot be read or one of them is there.

    model: a folder or its mfsim.nam.  output: the testbed's file; its base lies beside it.
    """
    found = opened(model)
    name = re.sub(r"\W+", "_", found.model.folder.name, flags=re.ASCII).strip("_") or "model"
    if not name[0].isalpha():
        name = f"model_{name}"
    testbed = output if output is not None else Path(f"{name}_testbed.toml")
    base = testbed.with_name(f"{testbed.stem.removesuffix('_testbed')}_base.toml")
    for path in (testbed, base):
        if path.exists():
            raise ConfigError(f"{path} is there already; give another --output")
    place = Path(os.path.abspath(testbed)).parent
    if not place.is_dir():
        raise ConfigError(f"--output: {place} is no folder")
    what = _found(found, model, place, name)
    replace_file(base, ("\n".join(_base(what, testbed.name)) + "\n").encode())
    replace_file(testbed, ("\n".join(_testbed(what, testbed.name, base.name)) + "\n").encode())
    models = ", ".join(f"{part.name} ({_size(part)})" for part in what.own.models)
    return Answer(
        headline=f"a testbed over {models}",
        wrote=testbed,
        details=[f"its base is {base}: what a case may change stands there"],
        next=f"mhx run {testbed}",
        document={
            "testbed": str(testbed),
            "base": str(base),
            "model": str(found.model.file),
            "models": {part.name: part.type for part in what.own.models},
            "packages": {_label(site.package): list(names) for site, names in what.sites},
        },
    )


def _found(found: Opened, model: Path, place: Path, name: str) -> _Found:
    path = Path(os.path.relpath(os.path.abspath(model), place)).as_posix()
    sites = []
    for site in patching.sites(found):
        if site.package.file in found.reached.read:
            names = patching.draft_of(site, found, {}).variables()
            if names:
                sites.append((site, tuple(names)))
    continues = found.model.continues
    return _Found(
        own=found.model, path=path, name=name, sites=tuple(sites),
        output=_needs_output(model, continues), continues=continues,
    )  # fmt: skip


def _needs_output(model: Path, continues: bool) -> bool:
    """Whether heads and budgets are saved only if that is asked for."""
    alone = config.Model(path=Path(os.path.abspath(model)), allow_continue=continues)
    try:
        copying.planned(alone)
    except ConfigError:
        copying.planned(alone.model_copy(update={"add_output_control": True}))
        return True
    return False


def _base(found: _Found, testbed: str) -> Iterator[str]:
    own = found.own
    yield f"# The model of {testbed}, and what its cases may change."
    yield "#"
    yield from _told(own)
    yield ""
    yield "[workflow]"
    yield 'mode = "simulation"'
    yield f"name = {_text(found.name)}"
    yield ""
    yield "[simulation]"
    steps = ["flow", *(["transport"] if found.transport else [])]
    listed = ", ".join(f'{{ id = "{step}", type = "{step}" }}' for step in steps)
    yield f"process = [{listed}]"
    yield ""
    yield "[model]"
    yield f"path = {_text(found.path)}  # never written to: runs patch a copy"
    if found.output:
        yield "add_output_control = true  # it does not save all heads and budgets by itself"
    if found.continues:
        yield "allow_continue = true  # it says CONTINUE; steps that do not converge fail a gate"
    yield ""
    yield from _HOW
    yield from _patch(found, *_first(found), "")
    yield ""
    yield "# What else can be patched, one variable at a time:"
    for site, names in found.sites:
        told = f"# {_label(site.package)}: {', '.join(names)}"
        yield from _wrapped(told)
    others = _second(found)
    if others is not None:
        yield "#"
        yield "# as in:"
        yield from _patch(found, *others, "# ")
    yield ""
    yield from _MORE


def _told(own: OwnModel) -> Iterator[str]:
    """What was found, as comments."""
    for part in own.models:
        unit = part.grid.length_unit
        yield f"# {part.type.upper()} model {part.name}: {_size(part)}, length unit {unit}"
        packages = ", ".join(_label(package, alone=True) for package in part.packages)
        yield from _wrapped(f"#   packages: {packages}")
    for exchange in own.exchanges:
        yield f"# exchange {exchange.type} of {' and '.join(exchange.models)}"
    steps = sum(period.steps for period in own.tdis.periods)
    length = sum(period.length for period in own.tdis.periods)
    adapts = ", which adapt" if own.tdis.ats else ""
    yield (
        f"# {len(own.tdis.periods)} stress periods, {steps} time steps{adapts}, {length:g} in all, "
        f"time unit {own.tdis.time_unit}"
    )


def _size(part: Part) -> str:
    shape = part.grid.shape
    layers = "1 layer" if shape[0] == 1 else f"{shape[0]} layers"
    if part.grid.kind == "dis":
        return f"{layers} of {shape[1]} rows and {shape[2]} columns"
    if part.grid.kind == "disv":
        return f"{layers} of {shape[1]} cells"
    return f"{shape[0]} nodes"


def _label(package: Package, *, alone: bool = False) -> str:
    same = package.name.lower() == package.type
    named = package.name if same else f"{package.name} ({package.type})"
    return named if alone or not package.model else f"{package.model}, {named}"


def _first(found: _Found) -> tuple[Site, str]:
    """What the starter changes: conductivity, else whatever comes first."""
    for kind, variable in (("npf", "k"), ("mst", "porosity")):
        for site, names in found.sites:
            if site.package.type == kind and variable in names:
                return site, variable
    if not found.sites:
        raise ConfigError(f"model.path: {found.own.file} holds nothing that a patch can change")
    site, names = found.sites[0]
    return site, names[0]


def _second(found: _Found) -> tuple[Site, str] | None:
    """One of the stresses as a further example."""
    for site, names in found.sites:
        if site.package.type in COMPONENTS:
            return site, names[0]
    return None


def _patch(found: _Found, site: Site, variable: str, comment: str) -> Iterator[str]:
    package = site.package
    same = [one for one, _ in found.sites if one.package.name.lower() == package.name.lower()]
    yield f"{comment}[[model.patch]]"
    yield f"{comment}id = {_text(_id(package, variable))}"
    if len(same) > 1 and package.model:
        yield f"{comment}model = {_text(package.model)}"
    yield f"{comment}package = {_text(package.name)}"
    yield f"{comment}variable = {_text(variable)}"
    yield f'{comment}operation = "multiply"'
    yield f"{comment}value = 2.0"


def _id(package: Package, variable: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", f"{package.name.lower()}_{variable}")
    return name if name[0].isalpha() else f"p{name}"


def _testbed(found: _Found, own_name: str, base: str) -> Iterator[str]:
    site, variable = _first(found)
    changed = _id(site.package, variable)
    subject = "transport" if found.transport else "flow"
    yield f"# How much do the results of {found.name} depend on {site.package.name}.{variable}?"
    yield "#"
    yield f"#   mhx testbed plan {own_name}     what would run"
    yield f"#   mhx run {own_name}              runs it; what is finished is kept"
    yield "#"
    yield "# Before the first case the model runs once as it is."
    yield ""
    yield "[workflow]"
    yield 'mode = "testbed"'
    yield ""
    yield "[testbed]"
    yield f"id = {_text(found.name)}"
    yield f'subject = "{subject}"'
    yield f'purpose = "sensitivity to {site.package.name}.{variable}"'
    yield f"base_config = {_text(base)}"
    yield "require_child_gates = false  # a case whose gates fail is reported, and does not count"
    yield ""
    yield "[testbed.execution]"
    yield "jobs = 2"
    yield ""
    yield f"# Each value is that of the patch {changed!r} in {base}; 1.0 would change nothing."
    yield "[[testbed.axis]]"
    yield f'id = "{changed}"'
    yield 'unit = "1"'
    yield f'keys = ["model.patch.{changed}.value"]'
    yield "values = [0.5, 0.8, 1.25, 2.0]"
    yield 'scale = "log"'
    yield ""
    yield "[[testbed.design]]"
    yield f'id = "{changed}"'
    yield 'kind = "grid"'
    yield f'axes = ["{changed}"]'
    yield ""
    yield "# Metrics: mean over cells, budget of each package, residuals of measured data and more;"
    yield "# all that a run reports stands in run_summary.json of its folder."
    yield from _metrics(found)


def _metrics(found: _Found) -> Iterator[str]:
    names = [f"flow_metrics.{name}" for name in FLOW_METRICS]
    names += [f"flow_metrics.budget_{name}_rate_in_m3_s" for name in _components(found, "gwf")]
    names += [f"flow_metrics.budget_{name}_rate_out_m3_s" for name in _components(found, "gwf")]
    if found.transport:
        names += [f"transport_metrics.{name}" for name in SOLUTE_METRICS]
    if not any(part.type == "gwf" for part in found.own.models):
        names = [name for name in names if not name.startswith("flow_metrics.")]
    for name in names:
        yield ""
        yield "[[testbed.metric]]"
        short = name.removeprefix("flow_metrics.").replace("transport_metrics.", "solute_")
        yield f'name = "{short}"'
        yield f'source = "{name}"'
    flows = [part for part in found.own.models if part.type == "gwf"]
    if len(flows) > 1:
        yield ""
        told = ", ".join(f"flow_metrics.{plain_name(part.name)}.head_range_m" for part in flows)
        yield from _wrapped(f"# Of one model alone: {told}")
    named = [
        f"flow_metrics.budget_{plain_name(package.name)}_rate_out_m3_s"
        for part in flows[:1]
        if len(flows) == 1
        for package in part.packages
        if package.type in COMPONENTS
    ]
    if named:
        yield ""
        yield from _wrapped(f"# Of one package alone: {', '.join(named)}")


def _components(found: _Found, kind: str) -> list[str]:
    """Words of the budget that the packages will have, in their order."""
    packages = [p for part in found.own.models if part.type == kind for p in part.packages]
    words = [f"{p.type}a" if p.arrays else p.type for p in packages if p.type in COMPONENTS]
    return list(dict.fromkeys(words))


def _wrapped(comment: str) -> Iterator[str]:
    """A long comment in lines that can be read."""
    line = ""
    for word in comment.split(" "):
        if line and len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = f"#     {word}"
        else:
            line = f"{line} {word}" if line else word
    yield line


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False)
