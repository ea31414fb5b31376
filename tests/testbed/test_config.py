"""What a testbed file may say, and the message for everything that it may not."""

import copy
import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mhx.config import Source
from mhx.config.layers import Changes, read_chain
from mhx.testbed.cases import case_list
from mhx.testbed.config import Axis, Testbed, TestbedFile
from mhx.testbed.declaration.declared import OLDER, declared
from mhx.workflow import registry

HEAD = """\
workflow = { mode = "testbed" }
[testbed]
subject = "flow"
base_config = "base.toml"
"""
AXIS = """\
[[testbed.axis]]
id = "K"
unit = "m/s"
keys = ["flow.param.K.value"]
values = [5e-6, 1e-5, 2e-5]
names = ["low", "mid", "high"]
"""
METRIC = """\
[[testbed.metric]]
name = "head"
source = "flow_metrics.head_range_m"
"""
CASE = '[[testbed.case]]\nid = "a"\n'


def read(folder, text, *, changes=None, **files):
    """What `k.toml` declares, and the list of its cases where its tables are in order."""
    (folder / "base.toml").write_text('workflow = { mode = "simulation" }\n')
    (folder / "k.toml").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content)
    written = read_chain(folder / "k.toml", changes or Changes())
    found = declared(written.data, written.source, folder / "k.toml")
    listed = case_list(found.table, found.source, folder) if found.table else None
    return found, listed


def told(folder, text, **files):
    """Every fault, with the folder cut off."""
    found, listed = read(folder, text, **files)
    faults = found.faults if listed is None else listed.faults
    return [fault.replace(f"{folder}/", "") for fault in faults]


def test_a_short_file_is_enough_and_says_the_rest_by_default(tmp_path):
    found, _ = read(tmp_path, HEAD + CASE)
    table = found.table
    assert found.faults == found.notices == ()
    assert table.document() == {
        "id": "k",
        "subject": "flow",
        "purpose": "robustness",
        "profile": "generic",
        "base_config": "base.toml",
        "execute": True,
        "continue_on_error": True,
        "isolation": "report",
        "require_child_gates": True,
        "max_cases": 10000,
        "runner": {"type": "simulation", "no_display": True},
        "execution": {"backend": "local", "jobs": 1, "grace_s": 10.0, "retries": 0},
        "reuse": {"mode": "same_digest", "rerun_failed": True, "from": []},
        **{"axis": [], "case_from_catalog": [], "design": [], "metric": [], "check": []},
        "case": [{"id": "a", "label": "", "enabled": True, "overlay": {}}],
    }


def test_the_example_of_the_manual_is_in_order(tmp_path):
    """Inline tables in arrays, a check with its own keys, a refined axis."""
    text = """\
workflow = { mode = "testbed" }
[testbed]
subject = "flow"
base_config = "base.toml"
execution = { jobs = 2, timeout_s = 600 }
axis   = [{ id = "h", unit = "m", keys = ["mesh.size"], values = [80.0, 40.0], refines = "size" }]
design = [{ id = "grids", kind = "grid", axes = ["h"] }]
metric = [{ name = "head_mean", source = "flow_metrics.head_mean_area_m", required = true }]
[[testbed.check]]
id = "resolved"
kind = "order"
metric = "head_mean"
axis = "h"
formal_order = 2
order_tolerance = 0.25
max_uncertainty = 0.01
reason = "a mean head that still moves with the mesh is not a result"
"""
    found, listed = read(tmp_path, text)
    assert [case.id for case in listed.cases] == ["grids_80", "grids_40"]
    assert listed.faults == ()
    assert found.table.execution.timeout_s == 600.0
    assert found.table.check[0].formal_order == 2.0


def test_whole_numbers_on_an_axis_stay_whole():
    axis = Axis(id="n", values=[1, 2.0])
    assert [type(value) for value in axis.values] == [int, float]
    with pytest.raises(ValidationError):
        Axis(id="n", values=[float("nan")])


def test_the_subject_is_read_in_lower_case(tmp_path):
    assert read(tmp_path, HEAD.replace('"flow"', '" Flow "') + CASE)[0].table.subject == "flow"


