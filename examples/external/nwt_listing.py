"""Run MODFLOW-NWT on a model in its own files and read what it says: mhx knows nothing of it.

    python nwt_listing.py MODEL NAME_FILE RESULT

MODEL is a folder with the files that never change; those that a template made lie in the current
folder already.  RESULT is the JSON file to write: rates of the listing in m3/day, heads in m.  In
the place of `engines.find` stands, for a program of your own, its path.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mhx.groundwater.engines import find

LISTING, HEADS = Path("valley.lst"), Path("valley.heads")
NUMBER = r"([-+.\dEe]+)"
WELLS = {"divide": 0, "middle": 19, "shore": 38}  # columns, from 0
DONE = "Normal termination of simulation"


def budget(text: str) -> dict[str, float]:
    """Rates of the last budget in the listing, the right column of each line."""
    last = text[text.rindex("VOLUMETRIC BUDGET FOR ENTIRE MODEL") :]
    inflow, outflow = last.split("OUT:", maxsplit=1)

    def rate(part: str, name: str) -> float:
        return float(re.findall(rf"{name} =\s*{NUMBER}\s*{name} =\s*{NUMBER}", part)[-1][1])

    return {
        "recharge_in": rate(inflow, r"\s*RECHARGE\s*"),
        "lake_out": rate(outflow, r"\s*CONSTANT HEAD\s*"),
        "percent_discrepancy": rate(outflow, r"\s*PERCENT DISCREPANCY\s*"),
    }


def main(model: str, name_file: str, result: str) -> None:
    """Copy the model here, run it, write what it found; a program that failed ends us, too."""
    shutil.copytree(model, ".", dirs_exist_ok=True)
    program = find("mfnwt")
    run = subprocess.run([program.path, name_file], capture_output=True, text=True, check=False)
    if run.returncode or DONE not in run.stdout:
        sys.exit(f"MODFLOW-NWT did not end normally (status {run.returncode}):\n{run.stdout}")
    text = LISTING.read_text()
    (outer,) = re.findall(r"NWT REQUIRED\s+(\d+) OUTER ITERATIONS", text)
    heads = [float(word) for word in " ".join(HEADS.read_text().splitlines()[1:]).split()]
    found = {
        "budget": budget(text),
        "outer_iterations": int(outer),
        "wells": [{"name": name, "head_m": heads[column]} for name, column in WELLS.items()],
        "solver": f"MODFLOW-NWT {program.version}",
    }
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
