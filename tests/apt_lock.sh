#!/usr/bin/env bash
# ./run waits for apt's lock, says so, and gives up when it must: with programs in the place of apt-get, dpkg-query and cmake.
#   apt_lock.sh CHECKOUT WORK
set -euo pipefail
checkout="$1" work="$2"
rm -rf "$work"
mkdir -p "$work/bin"
program() {  # name, body
  printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
program dpkg-query "[ -e '$work/installed' ] && shift 2 && printf '%s installed\\n' \"\$@\"; true"
program sudo 'exec "$@"'
program cmake 'exit 0'
program python3 'exit 0'
program apt-get "echo call >>'$work/calls'
[ \"\$(wc -l <'$work/calls')\" -gt \"\$LOCKED\" ] && { touch '$work/installed'; exit 0; }
echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)' >&2
exit 100"
export PATH="$work/bin:$PATH"

fail() { printf 'FAILED: %s\n' "$1"; cat "$work/out"; exit 1; }
LOCKED=2 HEED_APT_WAIT=60 "$checkout/run" docs >"$work/out" 2>&1 || fail "a lock that goes away ended ./run"
grep -q 'waits, 60 s at most: Could not get lock .* process 4711' "$work/out" || fail "nothing was said of the wait"
[[ "$(grep -c 'waits,' "$work/out")" == 1 ]] || fail "the wait was said more than once"
rm -f "$work/installed" "$work/calls"
if LOCKED=1000 HEED_APT_WAIT=1 "$checkout/run" docs >"$work/out" 2>&1; then fail "a lock that stays was taken for an installation"; fi
grep -q 'apt could not install the packages' "$work/out" || fail "what to do is not said"
echo passed