FAULTS = {  # what is written after HEAD (4 lines) -> every line of the message
    "unknown key": (
        "metrc = []\n" + CASE,
        ["k.toml:5  testbed.metrc is not a known key; did you mean testbed.metric?"],
    ),
    "wrong type": (
        "execute = 'false'\n" + CASE,
        ["k.toml:5  testbed.execute must be true or false, got 'false' (a string)"],
    ),
    "limit": (
        CASE + '[testbed.catalog]\npath = "base.toml"\nlimit = 0\n',
        ["k.toml:9  testbed.catalog.limit must be >= 1, got 0"],
    ),
    "profile": (
        'profile = "regional_lab"\n' + CASE,
        ["k.toml:5  testbed.profile must be 'generic', got 'regional_lab'"],
    ),
    "id": (
        "id = ' '\n" + CASE,
        ["k.toml:5  testbed.id must be 1 to 100 printable characters, got ' '"],
    ),
    "backend": (
        'execution = { backend = "dsk" }\n' + CASE,
        ["k.toml:5  testbed.execution.backend must be 'local' or 'inline', got 'dsk'"],
    ),
    "jobs": (
        "execution = { jobs = 0 }\n" + CASE,
        ["k.toml:5  testbed.execution.jobs must be a whole number >= 1 or 'auto', got 0"],
    ),
    "time limit": (
        "execution = { timeout_s = 0 }\n" + CASE,
        ["k.toml:5  testbed.execution.timeout_s must be > 0.0 [s], got 0"],
    ),
    "no case": (
        "",
        [
            "k.toml:2  no case is declared; add [[testbed.case]], [[testbed.case_from_catalog]] "
            "or [[testbed.design]]"
        ],
    ),
    "an array written as a table": (
        '[testbed.case]\nid = "a"\n',
        ["k.toml:5  testbed.case must be a list, each a table, got a table"],
    ),
    "empty id": (
        CASE + '[[testbed.case]]\nid = "b"\n[[testbed.case]]\nid = "  "\n',
        ["k.toml:10  testbed.case[2].id is empty"],
    ),
    "id missing": (
        CASE + '[[testbed.case]]\nlabel = "b"\n',
        ["k.toml:7  testbed.case[1].id is required"],
    ),
    "same id": (
        '[[testbed.case]]\nid = "low_k"\n[[testbed.case]]\nid = "Low_K"\n',
        [
            "k.toml:8  case id 'Low_K' is used twice "
            "(k.toml:6 and 8; upper and lower case are equal)"
        ],
    ),
    "same id, three times": (
        CASE * 3,
        [
            "k.toml:8  case id 'a' is used 3 times "
            "(k.toml:6, 8 and 10; upper and lower case are equal)"
        ],
    ),
    "same slug": (
        '[[testbed.case]]\nid = "a b"\n[[testbed.case]]\nid = "a_b"\n',
        ["k.toml:8  cases 'a b' and 'a_b' would share _generated_configs/a_b.toml; rename one"],
    ),
    "same slug but for case": (
        '[[testbed.case]]\nid = "A b"\n[[testbed.case]]\nid = "a_b"\n',
        ["k.toml:8  cases 'A b' and 'a_b' would share _generated_configs/A_b.toml; rename one"],
    ),
    "overlay type": (
        '[[testbed.case]]\nid = "low_k"\noverlay = []\n',
        ["k.toml:7  case 'low_k': overlay must be a table, got a list"],
    ),
    "reserved": (
        '[[testbed.case]]\nid = "low_k"\noverlay.workflow.mode = "command"\n',
        [
            "k.toml:7  case 'low_k': overlay may not set workflow.mode; "
            "the pair (flow, simulation) fixes it"
        ],
    ),
    "reserved, replaced as a whole": (
        '[[testbed.case]]\nid = "low_k"\noverlay.workflow__replace = { name = "x" }\n',
        [
            "k.toml:7  case 'low_k': overlay may not set workflow.mode; "
            "the pair (flow, simulation) fixes it"
        ],
    ),
    "a testbed in a testbed": (
        '[[testbed.case]]\nid = "a"\noverlay.testbed.id = "b"\n',
        [
            "k.toml:7  case 'a': overlay may not set testbed; "
            "a testbed is never a child of a testbed"
        ],
    ),
    "value without axis": (
        '[[testbed.case]]\nid = "low_k"\naxis = "K"\nvalue = 1\n',
        ["k.toml:8  case 'low_k': value needs a declared axis; 'K' is only a tag"],
    ),
    "value without tag": (
        '[[testbed.case]]\nid = "low_k"\nvalue = 1\n',
        ["k.toml:7  case 'low_k': value needs a declared axis; the case names none"],
    ),
    "value of no level": (
        AXIS + '[[testbed.case]]\nid = "a"\naxis = "K"\nvalue = "lwo"\n',
        ["k.toml:14  case 'a': value 'lwo' is neither a number nor a name of axis 'K'"],
    ),
    "same metric": (
        CASE + METRIC + METRIC.replace("head", "Head", 1),
        ["k.toml:11  metric 'Head' is declared twice (k.toml:8 and 11)"],
    ),
    "fixed column": (
        CASE + METRIC.replace('"head"', '"status"'),
        ["k.toml:8  metric name 'status' is a fixed column; choose another"],
    ),
    "unknown source": (
        CASE + '[[testbed.metric]]\nname = "h"\nsource = "flow_metrics.n_cell"\n',
        [
            "k.toml:9  metric 'h': a simulation never reports 'flow_metrics.n_cell'; "
            "did you mean 'flow_metrics.n_cells'?"
        ],
    ),
    "unit": (
        CASE + METRIC + 'unit = "ft"\n',
        ["k.toml:10  metric 'head': unit 'ft' is not the unit of flow_metrics.head_range_m, 'm'"],
    ),
    "check of no metric": (
        CASE + METRIC + '[[testbed.check]]\nid = "trend"\nkind = "bounds"\nmetric = "heads"\n'
        'low = 1\nreason = "r"\n',
        ["k.toml:13  check 'trend': metric 'heads' is not declared; did you mean 'head'?"],
    ),
    "check without axis": (
        CASE + METRIC + '[[testbed.check]]\nid = "trend"\nkind = "monotonic"\nmetric = "head"\n'
        'direction = "increasing"\nreason = "r"\n',
        ["k.toml:10  check 'trend' (monotonic) needs axis"],
    ),
    "check without bound": (
        CASE + METRIC + '[[testbed.check]]\nid = "mass"\nkind = "bounds"\nmetric = "head"\n'
        'reason = "r"\n',
        ["k.toml:10  check 'mass' (bounds) has no bound"],
    ),
    "check of an axis that does not refine": (
        CASE + AXIS + METRIC + '[[testbed.check]]\nid = "order"\nkind = "order"\nmetric = "head"\n'
        'axis = "K"\nformal_order = 2\nmax_uncertainty = 0.1\nreason = "r"\n',
        ["k.toml:20  check 'order': axis 'K' has no refines = \"size\" or \"count\""],
    ),
    "check of sizes that a metric gives": (
        CASE + AXIS + METRIC + '[[testbed.check]]\nid = "order"\nkind = "order"\nmetric = "head"\n'
        'axis = "K"\nh = "flow_metrics.head_range_m"\nformal_order = 2\nmax_uncertainty = 0.1\n'
        'reason = "r"\n',
        [],
    ),
    "axes that differ in case alone": (CASE + AXIS + AXIS.replace('"K"', '"k"'), []),
    "axis declared twice": (
        CASE + AXIS + AXIS,
        ["k.toml:14  axis 'K' is declared twice (k.toml:8 and 14)"],
    ),
    "check without reason": (
        CASE + METRIC + '[[testbed.check]]\nid = "mass"\nkind = "bounds"\nmetric = "head"\nlow=1\n',
        ["k.toml:10  testbed.check[0].reason is required"],
    ),
    "check with keys of another kind": (
        CASE
        + METRIC
        + '[[testbed.check]]\nid = "mass"\nkind = "bounds"\nmetric = "head"\nlow = 1\n'
        'max_cv = 2\nreason = "r"\n',
        [
            "k.toml:15  testbed.check[0].max_cv is not a key of kind 'bounds'; "
            "its own keys: low, high"
        ],
    ),
    "check that nothing can pass": (
        CASE
        + METRIC
        + '[[testbed.check]]\nid = "mass"\nkind = "bounds"\nmetric = "head"\nlow = 2\n'
        'high = 1\nreason = "r"\n',
        ["k.toml:14  check 'mass': low 2.0 is above high 1.0: nothing can pass"],
    ),
    "check of no case": (
        CASE + METRIC + '[[testbed.check]]\nid = "mass"\nkind = "difference"\nmetric = "head"\n'
        'max_abs = 1\nreference = "A"\ncases = ["b*"]\nreason = "r"\n',
        [
            "k.toml:15  check 'mass': reference 'A' is no case",
            "k.toml:16  check 'mass': no case is called 'b*'",
        ],
    ),
    "check of no design": (
        CASE
        + METRIC
        + '[[testbed.check]]\nid = "mass"\nkind = "bounds"\nmetric = "head"\nlow = 2\n'
        'design = "g"\nreason = "r"\n',
        ["k.toml:15  check 'mass': design 'g' is not declared"],
    ),
    "difference to nothing": (
        CASE + METRIC + '[[testbed.check]]\nid = "d"\nkind = "difference"\nmetric = "head"\n'
        'reason = "r"\n',
        [
            "k.toml:10  check 'd' (difference) needs reference",
            "k.toml:10  check 'd' (difference) has no bound",
        ],
    ),
    "spread of nothing": (
        CASE + METRIC + '[[testbed.check]]\nid = "s"\nkind = "spread"\nmetric = "head"\nmin_n = 9\n'
        'reason = "r"\n',
        ["k.toml:10  check 's' (spread) has no bound"],
    ),
    "order of nothing": (
        CASE + METRIC + '[[testbed.check]]\nid = "o"\nkind = "order"\nmetric = "head"\n'
        'h = "mesh_metrics.h_effective_m"\nreason = "r"\n',
        [
            "k.toml:10  check 'o' (order) needs formal_order",
            "k.toml:10  check 'o' (order) has no bound",
            "k.toml:14  check 'o': metric 'mesh_metrics.h_effective_m' is not declared",
        ],
    ),
    "catalog that makes nothing": (
        CASE + '[testbed.catalog]\npath = "base.toml"\nformat = "csv"\n',
        ["k.toml:7  testbed.catalog makes no case without [[testbed.case_from_catalog]]"],
    ),
    "rule without catalog": (
        CASE + "[[testbed.case_from_catalog]]\n",
        ["k.toml:7  testbed.case_from_catalog needs [testbed.catalog]"],
    ),
    "no such catalog": (
        CASE + '[testbed.catalog]\npath = "sites.csv"\n[[testbed.case_from_catalog]]\n',
        ["k.toml:8  testbed.catalog.path: no file 'sites.csv' in the folder of k.toml"],
    ),
    "tables without effect": (
        CASE + "[flow]\n",
        ["k.toml:7  flow has no effect beside testbed.base_config; move it there or to an overlay"],
    ),
}


