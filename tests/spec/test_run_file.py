"""`mhx run` on one configuration file, `mhx schema`, and what both refuse."""

import json
import math
import tomllib
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from .lane import arrays, mhx, read, states, tree

FILE = """
name = "case"

[workflow]
mode = "reconnection"

[mesh]
shape = [16, 12]
lower = [0.0, 0.0]
upper = [6.283185307179586, 6.283185307179586]
periodic = [true, true]

[time]
t0 = 0.0
t1 = 0.5
dt = 0.05
save_every = 2

[physics]
model = "reduced_mhd"
equilibrium = "cosine_tearing"
resistivity = 1e-3
viscosity = 1e-3

[physics.equilibrium_parameters]
perturbation_amplitude = 1e-3
perturbation_mode_x = 1
perturbation_mode_y = 1

[initial]
seed = 3
noise_amplitude = 1e-4

[numerics]
dealiasing = "two_thirds"
time_integrator = "rk4"
dtype = "float64"
"""


def run(folder: Path, text: str = FILE, *words: object):
    folder.mkdir(exist_ok=True)
    file = folder / "case.toml"
    file.write_text(text)
    return mhx("run", file, "--output-dir", folder / "out", *words)


def histories(folder: Path) -> dict[str, np.ndarray]:
    """The history of a run, whatever the file is called: the array file with the budget in it."""
    for path in sorted(folder.rglob("*.npz")):
        found = arrays(path)
        if "dissipation_budget_residual" in found and "reconnection_rate_proxy" in found:
            return found
    raise AssertionError(sorted(path.name for path in folder.rglob("*")))


def last_state(folder: Path) -> dict[str, np.ndarray]:
    found = [arrays(path) for path in folder.rglob("*.npz")]
    found = [state for state in found if "psi_hat" in state]
    return max(found, key=lambda state: int(state["step"]))


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    said = run(folder)
    assert said.code == 0, said.text
    return folder / "out"


def test_case_is_a_verified_folder_with_a_manifest(case):
    manifest = read(case / "manifest.json")
    keys = """schema api_version created_utc mhx_version kind claim_level claim_scope config outputs
        hashes digest git code_digest dependencies python platform device dtype command
        family_digest"""
    assert set(keys.split()) <= manifest.keys()
    assert manifest["kind"] == "case"
    assert manifest["schema"] == "mhx.manifest.v1"
    assert mhx("verify", case).code == 0


@pytest.mark.slow
def test_same_file_again_gives_the_same_identity(case, tmp_path):
    assert run(tmp_path).code == 0
    first, second = read(case / "manifest.json"), read(tmp_path / "out" / "manifest.json")
    assert first["digest"] == second["digest"]
    assert first["created_utc"] <= second["created_utc"]


def test_history_of_a_case_uses_the_vocabulary_of_the_campaign(case, finished):
    assert arrays(finished / "production_history.npz").keys() <= histories(case).keys() | {"schema"}
    h = histories(case)
    assert h["step"].tolist() == [0, 2, 4, 6, 8, 10]
    assert np.max(h["dissipation_budget_residual"]) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["finished", "harris"])
def test_run_file_of_a_plan_makes_the_same_trajectory(name, request, tmp_path):
    """3.3: `mhx run` on it makes the same trajectory in one go: the last bit."""
    folder = request.getfixturevalue(name)
    said = mhx("run", folder / "campaign_config.toml", "--output-dir", tmp_path / "single")
    assert said.code == 0, said.text
    ours, theirs = last_state(tmp_path / "single"), arrays(states(folder)[-1])
    for key in ("psi_hat", "omega_hat", "dissipated_energy", "injected_energy", "step"):
        assert ours[key].tobytes() == theirs[key].tobytes(), key
    history, campaign = histories(tmp_path / "single"), arrays(folder / "production_history.npz")
    for key, values in campaign.items():
        if key != "schema":
            assert history[key].tobytes() == values.tobytes(), key


@pytest.mark.slow
def test_run_file_beside_the_plan_leaves_the_campaign_intact(finished, copy):
    """The configuration's own `output_dir` is not the run directory."""
    folder = copy(finished)
    before = tree(folder)
    said = mhx("run", folder / "campaign_config.toml")
    assert said.code == 0, said.text
    assert tree(folder) == before


# Exact solutions


def single_mode(**physics: float) -> str:
    """`zero` is no use without a seed: a lone mode is the cosine sheet without one.

    psi = cos y (1 + eps cos x) has [phi, psi] = 0 only at eps = 0; at 1e-12 the rest is round-off.
    """
    text = FILE.replace("perturbation_amplitude = 1e-3", "perturbation_amplitude = 1e-12")
    text = text.replace("noise_amplitude = 1e-4", "noise_amplitude = 0.0")
    text = text.replace("t1 = 0.5", "t1 = 2.0").replace("save_every = 2", "save_every = 40")
    for key, value in physics.items():
        text = text.replace(f"{key} = 1e-3", "")
        text = text.replace('model = "reduced_mhd"', f'model = "reduced_mhd"\n{key} = {value}')
    return text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("physics", "rate"),
    [
        ({"resistivity": 0.05}, 0.05),
        ({"resistivity": 0.02, "hyper_resistivity": 0.03}, 0.05),
    ],
)
def test_one_mode_decays_exactly(physics, rate, tmp_path):
    said = run(tmp_path, single_mode(**physics))
    assert said.code in (0, 1), said.text
    h = histories(tmp_path / "out")
    expected = np.exp(-2 * rate * h["time"])
    np.testing.assert_allclose(h["total_energy"] / h["total_energy"][0], expected, rtol=1e-10)
    assert np.max(h["dissipation_budget_residual"]) < 1e-12


