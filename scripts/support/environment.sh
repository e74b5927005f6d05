# Sourced by the other scripts: makes .venv on first use, and again when the requirements change.
# Usage: use_environment [EXTRA], e.g. use_environment dev

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$root"

# Some machines have it set. Then every process compiles torch and numpy anew, which takes seconds.
unset PYTHONDONTWRITEBYTECODE

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Lookalike needs Python 3.11 or newer, with the venv module." >&2
    return 1
}

# Whether .venv was installed from these requirements; without an extra, any install will do.
has_environment() {
    local wanted="$1" extra="$2" stamps=(.venv/.lookalike*)
    if [ -n "$extra" ]; then
        stamps=(".venv/.lookalike-$extra")
    fi
    grep -qsxF "$wanted" "${stamps[@]}"
}

use_environment() {
    local extra="${1:-}" wanted python
    wanted="$(cat pyproject.toml constraints.txt | cksum)"
    if ! has_environment "$wanted" "$extra"; then
        if ! [ -x .venv/bin/python ]; then
            python="$(find_python)"
            "$python" -m venv .venv
        fi
        echo "Installing into .venv; the first time takes a minute, with an extra some minutes." >&2
        # Every file must have the hash that constraints.txt names; scripts/lock writes it.
        # Python compiles what is imported, when it is: less to write than every module.
        .venv/bin/python scripts/support/locked.py $extra > .venv/requirements.txt
        .venv/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes \
            --requirement .venv/requirements.txt
        .venv/bin/python -m pip install --quiet --no-compile --no-deps --no-build-isolation \
            --editable .
        echo "$wanted" > ".venv/.lookalike${extra:+-$extra}"
    fi
}
