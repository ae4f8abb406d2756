#!/bin/sh
# Make .venv-ha: Home Assistant with what its tests need, on a Python of its own.
# In CI (CI=true) a machine that cannot have it is a failure: a skipped test proves nothing.
set -eu
cd "$(dirname "$0")/.."
environment=.venv-ha
requirements=requirements/home-assistant.txt

give_up() {
  rm -rf "$environment"
  echo "setup: $1. The tests with Home Assistant are skipped." >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
}

[ "$environment/.ready" -nt "$requirements" ] && "$environment/bin/python" -c "" 2>/dev/null && exit 0

echo "setup: Home Assistant, in an environment of its own (about a minute, once)"
python=$(tools/python3_14.sh) ||
  give_up "Home Assistant needs Python 3.14.2 or newer, and there is no python3.14 here that uv or Debian could give"
for program in gcc g++; do
  command -v "$program" >/dev/null 2>&1 ||
    give_up "two libraries of Home Assistant are built here, and there is no $program (on Debian and Ubuntu: sudo apt-get install g++)"
done

# Where Python was unpacked, not installed, its headers are where no compiler looks.
headers=${python%/bin/*}/include
case $python in "$PWD"/build/python3.14/*) export CPATH="$headers/python3.14:$headers" ;; esac

rm -rf "$environment"
export UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
.venv/bin/uv venv --quiet --python "$python" "$environment"
.venv/bin/uv pip install --quiet --require-hashes --python "$environment/bin/python" -r "$requirements" ||
  give_up "the packages of $requirements could not be installed"
touch "$environment/.ready"