@pytest.mark.parametrize(("text", "lines"), FAULTS.values(), ids=FAULTS)
def test_the_text_of_every_fault(tmp_path, text, lines):
    assert told(tmp_path, HEAD + text) == lines


AXIS_FAULTS = {  # keys of an axis K -> what is said behind "k.toml:5  axis 'K': "
    "values and levels": (
        'values = [1]\nlevel = [{ id = "a" }]',
        "values and level exclude each other",
    ),
    "names of nothing": (
        'values = [1]\nnames = ["a", "b"]',
        "names must be as many as values, 1, got 2",
    ),
    "equal names": (
        'values = [1, 2]\nnames = ["a", "A"]',
        "two names are equal; upper and lower case are equal",
    ),
    "a value twice": ("values = [1, 2, 1.0]", "value 1 stands twice"),
    "true is not 1": ('values = ["a", true, false]', None),
    "mixed": (
        'values = [1, "auto"]',
        "values must be all numbers, or all text and truth values",
    ),
    "half a range": ("low = 1", "high is missing: a range has both ends"),
    "an empty range": ("low = 1\nhigh = 1", "low must be < high, got 1.0 and 1.0"),
    "a range beyond numbers": (
        "low = -1e308\nhigh = 1e308",
        "high - low must be finite, got -1e+308 and 1e+308",
    ),
    "loguniform from 0": (
        'low = 0\nhigh = 1\ndistribution = "loguniform"',
        "distribution 'loguniform' needs low > 0, got 0.0",
    ),
    "loguniform of nothing": ('distribution = "loguniform"', "distribution needs low and high"),
    "no whole number": (
        "low = 0.2\nhigh = 0.8\ninteger = true",
        "no whole number lies between low 0.2 and high 0.8",
    ),
    "reference elsewhere": (
        'values = [1, 2]\nnames = ["a", "b"]\nreference = "c"',
        "reference c is none of its values and names: 1, 2, a, b",
    ),
    "reference by name": ('values = [1, 2]\nnames = ["a", "b"]\nreference = "b"', None),
    "refines words": ('values = ["a"]\nrefines = "size"', 'refines = "size" needs values > 0'),
    "log of 0": ('values = [0, 1]\nscale = "log"', 'scale = "log" needs values > 0'),
    "no key": ('keys = ["a..b"]', "'a..b' is no dotted key"),
    "keys that overlap": ('keys = ["a", "a.b"]', "keys 'a' and 'a.b' set the same"),
    "a reserved key": ('keys = ["workflow.mode"]', "keys may not set workflow.mode"),
    "an overlay that is none": (
        'level = [{ id = "x", overlay = 3 }]',
        "overlay must be a table, got a number",
    ),
    "levels of one id": ('level = [{ id = "x" }, { id = "X" }]', "level 'X' is declared twice"),
}


