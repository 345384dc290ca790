#!/bin/sh
# What only a machine with a CUDA device can tell, in at most 8 minutes; nothing is installed.
# Usage: benchmarks/gpu.sh [--help]   (results in $OUT, else build/gpu; SMALL=1 runs on a CPU)
set -eu

PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$PROJECT"
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi
export PYTHONPATH="$PROJECT${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
if [ -n "${EMOTION_WEIGHTS:-}" ]; then export EMOTION_WEIGHTS_DIR="$EMOTION_WEIGHTS"; fi
exec "$PYTHON" -W ignore benchmarks/gpu.py --out "${OUT:-build/gpu}" ${SMALL:+--small} "$@"
