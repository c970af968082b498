#!/bin/sh
# Sees to it that nginx is there: from Debian's package, where this machine has apt and lets us. Says why not.
set -eu
command -v nginx >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "nginx is not installed, and only root on Debian could install it here: apt-get install nginx" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package would start a server of its own on port 80.
if ! { apt-get update && RUNLEVEL=1 apt-get install -y --no-install-recommends nginx; } >"$log" 2>&1; then
    echo "nginx could not be installed: $(tail -n 1 "$log")" >&2
    exit 1
fi
