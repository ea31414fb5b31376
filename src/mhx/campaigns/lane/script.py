"""`run_commands.sh`: the lane for a scheduler that owns walltime, under the rules of the driver.

A gate that did not pass (1) is noted and the lane goes on; 2, 3, 4, 6, 75, 124 and crashes stop it;
the last command is left out unless the check before it exited 0; the script ends with the code that
the driver would give.  Running it again is safe: every command continues or finds nothing to do.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mhx.campaigns.lane.commands import LaneCommand
from mhx.evidence.store import write_text

_HEAD = """#!/usr/bin/env bash
# Carries out the commands of production_campaign_manifest.json, in order.
# Safe to run again.  MHX="..." names another way to call mhx.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
if command -v flock >/dev/null 2>&1; then
    exec 9>>.lock
    flock -n 9 || { echo "another process works in this folder" >&2; exit 6; }
fi
if [ -n "${MHX:-}" ]; then read -r -a mhx <<<"$MHX"; else mhx=(@program@); fi
grace=@grace@
gates_failed=0 refused=0 promotable=0 last=0 child= stopped=

stop() {
    stopped=$1
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
}
trap 'stop 75' TERM USR1
trap 'stop 130' INT

# run_step SECONDS WORDS...: one command within its time; `last` is how it ended.
run_step() {
    local seconds=$1 began=$SECONDS limited=()
    shift
    if command -v timeout >/dev/null 2>&1; then limited=(timeout -k "$grace" "$seconds"); fi
    printf '\\n== %s\\n' "$*"
    "${limited[@]}" "${mhx[@]}" "$@" 9>&- &
    child=$!
    last=0
    wait "$child" || last=$?
    while kill -0 "$child" 2>/dev/null; do  # a signal ends the wait, not the command
        last=0
        wait "$child" || last=$?
    done
    child=
    if [ -n "$stopped" ]; then
        echo "stopped; run this script again to go on" >&2
        if [ "$last" -eq 75 ]; then exit 75; else exit "$stopped"; fi
    fi
    # 137 is a command that had to be killed, by its limit or by something else
    if [ "$last" -eq 137 ] && [ "$((SECONDS - began))" -ge "${seconds%.*}" ]; then last=124; fi
    case $last in
        0) ;;
        1) gates_failed=1 ;;
        5) refused=1 ;;
        2 | 3 | 4 | 6 | 70 | 75 | 124 | 130)
            echo "stopped with exit code $last: $*" >&2
            exit "$last"
            ;;
        *)
            echo "crashed with status $last: $*" >&2
            exit 70
            ;;
    esac
}
"""

_TAIL = """
if [ "$gates_failed" -eq 1 ]; then exit 1; fi
if [ "$refused" -eq 1 ]; then exit 5; fi
"""


def render(commands: Sequence[LaneCommand], program: Sequence[str], grace_seconds: float) -> str:
    """The script; its commands run in the folder in which it lies."""
    head = _HEAD.replace("@program@", shlex.join(program))
    parts = [head.replace("@grace@", f"{grace_seconds:g}")]
    awaited = {command.only_after for command in commands}
    for command in commands:
        step = f"run_step {command.timeout_seconds:g} {shlex.join(command.words)}"
        if command.only_after:
            left_out = f"echo 'left out: {command.id}, for {command.only_after} did not pass'"
            step = (
                f'if [ "$promotable" -eq 1 ]; then\n    {step}\nelse\n    {left_out}\n'
                "    gates_failed=1\nfi"
            )
        parts.append(f"\n# {command.id}: {command.description}\n{step}\n")
        if command.id in awaited:
            parts.append('if [ "$last" -eq 0 ]; then promotable=1; fi\n')
    return "".join([*parts, _TAIL])


def write_script(
    path: Path, commands: Sequence[LaneCommand], program: Sequence[str], grace_seconds: float
) -> None:
    """Write the script, executable."""
    write_text(path, render(commands, program, grace_seconds))
    path.chmod(0o755)
