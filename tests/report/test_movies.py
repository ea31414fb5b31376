"""Movies: one colour range, a stamp in each frame, a sidecar that tells what was drawn."""

import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.report import movies
from mhx.report.movies import Movie, pictures, size_of, write_movie

N = 5
FIELD = np.linspace(-1, 1, 12 * 16).reshape(12, 16)
FRAMES = np.stack([FIELD * (n + 1) / N for n in range(N)]).astype(np.float32)


def movie(**changes):
    given = {
        "frames": FRAMES, "times": np.arange(N) * 0.5, "steps": np.arange(N) * 10,
        "extent": (0.0, 4.0, 0.0, 3.0), "vmin": -1.0, "vmax": 1.0, "title": "A field",
        "colour_label": "$f$  [1]", "stride": 10,
    }  # fmt: skip
    return Movie(**(given | changes))


def decoded(path):
    with Image.open(path) as gif:
        size = gif.size
    return [np.frombuffer(p, np.uint8).reshape(size[1], size[0], 3) for p in pictures(path)]


def map_of(picture, corner=(74, 64), size=(420, 315)):
    """The part of a picture that shows the field, without its frame."""
    return picture[corner[1] + 2 : corner[1] + size[1] - 2, corner[0] + 2 : corner[0] + size[0] - 2]


def test_the_sidecar_says_what_was_drawn(tmp_path):
    sidecar = write_movie(tmp_path / "f.gif", movie())
    told = json.loads(sidecar.read_text())
    assert sidecar == tmp_path / "f.json"
    assert told["schema"] == schemas.MOVIE
    assert (told["vmin"], told["vmax"], told["colormap"]) == (-1.0, 1.0, "viridis")
    assert told["frame_times"] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert told["frame_steps"] == [0, 10, 20, 30, 40]
    assert told["frame_stride"] == 10
    digests = [hashlib.sha256(frame.tobytes()).hexdigest() for frame in FRAMES]
    assert told["frame_sha256"] == digests
    assert told["frames_sha256"] == hashlib.sha256("".join(digests).encode()).hexdigest()
    assert told["movie_sha256"] == hashlib.sha256((tmp_path / "f.gif").read_bytes()).hexdigest()


def test_every_frame_is_there_and_differs_from_the_one_before(tmp_path):
    write_movie(tmp_path / "f.gif", movie())
    frames = decoded(tmp_path / "f.gif")
    assert len(frames) == N
    assert all((a != b).any() for a, b in pairwise(frames))


def test_frames_of_one_field_still_carry_their_own_time(tmp_path):
    write_movie(tmp_path / "f.gif", movie(frames=np.stack([FRAMES[0]] * N)))
    first, second = decoded(tmp_path / "f.gif")[:2]
    np.testing.assert_array_equal(map_of(first), map_of(second))
    assert (first[:60] != second[:60]).any()


def test_one_value_has_one_colour_in_all_frames(tmp_path):
    """A frame drawn with its own range would look like the next one."""
    constant = np.stack([np.full((12, 16), v) for v in (0.0, 0.5, 0.0)])
    small = movie(frames=constant, times=[0, 1, 2], steps=[0, 1, 2])
    write_movie(tmp_path / "f.gif", small)
    shown = [map_of(picture).reshape(-1, 3) for picture in decoded(tmp_path / "f.gif")]
    assert all((colours == colours[0]).all() for colours in shown)
    np.testing.assert_array_equal(shown[0][0], shown[2][0])
    assert (shown[0][0] != shown[1][0]).any()


def test_the_map_is_the_right_way_up(tmp_path):
    rising = np.repeat(np.linspace(-1, 1, 12)[:, None], 16, axis=1)  # rows from bottom to top
    write_movie(tmp_path / "f.gif", movie(frames=rising[None], times=[0], steps=[0],
                                          colormap="gray"))  # fmt: skip
    (picture,) = decoded(tmp_path / "f.gif")
    shown = map_of(picture)[:, :, 0].astype(int)
    assert shown[0].min() > 200
    assert shown[-1].max() < 50
    assert (np.diff(shown[:, 100]) <= 0).all()


