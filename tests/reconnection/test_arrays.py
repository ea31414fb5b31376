"""NPZ files: equal arrays are equal bytes, and damage is refused by file and array."""

import numpy as np
import pytest

from mhx.errors import EvidenceError
from mhx.reconnection.arrays import read_arrays, write_arrays

SCHEMA = "mhx.test.arrays.v2"
ARRAYS = {
    "psi": np.arange(12.0).reshape(3, 4),
    "hat": np.arange(4) * (1 + 2j),
    "step": np.int64(7),
    "name": "a word",
    "none": np.empty((0, 3)),
}


@pytest.fixture
def path(tmp_path):
    write_arrays(tmp_path / "some.npz", SCHEMA, ARRAYS)
    return tmp_path / "some.npz"


def test_what_is_read_is_what_was_written_bit_for_bit(path):
    found = read_arrays(path, SCHEMA)
    assert found.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        wanted = np.asarray(value)
        assert found[name].dtype == wanted.dtype
        assert found[name].shape == wanted.shape
        assert found[name].tobytes() == wanted.tobytes()


def test_equal_arrays_are_equal_bytes_whatever_their_order_and_layout(path, tmp_path):
    other = dict(reversed(ARRAYS.items())) | {"psi": np.asfortranarray(ARRAYS["psi"])}
    write_arrays(tmp_path / "other.npz", SCHEMA, other)
    assert (tmp_path / "other.npz").read_bytes() == path.read_bytes()


def test_numpy_reads_it_without_pickle(path):
    with np.load(path, allow_pickle=False) as archive:
        assert str(archive["schema"]) == SCHEMA
        assert archive["schema"].ndim == 0


def test_objects_are_never_stored(tmp_path):
    with pytest.raises(TypeError, match="'odd'"):
        write_arrays(tmp_path / "x.npz", SCHEMA, {"odd": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


REFUSED = {
    "an older schema": ("mhx.test.arrays.v3", "an older mhx"),
    "a newer schema": ("mhx.test.arrays.v1", "a newer mhx"),
    "another file": ("mhx.test.other.v1", "another kind"),
}


@pytest.mark.parametrize(("schema", "words"), REFUSED.values(), ids=REFUSED)
def test_another_schema_is_refused(path, schema, words):
    with pytest.raises(EvidenceError, match=words) as refusal:
        read_arrays(path, schema)
    assert str(path) in str(refusal.value)
    assert SCHEMA in str(refusal.value)


def test_a_file_without_schema_is_refused(tmp_path):
    np.savez(tmp_path / "plain.npz", psi=np.zeros(3))
    with pytest.raises(EvidenceError, match="'schema' is missing"):
        read_arrays(tmp_path / "plain.npz", SCHEMA)


def test_a_missing_file_and_a_missing_array_are_named(path, tmp_path):
    with pytest.raises(EvidenceError, match="no such file"):
        read_arrays(tmp_path / "gone.npz", SCHEMA)
    with pytest.raises(EvidenceError, match="array 'omega' is missing; the file holds: hat,"):
        read_arrays(path, SCHEMA, ("psi", "omega"))


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "evil.npz", schema=SCHEMA, odd=np.array([{}], object))
    with pytest.raises(EvidenceError, match="array 'odd'"):
        read_arrays(tmp_path / "evil.npz", SCHEMA)


def test_a_file_cut_anywhere_is_refused(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(EvidenceError, match=r"some\.npz"):
            read_arrays(path, SCHEMA)


def test_a_flipped_byte_is_refused_or_changes_no_number(tmp_path):
    """Content is under a checksum; a flip elsewhere may only touch dates and rights."""
    path = tmp_path / "small.npz"
    write_arrays(path, SCHEMA, {"psi": np.arange(3.0), "step": np.int64(7)})
    whole = path.read_bytes()
    before = read_arrays(path, SCHEMA)
    flips = [(place, bit) for place in range(len(whole)) for bit in (0x01, 0x41)]
    for place, bit in flips:
        damaged = bytearray(whole)
        damaged[place] ^= bit
        path.write_bytes(damaged)
        try:
            found = read_arrays(path, SCHEMA)
        except EvidenceError:
            continue
        assert found.keys() == before.keys()
        assert all(found[name].tobytes() == before[name].tobytes() for name in before)


def test_damage_within_an_array_names_the_array(path):
    whole = bytearray(path.read_bytes())
    place = whole.index(ARRAYS["psi"].tobytes())
    whole[place + 40] ^= 1
    path.write_bytes(whole)
    with pytest.raises(EvidenceError, match="array 'psi' cannot be read"):
        read_arrays(path, SCHEMA)
