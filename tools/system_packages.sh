#!/bin/sh
# Install the named Debian packages if they are missing and we may; else say what will be skipped.
# In CI (CI=true) a missing package is a failure: a skipped test proves nothing.
missing=
for package in "$@"; do
  command -v "$package" >/dev/null 2>&1 || [ -x "/usr/sbin/$package" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "setup: installing$missing"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
echo "setup: missing:$missing. The tests that need it are skipped. On Debian and Ubuntu: sudo apt-get install$missing" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
