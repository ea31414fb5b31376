#!/bin/sh
# Make .venv and install mhx into it, editable, with what the tests need: extras, engines, and the
# system libraries of gmsh where it may.
set -eu
cd "$(dirname "$0")/.."

recent='import sys; sys.exit(sys.version_info < (3, 11))'

interpreter() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$recent" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "setup: no Python >= 3.11 found${PYTHON:+ (PYTHON=$PYTHON)}; name one: make PYTHON=..." >&2
    exit 1
}

# Debian ships the module venv without ensurepip until pythonX.Y-venv is installed.
have_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "setup: installing $package"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"
    fi
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    echo "setup: $1 cannot make virtual environments; run: sudo apt-get install $package" >&2
    exit 1
}

if ! { [ -x .venv/bin/python ] && .venv/bin/python -c "$recent" && .venv/bin/python -m pip --version; } \
    >/dev/null 2>&1; then
    python=$(interpreter)
    have_venv "$python"
    echo "setup: making .venv with $python"
    "$python" -m venv --clear .venv
fi
echo "setup: installing mhx[groundwater,reconnection,test] into .venv (a few minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[groundwater,reconnection,test]'

# gmsh loads libraries of a display even where there is none; without them meshes cannot be made.
libraries='libglu1-mesa libgl1 libxrender1 libxcursor1 libxft2 libxinerama1 libxfixes3 libfontconfig1 libgomp1'
if ! .venv/bin/python -c 'import gmsh' >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "setup: installing the system libraries of gmsh"
        # shellcheck disable=SC2086  # one word per package
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $libraries; } \
            >/dev/null || echo "setup: apt-get failed" >&2
    fi
    .venv/bin/python -c 'import gmsh' >/dev/null 2>&1 || {
        echo "setup: gmsh lacks system libraries, meshes cannot be made; run:" >&2
        echo "setup:   sudo apt-get install -y $libraries" >&2
    }
fi
.venv/bin/mhx engines install mf6 mfnwt mt3dusgs ||
    echo "setup: groundwater runs lack an engine; see: .venv/bin/mhx engines doctor" >&2
echo "setup: done"
