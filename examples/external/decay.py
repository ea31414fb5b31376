"""Radioactive decay dN/dt = -N by the explicit Euler method: a program that knows nothing of mhx.

    python decay.py CONFIG RESULT

CONFIG is a TOML file with [model] steps, t_end, rate; RESULT is the JSON file to write.
"""

import json
import sys
import tomllib
from pathlib import Path


def decayed(steps: int, t_end: float, rate: float) -> float:
    """What is left of 1 after `steps` Euler steps; the exact answer is exp(-rate t_end)."""
    amount, dt = 1.0, t_end / steps
    for _ in range(steps):
        amount -= dt * rate * amount
    return amount


if __name__ == "__main__":
    config, result = map(Path, sys.argv[1:])
    model = tomllib.loads(config.read_text())["model"]
    Path(result).write_text(json.dumps({"amount": decayed(**model)}))