@pytest.mark.parametrize(("text", "fault"), AXIS_FAULTS.values(), ids=AXIS_FAULTS)
def test_what_an_axis_may_not_say(tmp_path, text, fault):
    lines = told(tmp_path, f'{HEAD}[[testbed.axis]]\nid = "K"\n{text}\n{CASE}')
    if fault is None:
        assert lines == []
    else:
        assert len(lines) == 1
        assert lines[0].startswith(("k.toml:5  axis 'K'", "k.toml:7  axis 'K'"))
        assert fault in lines[0]


@pytest.mark.parametrize("name", ["1K", "K-1", "", "a.b"])
def test_an_axis_has_a_name_that_keys_can_hold(tmp_path, name):
    assert told(tmp_path, f'{HEAD}axis = [{{ id = "{name}" }}]\n{CASE}') == [
        f"k.toml:5  testbed.axis[0].id must be letters, digits and _, a letter first, got {name!r}"
    ]


DESIGN_FAULTS = {  # keys of a design g -> what is said behind "k.toml:...  "
    "no axes": ('kind = "grid"', "design 'g': a grid needs axes"),
    "no count": ('kind = "sobol"\naxes = ["r"]', "design 'g': a sobol needs count"),
    "an axis that is not there": (
        'kind = "grid"\naxes = ["KK"]',
        "design 'g': axis 'KK' is not declared; did you mean 'K'?",
    ),
    "an axis twice": ('kind = "grid"\naxes = ["K", "K"]', "design 'g': an axis stands twice"),
    "a range for levels": ('kind = "grid"\naxes = ["r"]', "design 'g': axis 'r' has no values"),
    "levels for a range": (
        'kind = "latin_hypercube"\naxes = ["K"]\ncount = 3',
        "design 'g': axis 'K' has no low and high to sample between",
    ),
    "an axis that sets nothing": (
        'kind = "grid"\naxes = ["tag"]',
        "design 'g': axis 'tag' has no keys: its cases would be equal",
    ),
    "two axes of one key": (
        'kind = "grid"\naxes = ["K", "K2"]',
        "design 'g': axis 'K2' and axis 'K' both set flow.param.K.value",
    ),
    "keys of another kind": (
        'kind = "one_at_a_time"\naxes = ["K"]\ncount = 3',
        "testbed.design[0].count is not a key of kind 'one_at_a_time'; it has none of its own",
    ),
    "seeds without key": (
        'kind = "seeds"\nseeds = [1]',
        "design 'g': seeds need key, the dotted key of the child that takes them",
    ),
    "seeds of two kinds": (
        'kind = "seeds"\nkey = "a"\nseeds = [1]\ncount = 2\nbase_seed = 1',
        "design 'g': seeds come from a list in seeds, or from count and base_seed",
    ),
    "seeds without base": (
        'kind = "seeds"\nkey = "a"\ncount = 2',
        "design 'g': seeds come from a list in seeds, or from count and base_seed",
    ),
    "a seed twice": ('kind = "seeds"\nkey = "a"\nseeds = [1, 1]', "a seed stands twice in seeds"),
    "an empty exclude": (
        'kind = "grid"\naxes = ["K"]\nexclude = [{}]',
        "design 'g': exclude[0] is empty: it would leave nothing",
    ),
    "exclude of no axis": (
        'kind = "grid"\naxes = ["K"]\nexclude = [{ k = 1 }]',
        "design 'g': exclude[0]: 'k' is none of its axes",
    ),
    "a template of no field": (
        'kind = "grid"\naxes = ["K"]\nid_template = "{k}"',
        "design 'g' id_template: no field 'k'; fields: design, index, K",
    ),
    "a template that does not fit": (
        'kind = "grid"\naxes = ["K"]\nid_template = "{K:d}"',
        "design 'g': {K:d} does not fit 5e-06",
    ),
    "an overlay that is none": (
        'kind = "grid"\naxes = ["K"]\noverlay = 3',
        "design 'g': overlay must be a table, got a number",
    ),
    "too many": (
        'kind = "grid"\naxes = ["big", "huge"]',
        "the design 'g' makes 65536 cases; testbed.max_cases is 10000",
    ),
    "no kind": ('axes = ["K"]', "testbed.design[0].kind is required"),
}
AXES = f"""\
[[testbed.axis]]
id = "K"
keys = ["flow.param.K.value"]
values = [5e-6, 1e-5]
[[testbed.axis]]
id = "K2"
keys = ["flow.param.K.value"]
values = [1]
[[testbed.axis]]
id = "r"
keys = ["mesh.size"]
low = 1
high = 2
[[testbed.axis]]
id = "tag"
values = [1, 2]
[[testbed.axis]]
id = "big"
keys = ["a"]
values = {list(range(256))}
[[testbed.axis]]
id = "huge"
keys = ["b"]
values = {list(range(256))}
"""


