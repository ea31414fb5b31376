"""The movies of a long run, drawn from the pictures that its case has kept.

As those of a campaign: one colour range for the whole run, a time stamp in each frame, a sidecar.
"""

from pathlib import Path

from mhx.campaigns.rutherford.studies.cases import RUNS
from mhx.campaigns.rutherford.studies.study import Study
from mhx.config import parse
from mhx.reconnection import figures
from mhx.reconnection.config import Reconnection
from mhx.reconnection.run import FRAMES_FILE
from mhx.reconnection.trajectory import read_frames

FIGURES = "figures"


def draw(study: Study) -> list[Path]:
    """Both movies and their sidecars below the folder of the study; none where no case ended.

    EvidenceError: the pictures are torn.
    """
    if not study.movies:
        return []
    config = parse(Reconnection, study.base)
    found = []
    for pictures in sorted((study.outdir / RUNS).glob(f"*/{FRAMES_FILE}")):
        frames = read_frames(pictures)
        found += figures.write_movies(study.outdir / FIGURES, frames, config.grid)
    return found
