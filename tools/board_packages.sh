#!/bin/sh
# Unpack the packages of requirements/board.txt into build/board-packages, for tests on MicroPython.
# They are of a kind that pip downloads and checks, but cannot build: it stops when they are unpacked,
# and here that is enough. In CI (CI=true) a missing package is a failure.
set -eu
cd "$(dirname "$0")/.."
folder=build/board-packages
[ "$folder/.ready" -nt requirements/board.txt ] && exit 0

rm -rf "$folder"
mkdir -p "$folder/unpacked"
grep -v '^#' requirements/board.txt | while read -r requirement; do
  echo "$requirement" >"$folder/one.txt"
  TMPDIR=$PWD/$folder/unpacked .venv/bin/python -m pip download --disable-pip-version-check --quiet --no-clean \
    --no-deps --no-binary :all: --no-build-isolation --require-hashes --dest "$folder" -r "$folder/one.txt" \
    >>"$folder/pip.log" 2>&1 || true
done
is_whole=true
for file in umqtt/simple.py umqtt/robust.py urequests/__init__.py; do
  mkdir -p "$folder/${file%/*}"
  for found in "$folder"/unpacked/*/*/"$file"; do
    [ ! -f "$found" ] || cp "$found" "$folder/$file" # one package links to a file that it does not have
  done
  [ -f "$folder/$file" ] || is_whole=false
done
rm -rf "$folder/unpacked" "$folder/one.txt"
if [ "$is_whole" = true ]; then
  touch "$folder/.ready"
  exit 0
fi
echo "setup: pip could not unpack requirements/board.txt, see $folder/pip.log. The tests that need it are skipped." >&2
[ "${CI:-}" = true ] && exit 1
exit 0