def test_numbers_beyond_the_range_take_the_colour_of_its_ends(tmp_path):
    wild = np.stack([np.full((12, 16), v) for v in (-50.0, -1.0, 1.0, 50.0)])
    write_movie(tmp_path / "f.gif", movie(frames=wild, times=range(4), steps=range(4)))
    low, lowest, high, highest = (map_of(p)[0, 0] for p in decoded(tmp_path / "f.gif"))
    np.testing.assert_array_equal(low, lowest)
    np.testing.assert_array_equal(high, highest)


def test_contours_darken_the_map_where_the_second_field_crosses_a_level(tmp_path):
    plain, lined = tmp_path / "plain.gif", tmp_path / "lined.gif"
    flat = np.zeros((1, 12, 16))
    slope = np.repeat(np.linspace(0, 1, 16)[None, None, :], 12, axis=1)
    one = movie(frames=flat, times=[0], steps=[0])
    write_movie(plain, one)
    write_movie(lined, movie(frames=flat, times=[0], steps=[0], lines=slope))
    (without,), (with_lines,) = decoded(plain), decoded(lined)
    darker = (map_of(with_lines).sum(axis=2) < map_of(without).sum(axis=2)).mean(axis=0)
    assert set(darker.tolist()) == {0.0, 1.0}  # whole columns: the levels are vertical
    assert 20 <= darker.sum() <= 26


def test_equal_frames_are_equal_bytes(tmp_path):
    write_movie(tmp_path / "a.gif", movie())
    write_movie(tmp_path / "b.gif", movie())
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_what_is_no_number_is_left_blank(tmp_path):
    holed = np.zeros((1, 12, 16))
    holed[0, :6] = np.nan  # the lower half
    write_movie(tmp_path / "f.gif", movie(frames=holed, times=[0], steps=[0]))
    (picture,) = decoded(tmp_path / "f.gif")
    shown = map_of(picture)
    assert (shown[-100:] == 255).all()
    assert not (shown[:100] == 255).all(axis=2).any()


@pytest.mark.slow
def test_frames_of_the_size_of_the_map_are_shown_point_by_point(tmp_path):
    extent = (0.0, 300.0, 0.0, 150.0)
    width, height = size_of(extent)
    assert (width, height) == (420, 210)
    chequered = (np.indices((height, width)).sum(axis=0) % 2).astype(float)
    write_movie(
        tmp_path / "f.gif",
        movie(frames=chequered[None], times=[0], steps=[0], extent=extent, vmin=0.0, vmax=1.0),
    )
    (picture,) = decoded(tmp_path / "f.gif")
    shown = map_of(picture, size=(width, height))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 2


def test_a_very_long_box_leaves_room_for_the_words_beside_it():
    assert size_of((0.0, 1000.0, 0.0, 2.0)) == (420, 120)
    assert size_of((0.0, 2.0, 0.0, 1000.0)) == (60, 420)


@pytest.mark.slow
def test_metres_and_days_stand_where_they_are_meant(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(movies.maps, "label_axes", lambda axes, extent: told.append(extent))
    write_movie(tmp_path / "lengths.gif", movie())
    assert told == []
    write_movie(tmp_path / "metres.gif", movie(metres=True))
    assert told == [(0.0, 4.0, 0.0, 3.0)]
    one, other = (decoded(tmp_path / f"{name}.gif")[1] for name in ("lengths", "metres"))
    assert (one[34:56] != other[34:56]).any()  # the stamp names another unit
    np.testing.assert_array_equal(map_of(one), map_of(other))


REFUSED = {
    "no frame": {"frames": FRAMES[:0], "times": [], "steps": []},
    "too many frames": {"frames": np.zeros((201, 2, 2))},
    "an empty range": {"vmin": 1.0},
    "no range": {"vmax": float("nan")},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_nothing_is_written_for(tmp_path, changes):
    with pytest.raises(ValueError, match=r"a movie has 1 to 200 frames|colour range"):
        write_movie(tmp_path / "f.gif", movie(**changes))
    assert not list(tmp_path.iterdir())


def test_a_torn_movie_is_refused(tmp_path):
    path = tmp_path / "f.gif"
    write_movie(path, movie())
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(EvidenceError, match=r"f\.gif: not a readable movie"):
        list(pictures(path))
