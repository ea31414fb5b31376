"""How long until the help stands there?  Bound: 0.3 s, for the whole and for the planner."""

import subprocess
import sys
import time

from _record import record, spread

BOUND_S = 0.3
COMMANDS = {
    "mhx --help": ["--help"],
    "planner --help": ["campaign", "rutherford-plan-production", "--help"],
}


def seconds(words: list[str], repeats: int) -> list[float]:
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mhx", *words], stdout=subprocess.DEVNULL, check=True)
        found.append(time.perf_counter() - began)
    return found[1:]  # the first one fills the caches of the file system


def main() -> int:
    figures = {name: spread(seconds(words, 12)) for name, words in COMMANDS.items()}
    record("startup", figures, bound_s=BOUND_S, repeats=11)
    return int(any(found["median_s"] > BOUND_S for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