@pytest.mark.parametrize(("text", "fault"), DESIGN_FAULTS.values(), ids=DESIGN_FAULTS)
def test_what_a_design_may_not_say(tmp_path, text, fault):
    lines = told(tmp_path, f'{HEAD}{AXES}{CASE}[[testbed.design]]\nid = "g"\n{text}\n')
    assert len(lines) == 1
    assert fault in lines[0]


PAIRS = {
    "subject": (
        'subject = "flo"',
        "k.toml:3  testbed.subject is 'flo'; did you mean 'flow'? "
        "Known: mesh, flow, transport, reconnection, external",
    ),
    "subject far off": (
        'subject = "zzz"',
        "k.toml:3  testbed.subject is 'zzz'; known: mesh, flow, transport, reconnection, external",
    ),
    "runner": (
        'subject = "mesh"\nrunner.type = "mf6"',
        "k.toml:4  testbed.runner.type is 'mf6'; "
        "known: simulation, comparison, reduced_mhd, command",
    ),
    "pair": (
        'subject = "mesh"\nrunner.type = "command"',
        "k.toml:3  testbed.subject 'mesh' does not run with 'command'; it runs with: simulation",
    ),
    "a default that does not fit": (
        'subject = "reconnection"\nbase_config = "base.toml"',
        "k.toml:3  testbed.subject 'reconnection' does not run with 'simulation'; "
        "it runs with: reduced_mhd",
    ),
    "base missing": (
        'subject = "flow"',
        "k.toml:2  testbed.base_config is required for subject 'flow': "
        "every case is an overlay on it",
    ),
    "no such testbed to take cases from": (
        'subject = "mesh"\nreuse.from = ["..", "old"]',
        "k.toml:4  testbed.reuse.from[1]: no folder 'old' in the folder of k.toml",
    ),
    "no such base": (
        'base_config = "bse.toml"',
        "k.toml:3  testbed.base_config: no file 'bse.toml' in the folder of k.toml",
    ),
}


