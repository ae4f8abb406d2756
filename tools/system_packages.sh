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
  apt-get update -qq
  # shellcheck disable=SC2086  # a list of words
  if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
    # the tests start their own; what the package has started of itself is not wanted
    for package in $missing; do
      systemctl disable --now "$package" >/dev/null 2>&1 || true
    done
    exit 0
  fi
fi
echo "setup: missing:$missing. The tests that need it are skipped. On Debian and Ubuntu: sudo apt-get install$missing" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
