"""Run every benchmark of this folder: plain scripts, one per question.

    python -m benchmarks [NAME ...]

Each script prints its figures and appends a line to `results/<name>.jsonl`.  A script that fails is
named at the end; the others still run.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    scripts = {path.stem: path for path in sorted(FOLDER.glob("[!_]*.py"))}
    unknown = [name for name in names if name not in scripts]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(scripts)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or scripts:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, scripts[name]], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
