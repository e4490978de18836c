# shellcheck shell=bash
# What the shell entry points share: the environment in .venv, and Debian packages that tests need.
# To be sourced from bash with `set -euo pipefail`; it sets `root` and goes there.
#
# Rule 1: .venv is made once, and again only when pyproject.toml or constraints.txt change or the checkout moves.
# Rule 2: one process at a time changes it; one that was left half made is made anew.
# Rule 3: data goes to stdout, talk to stderr.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd -- "$root" || exit
venv=$root/.venv
stamp=$venv/.strongroom-made
half_made=$venv/.strongroom-half-made

say() { printf 'strongroom: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

# Prints the Python to use: 3.11 where it is there (the pinned packages are tested with it), else a newer one.
find_python() {
    local candidate
    for candidate in ${STRONGROOM_PYTHON:-python3.11 python3 python3.12 python3.13 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v -- "$candidate"
            return
        fi
    done
    return 1
}

# Runs a command with the right to install packages; fails where there is none without asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 77
    fi
}

# install_debian PACKAGE...: installs them, or says which command does and ends.
install_debian() {
    local log
    if ! command -v apt-get >/dev/null; then
        die "these are missing; install what your system calls them, then run this again: $*"
    fi
    if ! as_root true; then
        die "these Debian packages are missing; run this, then try again: sudo apt-get install --yes $*"
    fi
    say "installing Debian packages: $*"
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@" >"$log" 2>&1 &&
        ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 15 -- "$log" >&2
        rm -f -- "$log"
        die "the packages could not be installed; run this yourself, then try again: apt-get install --yes $*"
    fi
    rm -f -- "$log"
}

# need_debian CHECK:PACKAGE...: installs each package whose check (a path pattern or a command) finds nothing.
need_debian() {
    local pair check missing=()
    for pair in "$@"; do
        check=${pair%%:*}
        if [[ $check == /* ]]; then
            compgen -G "$check" >/dev/null || missing+=("${pair#*:}")
        else
            command -v -- "$check" >/dev/null || missing+=("${pair#*:}")
        fi
    done
    if [ ${#missing[@]} -gt 0 ]; then
        install_debian "${missing[@]}"
    fi
}

# What the environment was made from: it is made anew when this changes.
fingerprint() { cat -- pyproject.toml constraints.txt | sha256sum | cut -d ' ' -f 1; }

# environment_is_current GROUP: whether .venv was made here, from these files, with at least this group of packages.
environment_is_current() {
    local made_in made_from made_with
    [ -e "$stamp" ] && [ ! -e "$half_made" ] && [ -x "$venv/bin/python" ] || return 1
    {
        read -r made_in
        read -r made_from
        read -r made_with
    } <"$stamp" || return 1
    [ "$made_in" = "$root" ] && [ "$made_from" = "$(fingerprint)" ] || return 1
    [ "$made_with" = "$1" ] || [ "$made_with" = test ]
}

# Whether there is an environment that packages can be installed into as it stands.
environment_is_sound() {
    [ ! -e "$half_made" ] || return 1
    if [ -e "$stamp" ] && [ "$(head -n 1 -- "$stamp")" != "$root" ]; then
        return 1
    fi
    "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

new_environment() {
    local python
    python=$(find_python) || {
        need_debian python3:python3 # only helps where there was none at all
        python=$(find_python) || die "Python 3.11 or newer is needed; install it, or name it in STRONGROOM_PYTHON"
    }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_debian python3-venv
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python cannot make environments; install its venv module, or name another Python in STRONGROOM_PYTHON"
    say "making the environment in .venv with $("$python" --version)"
    rm -rf -- "$venv"
    mkdir -- "$venv"
    touch -- "$half_made"
    "$python" -m venv "$venv" >&2 || die "the environment could not be made; see above"
}

install_packages() {
    local group=$1 what=. log
    if [ "$group" = test ]; then
        what='.[test]'
    fi
    say "installing packages (a minute or two the first time)"
    touch -- "$half_made"
    rm -f -- "$stamp"
    log=$(mktemp)
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --constraint constraints.txt --editable "$what" >"$log" 2>&1; then
        { grep -v '^WARNING' -- "$log" || true; } | tail -n 20 >&2
        rm -f -- "$log"
        die "the packages could not be installed; see above, and run this again once that is mended"
    fi
    rm -f -- "$log"
    printf '%s\n' "$root" "$(fingerprint)" "$group" >"$stamp"
    rm -f -- "$half_made"
}

# Other people's scripts that checks and tests use, by npm: the type checker of ours, and axe-core. Nothing of it is served.
make_browser_tools() {
    local folder=$root/tests/browser log
    if [ "$folder/node_modules/.made" -nt "$folder/package.json" ]; then
        return
    fi
    need_debian node:nodejs npm:npm
    say "installing what checks of pages need"
    log=$(mktemp)
    if ! npm install --prefix "$folder" --no-package-lock --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
        tail -n 15 -- "$log" >&2
        rm -f -- "$log"
        die "it could not be installed; see above, and run this again once that is mended"
    fi
    rm -f -- "$log"
    touch -- "$folder/node_modules/.made"
}

# make_environment GROUP: returns at once when .venv is current. GROUP `run` is what the product needs, `test` adds
# what tests need.
make_environment() {
    local group=$1
    if environment_is_current "$group"; then
        return
    fi
    # The lock is pyproject.toml itself and ends with this subshell, so no started server inherits it.
    (
        if command -v flock >/dev/null && ! flock --nonblock 9; then
            say "waiting for another start that is making the environment"
            flock 9
        fi
        if environment_is_current "$group"; then
            exit
        fi
        if [ -e "$stamp" ] && [ "$(sed -n 3p -- "$stamp")" = test ]; then
            group="test" # what tests need stays when the environment is renewed
        fi
        environment_is_sound || new_environment
        install_packages "$group"
        say "the environment is ready after $SECONDS s"
    ) 9<pyproject.toml
}
