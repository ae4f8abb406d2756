#!/bin/sh
# Say clearly what is missing before pip says it at length.
python=${1:-python3}
if ! command -v "$python" >/dev/null 2>&1; then
  echo "setup: no '$python' here. Install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3.11" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: '$python' is $("$python" -V 2>&1); Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3.11" >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "setup: '$python' has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi
