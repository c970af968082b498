#!/bin/sh
# Makes a program available: installs its Debian package where this machine has apt and permits it. Prints the reason
# if it does not.
# Usage: install.sh PROGRAM PACKAGE
set -eu
program=$1 package=$2
command -v "$program" >/dev/null && exit 0
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    # A CI machine is disposable. On a developer's, nothing is installed without being asked for.
    [ -n "${CI-}" ] && sudo -n true 2>/dev/null || as_root=none
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
    echo "$program is not installed, and only root on Debian could install it here: apt-get install $package" >&2
    exit 1
fi
# Tests that run at the same time ask for programs at the same time, and a second apt-get would fail on apt's own lock.
# The lock is on this file itself, so that root opens none in a directory where others may write.
exec 9<"$0"
if command -v flock >/dev/null; then flock 9; fi
command -v "$program" >/dev/null && exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A server's package would start one of its own.
if ! {
    $as_root apt-get update &&
        $as_root env RUNLEVEL=1 apt-get install -y --no-install-recommends "$package"
} >"$log" 2>&1 9<&-; then
    echo "$program could not be installed: $(tail -n 1 "$log")" >&2
    exit 1
fi
