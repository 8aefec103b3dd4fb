#!/usr/bin/env bash
# Makes .venv with the pinned dependencies and mechinterp itself (editable). `make` calls it; it may be called again.
#   .ci/environment.sh [EXTRA]      EXTRA is one of pyproject.toml's, such as dev
#   PYTHON=/path/to/python3.12          the Python to use, where the first that fits is not the one wanted
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.13 python3.14 python}; do
        if fits "$candidate"; then printf '%s\n' "$candidate"; return; fi
    done
    fail "mechinterp needs Python 3.11 to 3.14 (the game has wheels for no other), and ${PYTHON:-python3} is" \
        "$("${PYTHON:-python3}" --version 2>/dev/null || echo 'not there'). Install one, or name it: make PYTHON=/path/to/python3.12"
}

# what procgen's library loads from the system, and the Debian and Ubuntu packages that bring it
check_libraries() {
    "$1" - <<'EOF' || exit 1
import ctypes, sys
packages = {"libGL.so.1": "libgl1", "libX11.so.6": "libx11-6", "libglib-2.0.so.0": "libglib2.0-0"}
missing = []
for library in packages:
    try:
        ctypes.CDLL(library)
    except OSError:
        missing.append(library)
if missing:
    sys.exit(
        f"error: procgen needs {', '.join(missing)} of the system; on Debian or Ubuntu: "
        f"apt-get install {' '.join(packages[library] for library in missing)}"
    )
EOF
}

python=$(find_python)
check_libraries "$python"
if ! fits .venv/bin/python; then  # absent, broken, or of another Python
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments; on Debian or Ubuntu: apt-get install python3-venv"
    echo "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt "$@"; }

extra=${1:-}
echo "installing mechinterp${extra:+[$extra]} and its pinned dependencies into .venv (minutes, the first time)"
pip torch  # first and by its pin, so that nothing else chooses its version
pip --editable ".${extra:+[$extra]}"
