"""Input files of MODFLOW-NWT, read back by flopy, and torn or foreign results refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("shapely")

from mhx.errors import EvidenceError, SolverError
from mhx.groundwater.legacy import nwt, nwt_files, reading
from mhx.groundwater.model import FlowModel
from mhx.groundwater.solver import Nwt

from .cases import STORING, flow_case, task_of


@pytest.fixture
def model(tmp_path: Path) -> FlowModel:
    """The transient case in two layers, assembled and not solved."""
    case = flow_case(n_layers=2, **STORING)
    case["engine"] = "mf6"  # so that no executable is looked for
    task = task_of(case, tmp_path / "task")
    return nwt.assembled(task)


def test_lists_stand_in_the_order_of_the_configuration(model: FlowModel) -> None:
    files = nwt_files.write(model, Nwt(), link=True)
    assert files["flow.wel"].decode() == (
        "2 53\nSPECIFY 1e-06 0\n2 0\n1 6 9 -8.64\n1 6 11 2.592\n-1 0\n"
    )
    assert files["flow.lmt"].decode() == (
        "OUTPUT_FILE_NAME flow.ftl\nOUTPUT_FILE_UNIT 54\nOUTPUT_FILE_HEADER EXTENDED\n"
        "OUTPUT_FILE_FORMAT UNFORMATTED\n"
    )
    assert files["flow.upw"].decode().splitlines()[:6] == [
        "53 -1e+30 0 0", "1 1", "0 0", "1.0 1.0", "0 0", "0 0",
    ]  # fmt: skip
    assert files["flow.dis"].decode().splitlines()[-2:] == ["10.0 3 1.3 TR", "20.0 1 1.0 TR"]
    assert "flow.lmt" not in nwt_files.write(model, Nwt())


def test_files_hold_no_date_and_no_path(model: FlowModel, tmp_path: Path) -> None:
    text = b"\n".join(nwt_files.write(model, Nwt(), link=True).values()).decode()
    assert str(tmp_path) not in text and "20" + "26" not in text and "#" not in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The program:UserWarning")  # it looks for mf2005
def test_flopy_reads_what_was_written(model: FlowModel, tmp_path: Path) -> None:
    flopy = pytest.importorskip("flopy")
    for name, content in nwt_files.write(model, Nwt()).items():
        (tmp_path / name).write_bytes(content)
    found = flopy.modflow.Modflow.load(
        nwt_files.NAMES, model_ws=str(tmp_path), version="mfnwt", check=False, forgive=False
    )
    assert found.nlay == 2 and found.nper == 2
    assert found.upw.hk.array.ravel() == pytest.approx(model.properties["k"].ravel())
    assert found.dis.botm.array.ravel() == pytest.approx(model.bottoms.ravel())
    rain = found.rch.rech.array[0, 0].ravel()
    assert rain[40] == pytest.approx(3 * rain[50]) and rain[50] == pytest.approx(1e-8 * 86400)
    assert found.riv.stress_period_data[0]["stage"] == pytest.approx(
        model.boundaries["river"].values["stage"][0]
    )


def heads(*layers: int, text: bytes = b"HEAD", value: float = 1.0) -> bytes:
    """A head file of one step with two cells in a layer."""
    record = np.dtype(
        [("step", "<i4", (2,)), ("time", "<f4", (2,)), ("text", "S16"), ("size", "<i4", (3,)),
         ("values", "<f4", (2,))]
    )  # fmt: skip
    rows = [((1, 1), (1.0, 1.0), text.rjust(16), (2, 1, k), (value, value)) for k in layers]
    return np.array(rows, record).tobytes()


ENDS = {(1, 1): 1.0}


def test_heads_of_a_step_are_read(tmp_path: Path) -> None:
    path = tmp_path / "flow.hds"
    path.write_bytes(heads(1, 2, value=3.5))
    found = reading.read_heads(path, 2, 2, ENDS)
    assert found.values.tolist() == [[[3.5, 3.5], [3.5, 3.5]]] and found.time.tolist() == [1.0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (heads(1)[:-1], "torn or of another model"),
        (heads(1), "torn or of another model"),
        (heads(1, 3), "altered or of another model"),
        (heads(1, 2, text=b"DRAWDOWN"), "altered or of another model"),
        (b"", "torn or of another model"),
    ],
    ids=["torn", "a layer less", "another layer", "another quantity", "empty"],
)
def test_heads_of_another_model_are_refused(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.hds"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=told):
        reading.read_heads(path, 2, 2, ENDS)


def test_heads_that_are_no_numbers_are_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "flow.hds"
    path.write_bytes(heads(1, 2, value=float("nan")))
    with pytest.raises(SolverError, match="no numbers in stress period 1, time step 1"):
        reading.read_heads(path, 2, 2, ENDS)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    readers: list[Callable[[Path], object]] = [
        lambda path: reading.read_heads(path, 1, 2, ENDS),
        lambda path: reading.read_budget(path, 1, 2),
    ]
    for read in readers:
        with pytest.raises(EvidenceError, match="cannot be read"):
            read(tmp_path / "absent")


def budget(method: int, body: bytes, layers: int = 1) -> bytes:
    """One record of a budget of two cells in a layer."""
    head = np.array([1, 1], "<i4").tobytes() + b"WELLS".rjust(16)
    head += np.array([2, 1, -layers, method], "<i4").tobytes()
    return head + np.array([1.0, 1.0, 1.0], "<f4").tobytes() + body


ROWS = np.array([1], "<i4").tobytes() + np.array([2], "<i4").tobytes() + b"\0\0\x80?"
AUXILIARY = np.array([2], "<i4").tobytes() + b"IFACE".rjust(16) + ROWS + b"\0\0\0@"
FULL = np.array([0.0, 1.0], "<f4").tobytes()


@pytest.mark.parametrize(
    ("method", "body", "nodes", "rates"),
    [
        (1, FULL, [0, 1], [0.0, 1.0]),
        (2, ROWS, [1], [1.0]),
        (3, np.array([1, 1], "<i4").tobytes() + FULL, [0, 1], [0.0, 1.0]),
        (4, FULL, [0, 1], [0.0, 1.0]),
        (5, AUXILIARY, [1], [1.0]),
    ],
)
def test_every_form_of_a_record_is_read(
    method: int, body: bytes, nodes: list[int], rates: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "flow.cbc"
    path.write_bytes(budget(method, body) * 2)
    for found in reading.read_budget(path, 1, 2):
        assert found.text == "wells" and found.nodes.tolist() == nodes
        assert found.rates.tolist() == rates


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (budget(1, FULL)[:-1], "buffer"),
        (budget(7, FULL), "stored by method 7"),
        (budget(1, FULL, layers=2), "is of 2 x 1 x 2 cells"),
        (budget(1, np.array([np.nan, 1.0], "<f4").tobytes()), "no numbers"),
        (budget(2, np.array([1, 3], "<i4").tobytes() + b"\0\0\x80?"), "names cells beyond 2"),
        (b"", "holds no budget"),
    ],
    ids=["torn", "unknown form", "another model", "not a number", "beyond the grid", "empty"],
)
def test_budgets_of_another_model_are_refused(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.cbc"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=told):
        reading.read_budget(path, 1, 2)