@pytest.mark.parametrize(("text", "line"), PAIRS.values(), ids=PAIRS)
def test_subject_runner_and_base(tmp_path, text, line):
    known = [row.subject for row in registry.rows() if row.subject]
    expected = line.replace(
        "mesh, flow, transport, reconnection, external", ", ".join(dict.fromkeys(known))
    ).replace(
        "simulation, comparison, reduced_mhd, command",
        ", ".join(dict.fromkeys(row.runner for row in registry.rows() if row.runner)),
    )
    text = f'workflow = {{ mode = "testbed" }}\n[testbed]\n{text}\n{CASE}'
    assert told(tmp_path, text) == [expected]


def test_the_table_itself_may_be_missing(tmp_path):
    lines = told(tmp_path, 'workflow = { mode = "testbed" }\n')
    assert lines == ["k.toml:1  [testbed] is missing; workflow.mode is 'testbed'"]


def test_a_subject_without_base_has_it_in_the_same_file(tmp_path):
    found, listed = read(
        tmp_path,
        'workflow = { mode = "testbed" }\n[testbed]\nsubject = "mesh"\n'
        f"{CASE}[mesh]\nsize = 3.0\n",
    )
    assert listed.faults == ()
    assert found.base == {"mesh": {"size": 3.0}}


def test_every_fault_comes_at_once_and_in_the_order_of_the_file(tmp_path):
    """Types, unknown keys, pair, references, cases: a broken table hides no other one."""
    text = """\
workflow = { mode = "testbed" }
[testbed]
subject = "flow"
base_config = "bse.toml"
execute = 1
metrc = 2
[[testbed.axis]]
id = "K"
unit = 3
[[testbed.case]]
label = "without an id"
[[testbed.case]]
id = "a"
value = 3
axis = "h"
[[testbed.case]]
id = "A"
axis = "K"
value = 3
[[testbed.metric]]
name = "status"
[[testbed.check]]
id = "c"
kind = "bounds"
metric = "staus"
low = "1"
reason = "r"
[[testbed.check]]
id = "d"
kind = "monotonic"
metric = "stats"
direction = "increasing"
reason = "r"
"""
    assert told(tmp_path, text) == [
        "k.toml:4  testbed.base_config: no file 'bse.toml' in the folder of k.toml",
        "k.toml:5  testbed.execute must be true or false, got 1",
        "k.toml:6  testbed.metrc is not a known key; did you mean testbed.metric?",
        "k.toml:9  testbed.axis[0].unit must be text, got 3",
        "k.toml:10  testbed.case[0].id is required",
        "k.toml:14  case 'a': value needs a declared axis; 'h' is only a tag",
        "k.toml:17  case id 'A' is used twice (k.toml:13 and 17; upper and lower case are equal)",
        "k.toml:21  metric name 'status' is a fixed column; choose another",
        "k.toml:21  metric 'status': a simulation never reports 'status'",
        "k.toml:26  testbed.check[0].low must be a number [unit of the metric], got '1'",
        "k.toml:28  check 'd' (monotonic) needs axis",
        "k.toml:31  check 'd': metric 'stats' is not declared; did you mean 'status'?",
    ]


