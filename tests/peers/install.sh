#!/bin/sh
# Sees to it that a program is there: from Debian's package, where this machine has apt and lets us. Says why not.
# Usage: install.sh PROGRAM PACKAGE
set -eu
program=$1 package=$2
command -v "$program" >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$program is not installed, and only root on Debian could install it here: apt-get install $package" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A server's package would start one of its own.
if ! { apt-get update && RUNLEVEL=1 apt-get install -y --no-install-recommends "$package"; } >"$log" 2>&1; then
    echo "$program could not be installed: $(tail -n 1 "$log")" >&2
    exit 1
fi