def orszag_tang(n: int = 64, t1: float = 0.5, dt: float = 0.01, eta: float = 0.02) -> str:
    table = FILE.replace("shape = [16, 12]", f"shape = [{n}, {n}]")
    table = table.replace("t1 = 0.5", f"t1 = {t1}").replace("dt = 0.05", f"dt = {dt}")
    table = table.replace("save_every = 2", f"save_every = {round(t1 / dt / 5)}")
    table = table.replace("cosine_tearing", "orszag_tang").replace("= 1e-3", f"= {eta}")
    start = table.index("[physics.equilibrium_parameters]")
    stop = table.index("[initial]")
    return (table[:start] + table[stop:]).replace("noise_amplitude = 1e-4", "noise_amplitude = 0.0")


@pytest.mark.slow
def test_orszag_tang_closes_its_energy_budget(tmp_path):
    said = run(tmp_path, orszag_tang())
    assert said.code in (0, 1), said.text
    h = histories(tmp_path / "out")
    assert h["magnetic_energy"][0] == pytest.approx(0.5, rel=1e-13)
    assert h["kinetic_energy"][0] == pytest.approx(0.5, rel=1e-13)
    assert np.max(h["dissipation_budget_residual"]) < 1e-8
    assert h["total_energy"][-1] < 0.99


@pytest.mark.slow
def test_orszag_tang_starts_from_its_formula(tmp_path):
    """After one step of 1e-12 the state is the initial one to 1e-11."""
    text = orszag_tang(n=16, t1=5e-12, dt=1e-12).replace("t1 = 5e-12", "t1 = 1e-12")
    said = run(tmp_path, text)
    assert said.code in (0, 1), said.text
    state = last_state(tmp_path / "out")
    x = ((np.arange(16) + 0.5) * math.tau / 16)[:, None]
    np.testing.assert_allclose(state["psi"], np.cos(x.T) + 0.5 * np.cos(2 * x), atol=1e-10)
    np.testing.assert_allclose(state["omega"], -np.cos(x) - np.cos(x.T), atol=1e-10)


@pytest.mark.slow
def test_ideal_run_keeps_its_energy_to_the_order_of_the_integrator(tmp_path):
    lost = []
    for dt in (0.02, 0.01):
        folder = tmp_path / str(dt)
        said = run(folder, orszag_tang(n=32, t1=0.4, dt=dt, eta=0.0))
        assert said.code in (0, 1), said.text
        energy = histories(folder / "out")["total_energy"]
        lost.append(abs(energy[-1] - energy[0]))
    assert lost[0] < 1e-6
    assert lost[0] / lost[1] > 12  # fourth order or better


# What a file may not say


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("resistivity = 1e-3", "resistivity = -1.0", "resistivity"),
        ("resistivity = 1e-3", "resistivity = nan", "resistivity"),
        ("viscosity = 1e-3", "viscosity = inf", "viscosity"),
        ("resistivity = 1e-3", 'resistivity = "small"', "resistivity"),
        ("resistivity = 1e-3", "resistivty = 1e-3", "resistivty"),
        ("shape = [16, 12]", "shape = [4, 4]", "shape"),
        ("shape = [16, 12]", "shape = [16]", "shape"),
        ("dt = 0.05", "dt = -0.05", "dt"),
        ("save_every = 2", "save_every = 0", "save_every"),
        ("periodic = [true, true]", "periodic = [true, false]", "periodic"),
        ('"cosine_tearing"', '"cosine_tearin"', "equilibrium"),
        ('"two_thirds"', '"none"', "dealiasing"),
        ('"rk4"', '"euler"', "time_integrator"),
        ('"float64"', '"float16"', "dtype"),
        ('"reconnection"', '"reconection"', "mode"),
        ("seed = 3", "seed = -3", "seed"),
        ('name = "case"', 'name = "case"\ncolour = "red"', "colour"),
    ],
)
def test_faults_of_a_file_are_named_with_line_and_key(old, new, key, tmp_path):
    text = FILE.replace(old, new)
    assert text != FILE
    said = run(tmp_path, text)
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert key in said.text, said.text
    line = next(i for i, row in enumerate(text.splitlines(), 1) if new.splitlines()[-1] in row)
    assert f"case.toml:{line}" in said.text, said.text
    assert not (tmp_path / "out").exists()


