#!/bin/sh
# Sees to it that Chromium is there: from Debian's package, where this machine has apt and lets us. Says why not.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "chromium is not installed, and only root on Debian could install it here: apt-get install chromium" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1; then
    echo "chromium could not be installed: $(tail -n 1 "$log")" >&2
    exit 1
fi
