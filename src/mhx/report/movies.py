"""Movies as GIF: one colour range for all frames, a bar with numbers, the time in each frame.

The axes are drawn once; a frame is then a palette image that is pasted in, and a time stamp.  So
a frame costs milliseconds, and nothing but the data and the stamp can differ between frames.
Contour lines need no second drawing either: the palette holds each shade twice, plain and dark,
and a line is where the band of levels changes from one picture point to the next.  Beside the GIF
lies a sidecar, `NAME.json`, that says which numbers were drawn between which limits.

Frames are given as rows from bottom to top, as they are seen.  Which field and which limits
belong in a movie is decided by the domains.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib.colors import Normalize
from matplotlib.font_manager import findfont
from PIL import Image, ImageChops, ImageDraw, ImageFont

from mhx.errors import EvidenceError
from mhx.evidence import schemas, store
from mhx.report import maps, style

MAX_FRAMES = 200
SHADES = 112  # of the colour map, plain and dark; the rest of 256 are greys for axes and words
GREYS = 256 - 2 * SHADES
INK, PALE, PAPER = 2 * SHADES, 2 * SHADES + GREYS // 2, 255
LINES = 24  # contour levels between the least and the largest value of all frames
DARK = 0.55  # what a line leaves of the colour below it
FRAME_MS = 80
LONGEST = 420  # picture points along the longer side of the box
NARROWEST, LOWEST = 60, 120  # below, there is no room for ticks and the words beside the bar


@dataclass(frozen=True, kw_only=True)
class Movie:
    """What is shown.

    frames: (n, rows, columns), rows from bottom to top; times, steps: (n,).
    extent: left, right, bottom, top of the box.  vmin, vmax: the one colour range, finite.
    lines: a second field of the same shape, shown by contours at levels fixed for all frames.
    metres: the box is in metres and times are in days, else in lengths and crossing times.
    What is not a number is left blank.
    """

    frames: Any
    times: Iterable[float]
    steps: Iterable[int]
    extent: tuple[float, float, float, float]
    vmin: float
    vmax: float
    title: str
    colour_label: str
    colormap: str = style.SEQUENTIAL
    stride: int = 1
    lines: Any = None
    metres: bool = False


def size_of(extent: tuple[float, float, float, float]) -> tuple[int, int]:
    """Width and height of the map in picture points: frames of this size are shown as they are.

    To scale, unless the box is very long.
    """
    left, right, bottom, top = extent
    scale = LONGEST / max(right - left, top - bottom)
    width, height = round((right - left) * scale), round((top - bottom) * scale)
    return max(width, NARROWEST), max(height, LOWEST)


def write_movie(path: Path, movie: Movie) -> Path:
    """Write the GIF, then its sidecar, whose path is returned."""
    if not 1 <= len(movie.frames) <= MAX_FRAMES:
        raise ValueError(f"a movie has 1 to {MAX_FRAMES} frames, got {len(movie.frames)}")
    if not movie.vmin < movie.vmax:
        raise ValueError(f"colour range {movie.vmin!r} .. {movie.vmax!r} is empty")
    with style.styled():
        stage = _Stage(movie)
    first, *others = (stage.picture(n) for n in range(len(movie.frames)))

    def write(stream: BinaryIO) -> None:
        first.save(
            stream, format="GIF", save_all=True, append_images=others, duration=FRAME_MS, loop=0,
            optimize=False, disposal=1,
        )  # fmt: skip

    store.write_with(path, write)
    sidecar = path.with_suffix(".json")
    digests = [hashlib.sha256(_bytes(frame)).hexdigest() for frame in movie.frames]
    store.write_json(
        sidecar,
        {
            "schema": schemas.MOVIE,
            "movie": path.name,
            "movie_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "title": movie.title,
            "vmin": float(movie.vmin),
            "vmax": float(movie.vmax),
            "colormap": movie.colormap,
            "frame_count": len(digests),
            "frame_stride": int(movie.stride),
            "frame_times": [float(time) for time in movie.times],
            "frame_steps": [int(step) for step in movie.steps],
            "frame_sha256": digests,
            "frames_sha256": hashlib.sha256("".join(digests).encode()).hexdigest(),
        },
    )
    return sidecar


def _bytes(frame: Any) -> bytes:
    content: bytes = frame.tobytes()  # C order, whatever the memory layout
    return content


class _Stage:
    """The drawn-once part of a movie, and the places where a frame goes."""

    def __init__(self, movie: Movie) -> None:
        self.movie, self.times, self.steps = movie, list(movie.times), list(movie.steps)
        self.size = size_of(movie.extent)
        self.corner = (74, 64)  # of the map, from the upper left, in picture points
        self.bar = (self.corner[0] + self.size[0] + 20, self.corner[1], 18, self.size[1])
        width = self.bar[0] + self.bar[2] + 92
        width = max(width, 400)
        height = self.corner[1] + self.size[1] + 56
        self.colours = Normalize(movie.vmin, movie.vmax)
        self.bands = (
            None if movie.lines is None else Normalize(movie.lines.min(), movie.lines.max())
        )
        self.palette = _palette(movie.colormap)
        self.fonts = [ImageFont.truetype(findfont("DejaVu Sans"), size) for size in (15, 11)]
        self.background = self._draw(width, height)

    def _draw(self, width: int, height: int) -> Image.Image:
        movie, (x, y), (w, h) = self.movie, self.corner, self.size
        made = style.figure(width / style.DPI, height / style.DPI)
        axes = made.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))
        left, right, bottom, top = movie.extent
        axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x$  [$L$]", ylabel="$y$  [$L$]")
        if movie.metres:
            maps.label_axes(axes, movie.extent)
        bx, by, bw, bh = self.bar
        bar = made.add_axes((bx / width, 1 - (by + bh) / height, bw / width, bh / height))
        bar.set(xlim=(0, 1), ylim=(movie.vmin, movie.vmax), xticks=[])
        bar.yaxis.tick_right()
        bar.yaxis.set_label_position("right")
        bar.set_ylabel(movie.colour_label)
        for each in (axes, bar):
            each.grid(False)
            each.spines[["top", "right"]].set_visible(True)
        made.text(x / width, 1 - 24 / height, movie.title, fontsize=10.5, fontweight="bold",
                  va="center")  # fmt: skip
        canvas: Any = made.canvas  # Agg, whose methods carry no types
        canvas.draw()
        drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
        paper = drawn.convert("L").point([INK + v * (GREYS - 1) // 255 for v in range(256)])
        strip = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        shades = strip.resize((bw - 1, bh - 1)).point([v * SHADES // 256 for v in range(256)])
        paper.paste(shades, (bx + 1, by + 1))
        return paper

    def picture(self, n: int) -> Image.Image:
        """Frame n: the map and the time, on the drawn-once rest."""
        movie, (x, y), (w, _) = self.movie, self.corner, self.size
        blank = movie.frames[n] != movie.frames[n]  # not a number
        shares = self.colours(movie.frames[n])
        shares[blank] = 0
        shades = self._enlarged(shares.filled(0), SHADES - 1, 0.5)
        if self.bands is not None:
            band = self._enlarged(self.bands(movie.lines[n]).filled(0), LINES, 0)
            moved = (ImageChops.offset(band, -1, 0), ImageChops.offset(band, 0, -1))
            steps = ImageChops.lighter(*(ImageChops.difference(band, other) for other in moved))
            dark = steps.point([0] + [SHADES] * 255)
            shades = ImageChops.add(shades, dark)
        if blank.any():
            shades.paste(PAPER, mask=self._enlarged(blank.astype("float32"), 255, 0.5))
        shades = shades.crop((0, 0, self.size[0] - 1, self.size[1] - 1))  # `offset` wraps around
        picture = self.background.copy()
        picture.paste(shades, (x + 1, y + 1))
        draw, (font, small) = ImageDraw.Draw(picture), self.fonts
        time = float(self.times[n])
        stamp = f"t = {time:.5g} d" if movie.metres else f"t = {time:.2f} L/v"
        draw.text((x, 50), stamp, font=font, fill=INK, anchor="ls")
        if not movie.metres:
            draw.text((x + font.getlength(stamp), 53), "A", font=small, fill=INK, anchor="ls")
        step = f"step {int(self.steps[n])}"
        draw.text((max(x + w, x + 280), 50), step, font=font, fill=PALE, anchor="rs")
        picture.putpalette(self.palette)
        return picture

    def _enlarged(self, shares: Any, scale: float, offset: float) -> Image.Image:
        """Shares 0..1 as whole numbers at the resolution of the picture, top row first.

        What lies between two points of the grid is interpolated as a number, not as a colour.
        """
        seen = Image.fromarray(shares.clip(0, 1).astype("float32"))
        seen = seen.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        large = seen.resize(self.size, Image.Resampling.BILINEAR)
        return large.point(lambda value: value * scale + offset).convert("L")  # cuts the fraction


def _palette(colormap: str) -> list[int]:
    colours = mpl.colormaps[colormap].resampled(SHADES)
    plain = [part for n in range(SHADES) for part in colours(n)[:3]]
    greys = [grey for n in range(GREYS) for grey in [n / (GREYS - 1)] * 3]
    return [round(255 * part) for part in (*plain, *(DARK * part for part in plain), *greys)]


def pictures(path: Path) -> Iterator[bytes]:
    """The decoded frames of a GIF as RGB bytes; an unreadable file is an EvidenceError."""
    try:
        with Image.open(path) as gif:
            for n in range(getattr(gif, "n_frames", 1)):
                gif.seek(n)
                yield gif.convert("RGB").tobytes()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise EvidenceError(f"{path}: not a readable movie: {error}") from error