def test_all_faults_of_a_file_at_once(tmp_path):
    text = FILE.replace("resistivity = 1e-3", "resistivity = -1.0").replace("seed = 3", "seed = -3")
    text = text.replace("dt = 0.05", "dt = 0.0")
    said = run(tmp_path, text)
    assert said.code == 2
    for key in ("resistivity", "seed", "dt"):
        assert key in said.text, said.text


def test_unknown_key_suggests_the_known_one(tmp_path):
    said = run(tmp_path, FILE.replace("viscosity", "viscocity"))
    assert said.code == 2 and "viscosity" in said.text, said.text


@pytest.mark.parametrize(
    ("old", "new"),
    [("dt = 0.05", "dt = 5.0"), ("t1 = 0.5", "t1 = -0.5"), ("t1 = 0.5", "t1 = 0.0")],
)
def test_times_that_cannot_be_run(old, new, tmp_path):
    said = run(tmp_path, FILE.replace(old, new).replace("save_every = 2", "save_every = 1"))
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.npz"))


def test_name_in_two_places_is_a_fault(tmp_path):
    text = FILE.replace('mode = "reconnection"', 'mode = "reconnection"\nname = "other"')
    said = run(tmp_path, text)
    assert said.code == 2 and "name" in said.text, said.text


def test_held_vortex_is_refused(tmp_path):
    text = orszag_tang().replace(
        'model = "reduced_mhd"', 'hold_equilibrium = true\nmodel = "reduced_mhd"'
    )
    said = run(tmp_path, text)
    assert said.code == 2, said.text
    assert "hold_equilibrium" in said.text


def test_broken_and_missing_files(tmp_path):
    said = run(tmp_path, FILE.replace("[mesh]", "[mesh"))
    assert said.code == 2 and "case.toml" in said.text, said.text
    said = mhx("run", tmp_path / "none.toml")
    assert said.code == 2 and "none.toml" in said.text, said.text
    assert "Traceback" not in said.text


# Schemas


def test_schema_of_the_mode_accepts_what_runs_and_refuses_what_does_not(finished):
    said = mhx("schema", "reconnection")
    assert said.code == 0, said.text
    schema = json.loads(said.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(tomllib.loads(FILE))
    validator.validate(tomllib.loads((finished / "campaign_config.toml").read_text()))
    for old, new in (
        ("resistivity = 1e-3", "resistivity = -1.0"),
        ("seed = 3", "sede = 3"),
        ('"rk4"', '"euler"'),
    ):
        assert not validator.is_valid(tomllib.loads(FILE.replace(old, new))), new


@pytest.mark.parametrize(
    "name",
    [
        "mhx.campaign.rutherford_production_plan.v1",
        "mhx.campaign.rutherford_checkpoint.v1",
        "mhx.campaign.rutherford_execution.v1",
        "mhx.manifest.v1",
        "mhx.artifacts.v1",
    ],
)
def test_schema_of_evidence_files(name):
    said = mhx("schema", name)
    assert said.code == 0, said.text
    assert isinstance(json.loads(said.out), dict)


def test_schema_of_nothing_known():
    said = mhx("schema", "reconection")
    assert said.code == 2, said.text
    assert "reconnection" in said.text
    assert "Traceback" not in said.text


def test_evidence_files_conform_to_their_exported_schemas(finished):
    for path in (
        "campaign_plan.json",
        "manifest.json",
        "artifact_manifest.json",
        "diagnostics.json",
        "job_array.json",
        "checkpoints/checkpoint_index.json",
        "checkpoints/step_000000000048.json",
        "validation.json",
    ):
        document = read(finished / path)
        said = mhx("schema", document["schema"])
        assert said.code == 0, (path, said.text)
        jsonschema.validate(document, json.loads(said.out))


@pytest.mark.slow
def test_case_planned_then_run_has_the_family_of_its_plan(tmp_path, planned):
    said = mhx("run", planned / "campaign_config.toml", "--output-dir", tmp_path / "single")
    assert said.code == 0, said.text
    ours = read(tmp_path / "single" / "manifest.json")["family_digest"]
    assert ours == read(planned / "campaign_plan.json")["family_digest"]


@pytest.mark.slow
def test_other_box_is_another_family(tmp_path):
    digests = []
    for name, upper in (("a", "6.283185307179586"), ("b", "6.3")):
        text = FILE.replace("t1 = 0.5", "t1 = 0.1").replace(
            "upper = [6.283185307179586,", f"upper = [{upper},"
        )
        assert run(tmp_path / name, text).code == 0
        digests.append(read(tmp_path / name / "out" / "manifest.json")["family_digest"])
    assert digests[0] != digests[1]


@pytest.mark.slow
def test_whole_numbers_and_floats_are_one_family(tmp_path):
    for name, value in (("a", "1"), ("b", "1.0")):
        text = FILE.replace("viscosity = 1e-3", f"viscosity = {value}")
        text = text.replace("t1 = 0.5", "t1 = 0.1")
        said = run(tmp_path / name, text)
        assert said.code in (0, 1), said.text
    a, b = (read(tmp_path / name / "out" / "manifest.json") for name in "ab")
    assert a["family_digest"] == b["family_digest"]