def test_what_is_left_out_makes_no_further_faults(tmp_path):
    """Neither a name that its table may have had nor a value of a faulty axis is told."""
    text = (
        HEAD
        + """\
[[testbed.axis]]
id = "1K"
values = [1]
[[testbed.axis]]
id = "h"
values = "none"
[[testbed.case]]
id = "a"
axis = "K"
value = 1
[[testbed.case]]
id = "b"
axis = "h"
value = "fine"
[[testbed.design]]
id = "g"
kind = "grid"
axes = ["h"]
[[testbed.metric]]
name = 3
[[testbed.check]]
id = "c"
kind = "monotonic"
metric = "head"
axis = "K"
direction = "increasing"
reason = "r"
design = "d"
"""
    )
    assert told(tmp_path, text) == [
        "k.toml:6  testbed.axis[0].id must be letters, digits and _, a letter first, got '1K'",
        "k.toml:10  testbed.axis[1].values must be a list of at least 1, each true or false or "
        "a whole number or a number or text [unit of the axis], got 'none'",
        "k.toml:24  testbed.metric[0].name must be text, got 3",
        "k.toml:32  check 'c': design 'd' is not declared",
    ]


OLDER_TEXT = """\
workflow = "testbed"
[testbed]
testbed_id = "old"
subject = "flow"
base_config = "base.toml"
metrics = [{ name = "flow_metrics.n_cells" }]
[[testbed.variant]]
id = "a"
[[testbed.variant]]
id = "A"
"""


def test_older_spellings_are_read_noticed_and_found_in_the_file(tmp_path):
    assert told(tmp_path, OLDER_TEXT) == [
        "k.toml:10  case id 'A' is used twice (k.toml:8 and 10; upper and lower case are equal)"
    ]
    found, listed = read(tmp_path, OLDER_TEXT.replace('"A"', '"b"'))
    assert found.table.id == "old"
    assert [case.id for case in listed.cases] == ["a", "b"]
    assert found.table.metric[0].name == "flow_metrics.n_cells"
    assert found.notices == (
        'workflow = "testbed" is an older spelling of workflow.mode',
        "testbed.testbed_id is an older spelling of testbed.id",
        "testbed.metrics is an older spelling of testbed.metric",
        "testbed.variant is an older spelling of testbed.case",
    )


@pytest.mark.parametrize(("old", "new"), OLDER.items())
def test_both_spellings_of_a_key_are_refused(tmp_path, old, new):
    values = {"id": '"x"', "metric": "[]", "case": "[]", "case_from_catalog": "[]"}
    text = f"{HEAD}{old} = {values[new]}\n{new} = {values[new]}\n{CASE if new != 'case' else ''}"
    lines = told(tmp_path, text)
    assert (
        f"k.toml:2  testbed.{new} and testbed.{old} are two spellings of one key; "
        f"keep testbed.{new}" in lines
    )


def test_a_value_of_the_command_line_is_told_by_its_flag(tmp_path):
    changes = Changes(sets=("testbed.max_cases=0",))
    found, _ = read(tmp_path, HEAD + CASE, changes=changes)
    assert found.faults == ("--set testbed.max_cases must be >= 1, got 0",)


