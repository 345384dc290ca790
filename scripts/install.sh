#!/bin/sh
# Makes .venv from the hash-pinned lock. Nothing to do takes no time; an interrupted run heals.
# Usage: scripts/install.sh   (in the project's folder; `make install` calls it)
set -eu

PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
VENV=$PROJECT/.venv
PYTHON=$VENV/bin/python
STAMP=$VENV/installed.stamp
LOG=$VENV/install.log
NEEDED_MB=6500

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

is_suitable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
    # The user's own choice first, then what is proven longest.
    for candidate in "${EMOTION_PYTHON:-}" python3 python3.12 python3.13 python3.11; do
        if is_suitable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11, 3.12 or 3.13 is needed and none is on the PATH" \
        "(python3 here: $(python3 --version 2>&1 || true))." \
        "Install one, or name it: make EMOTION_PYTHON=/path/to/python3.12"
}

wanted_stamp() {
    # The folder is part of it: the environment's programs hold its path and break when it moves.
    cat "$PROJECT/requirements.lock" "$PROJECT/scripts/uv.lock" | cksum
    printf '%s\n' "$PROJECT"
    "$PYTHON" -c 'import sys; print(sys.version)'
}

require_disk() {
    free_mb=$(df -Pk "$PROJECT" | awk 'NR == 2 { print int($4 / 1024) }')
    have_mb=0
    if [ -d "$VENV" ]; then
        have_mb=$(du -sk "$VENV" | awk '{ print int($1 / 1024) }')
    fi
    if [ $((free_mb + have_mb)) -lt "$NEEDED_MB" ]; then
        fail "the packages need about 6 GB on the disk of $PROJECT and only $free_mb MB are free;" \
            "make room or clone to another disk"
    fi
}

# run SENTENCE COMMAND...: its output goes to the log; on failure the sentence and the log's end.
run() {
    sentence=$1
    shift
    if "$@" >>"$LOG" 2>&1; then
        return
    fi
    tail -n 5 "$LOG" | sed 's/^/    /' >&2
    if grep -qiE 'no space left|disk quota' "$LOG"; then
        fail "the disk is full: make room and run it again, it goes on where it stopped"
    fi
    if grep -qiE 'name resolution|resolve host|dns error|network is unreachable|connection (refused|reset|timed)|failed to (connect|fetch)|error sending request|client error|timed out|max retries|no matching distribution' "$LOG"; then
        fail "$sentence: the package index cannot be reached." \
            "Check the network (or PIP_INDEX_URL and UV_INDEX_URL) and run it again. All of it: $LOG"
    fi
    fail "$sentence. All of it: $LOG"
}

cd "$PROJECT"
if [ -x "$PYTHON" ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(wanted_stamp)" ]; then
    exit 0
fi

require_disk
if ! { [ -x "$PYTHON" ] && is_suitable "$PYTHON" && "$PYTHON" -m pip --version >/dev/null 2>&1; }; then
    base=$(find_python)
    "$base" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$base has no venv module: install it (on Debian and Ubuntu: apt-get install python3-venv)"
    rm -rf "$VENV"
    mkdir -p "$VENV"
    : >"$LOG"
    run "the virtual environment could not be made" "$base" -m venv "$VENV"
fi
: >"$LOG"
rm -f "$STAMP"
printf 'Installing the packages into .venv: about 5 GB, one to two minutes\n'
run "uv could not be installed" \
    "$PYTHON" -m pip install --quiet --require-hashes -r scripts/uv.lock
run "the packages could not be installed" \
    "$VENV/bin/uv" pip sync --quiet --python "$PYTHON" --require-hashes requirements.lock

# The project itself: found from any folder, and its command.
site=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PROJECT" >"$site/emotion_batch_scoring.pth"
printf '#!/bin/sh\nexec "%s" -m emotion_core.cli "$@"\n' "$PYTHON" >"$VENV/bin/emotion"
chmod +x "$VENV/bin/emotion"
wanted_stamp >"$STAMP"
