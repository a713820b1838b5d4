# Sourced by the other scripts: makes the project's own virtual environment, .venv, and nothing outside it.

find_python() {
    for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "rembolt needs Python 3.11 or newer, which was not found: install it and try again." >&2
    return 1
}

make_environment() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(find_python)
    echo "Making .venv with $("$python" --version) ..."
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu keep this part of Python in a package of its own.
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            echo "Installing $package, without which this Python cannot make virtual environments ..."
            apt-get update -qq && apt-get install -y -qq "$package" >/dev/null
        else
            echo "This Python cannot make virtual environments: sudo apt-get install $package" >&2
            return 1
        fi
    fi
    "$python" -m venv --clear .venv
}

# Usage: prepare EXTRA [PACKAGE...]
prepare() {
    make_environment
    extra=$1
    shift
    echo "Installing rembolt[$extra] $* into .venv ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extra]" "$@"
}
