#!/bin/sh
# Install MicroPython for WebAssembly into build/wasm: the tests use it as a 32-bit board.
# No lock file, because that would name a registry: the version is exact, the files are compared
# with known sums. In CI (CI=true) a missing interpreter is a failure: a skipped test proves nothing.
set -eu
cd "$(dirname "$0")/.."
name=@micropython/micropython-webassembly-pyscript
version=1.29.0-6
folder=build/wasm/node_modules/$name

sums="sha256sum"
command -v sha256sum >/dev/null 2>&1 || sums="shasum -a 256"

is_intact() {
  (cd "$folder" 2>/dev/null && $sums --check - >/dev/null 2>&1) <<SUMS
d5913c9327072e71d3e7a2e9384ea326f7d784bcc2f50a01b602c52bd2bdcafd  micropython.wasm
26cc7a99064a16518ab9a695e848efb248bfce504aee56ae73b2af35f3dcbf8b  micropython.mjs
SUMS
}

give_up() {
  rm -rf build/wasm
  echo "setup: $1. The tests on 32-bit MicroPython are skipped." >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
}

is_intact && exit 0
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || give_up "no node and npm here (node 20 or newer is needed)"
rm -rf build/wasm
mkdir -p build/wasm
npm install --prefix build/wasm --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error \
  "$name@$version" >/dev/null || give_up "npm could not install $name $version"
is_intact && exit 0
rm -rf build/wasm
echo "setup: $name $version is not the file that tools/wasm.sh knows: compare before you trust it" >&2
exit 1
