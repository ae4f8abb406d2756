#!/bin/sh
# Renew requirements/*.txt: exact versions with hashes, for every platform, naming no registry.
set -eu
cd "$(dirname "$0")/.."
compile="env UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links"
$compile "$@" pyproject.toml --extra embedded --group dev -o requirements/dev.txt
$compile "$@" pyproject.toml -o requirements/run.txt
# What the bridge is measured against lives in an environment of its own: it needs paho-mqtt 1.
echo mqttwarn==0.36.1 | $compile "$@" - -o requirements/bench-mqttwarn.txt