def test_faults_of_an_inherited_file_name_that_file(tmp_path):
    parent = '[testbed]\nmax_cases = 0\n[[testbed.case]]\nid = "p"\noverlay = 3\n'
    lines = told(tmp_path, 'base_config = "p.toml"\n' + HEAD, p=parent)
    assert lines == [
        "p.toml:2  testbed.max_cases must be >= 1, got 0",
        "p.toml:5  case 'p': overlay must be a table, got a number",
    ]


def test_notes_and_the_metrics_of_an_open_vocabulary_are_not_guessed_at(tmp_path):
    notes = '[[testbed.metric]]\nname = "v"\nsource = "notes.flow.solver_version"\nkind = "text"\n'
    assert told(tmp_path, HEAD + CASE + notes) == []
    command = """\
workflow = { mode = "testbed" }
[testbed]
subject = "external"
runner.type = "command"
metric = [{ name = "anything", unit = "furlong" }]
[[testbed.case]]
id = "a"
"""
    assert told(tmp_path, command) == []


WHOLE = """\
workflow = { mode = "testbed" }
[testbed]
subject = "mesh"
execution = { jobs = 2, timeout_s = 3.0 }
reuse = { mode = "never", from = ["."] }
catalog = { path = "s.csv", field_equals = { K = 1 }, tags = ["x"], limit = 3 }
metric = [{ name = "m", source = "flow_metrics.n_cells", unit = "1" }]
case_from_catalog = [{ id_template = "r_{case_id}", value_template = "{K}", axis_template = "K" }]
[[testbed.axis]]
id = "K"
keys = ["flow.param.K.value"]
values = [1, 2.0]
names = ["a", "b"]
low = 1
high = 3
refines = "size"
[[testbed.axis]]
id = "h"
keys = ["mesh.size"]
level = [{ id = "f", value = 3, overlay = { mesh = { size = 3 } } }, { id = "g" }]
[[testbed.case]]
id = "c1"
axis = "K"
value = "a"
overlay = { mesh = { size = 3 } }
[[testbed.design]]
id = "g"
kind = "grid"
axes = ["K", "h"]
exclude = [{ K = "a", h = "f" }]
[[testbed.design]]
id = "s"
kind = "seeds"
seeds = [1, 2]
key = "x.seed"
[[testbed.check]]
id = "q"
kind = "order"
metric = "m"
axis = "K"
formal_order = 2
max_uncertainty = 0.1
reason = "r"
"""
ODD = (
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    "{",
    "K",
    [],
    [1],
    ["x"],
    {},
    {"x": 1},
    [{}],
    [{"id": "K"}],
    1e300,
)


def places(value, above=()):
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield (*above, key)
            yield from places(item, (*above, key))


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_written_the_answer_is_cases_or_faults(tmp_path, data):
    """Any value anywhere: no exception but a list of faults, and the data stay as they were."""
    (tmp_path / "s.csv").write_text("case_id,K,tags\na,1,x;y\nb,2,z\n")
    table = tomllib.loads(WHOLE)
    for _ in range(data.draw(st.integers(0, 3))):
        *above, last = data.draw(st.sampled_from(list(places(table)) or [()])) or [None]
        at = table
        for key in above:
            at = at[key]
        if last is not None:
            at[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    before = copy.deepcopy(table)
    found = declared(table, Source("k.toml"), tmp_path / "k.toml")
    assert table == before
    if found.table is None:
        assert found.faults
    else:
        listed = case_list(found.table, found.source, tmp_path)
        assert listed.faults or listed.cases


def test_every_limit_of_the_tables_stands_in_the_schema():
    """What an editor checks is what is checked here."""
    schema = TestbedFile.model_json_schema()["$defs"]
    assert schema["Testbed"]["additionalProperties"] is False
    assert schema["Testbed"]["properties"]["max_cases"]["minimum"] == 1
    assert schema["CaseTable"]["properties"]["overlay"]["type"] == "object"
    assert "from" in schema["Reuse"]["properties"]
    names = set(Testbed.model_fields)
    assert {"axis", "case", "catalog", "case_from_catalog", "design", "metric", "check"} < names


def test_every_number_of_a_testbed_ends_in_its_unit():
    for name, table in TestbedFile.model_json_schema()["$defs"].items():
        for key, field in table["properties"].items():
            arms = [field, *field.get("anyOf", []), field.get("items", {})]
            if any(arm.get("type") in ("number", "integer") for arm in arms):
                text = field.get("description", "")
                assert re.search(r"\[[^\]]+\]$", text), f"{name}.{key}"
