"""What must hold of a design before it makes cases."""

from collections.abc import Iterator, Mapping

from mhx.config.lines import Place
from mhx.testbed.config import Design
from mhx.testbed.declaration.arrays import Arrays, declared_twice
from mhx.testbed.declaration.faults import Faults, near
from mhx.testbed.matrix import SEED
from mhx.testbed.sources.axes import Levels
from mhx.testbed.sources.templates import TemplateError, check

OWN_KEYS = {
    "grid": ("exclude",),
    "one_at_a_time": (),
    "latin_hypercube": ("count", "seed"),
    "sobol": ("count", "seed", "scramble"),
    "seeds": ("seeds", "count", "base_seed", "key"),
}
"""Kind of a design -> the keys that only some kinds understand, and this one does."""
SAMPLED = ("latin_hypercube", "sobol")


def design_rules(arrays: Arrays, axes: Mapping[str, Levels], faults: Faults) -> None:
    """Own keys of each kind, declared axes, templates."""
    designs = list(arrays.items("design"))
    declared_twice("design", [((*place, "id"), design.id) for place, design in designs], faults)
    for place, design in designs:
        foreign_keys(place, design.kind, design.model_fields_set, OWN_KEYS, faults)
        unsure = any(arrays.unsure(name, axes, faults) for name in design.axes)
        for text in (*_own(design), *(() if unsure else _axes(design, axes))):
            faults.say(place, f"design {design.id!r}: {text}")
        for key, text in _templates(design):
            faults.say((*place, key), f"design {design.id!r} {key}: {text}")


def sound(design: Design, axes: Mapping[str, Levels]) -> bool:
    """True when a design can make its points."""
    foreign = design.model_fields_set & {key for keys in OWN_KEYS.values() for key in keys}
    faults = (*_own(design), *_axes(design, axes), *_templates(design))
    return not faults and foreign <= set(OWN_KEYS[design.kind])


def foreign_keys(
    place: Place,
    kind: str,
    given: set[str],
    own: Mapping[str, tuple[str, ...]],
    faults: Faults,
) -> None:
    """Keys that belong to another kind of design or check would have no effect."""
    others = {key for keys in own.values() for key in keys}
    for key in sorted((given & others) - set(own[kind])):
        listed = f"its own keys: {', '.join(own[kind])}" if own[kind] else "it has none of its own"
        faults.key((*place, key), f"is not a key of kind {kind!r}; {listed}")


def fields_of(design: Design) -> tuple[str, ...]:
    """The fields of its templates."""
    seeds = (SEED,) if design.kind == "seeds" else ()
    return ("design", "index", *seeds, *design.axes)


def _own(design: Design) -> Iterator[str]:
    """What is wrong with the keys of one design."""
    kind = design.kind
    if kind != "seeds" and not design.axes:
        yield f"a {kind} needs axes"
    if kind in SAMPLED and design.count is None:
        yield f"a {kind} needs count"
    if len(set(design.axes)) < len(design.axes):
        yield "an axis stands twice in axes"
    for number, match in enumerate(design.exclude):
        for name in match.keys() - set(design.axes):
            yield f"exclude[{number}]: {name!r} is none of its axes{near(name, design.axes)}"
        if not match:
            yield f"exclude[{number}] is empty: it would leave nothing"
    if kind == "seeds":
        yield from _seeds(design)


def _seeds(design: Design) -> Iterator[str]:
    made = design.count is not None and design.base_seed is not None
    half = (design.count is None) != (design.base_seed is None)
    if half or made == (design.seeds is not None):
        yield "seeds come from a list in seeds, or from count and base_seed"
    if design.key is None:
        yield "seeds need key, the dotted key of the child that takes them"
    if design.seeds is not None and len(set(design.seeds)) < len(design.seeds):
        yield "a seed stands twice in seeds"
    if SEED in design.axes:
        yield f"an axis called {SEED!r} cannot be crossed with seeds"


def _axes(design: Design, axes: Mapping[str, Levels]) -> Iterator[str]:
    """What is wrong with the axes that a design names."""
    setters = {design.key: "key"} if design.key else {}
    for name in dict.fromkeys(design.axes):
        if name not in axes:
            yield f"axis {name!r} is not declared{near(name, axes)}"
            continue
        axis = axes[name].axis
        if design.kind in SAMPLED and (axis.low is None or axis.high is None):
            yield f"axis {name!r} has no low and high to sample between"
        elif design.kind not in SAMPLED and not axes[name].steps:
            yield f"axis {name!r} has no values"
        elif not axis.keys and not (axis.level and design.kind not in SAMPLED):
            yield f"axis {name!r} has no keys: its cases would be equal"
        for key in axis.keys:
            for other, owner in setters.items():
                if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                    yield f"axis {name!r} and {owner} both set {key}"
        setters |= {key: f"axis {name!r}" for key in axis.keys}


def _templates(design: Design) -> Iterator[tuple[str, str]]:
    names = dict.fromkeys(fields_of(design))
    for key in ("id_template", "label_template"):
        template = getattr(design, key)
        try:
            check(template or "", names)
        except TemplateError as error:
            yield key, str(error)
