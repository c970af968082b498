#!/usr/bin/env bash
# Installs the peers under target/bench/peers, once: what they need, as package.json and requirements.txt pin it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$here/../../target/bench/peers
mkdir -p "$place"
wanted=$(cat "$here/node/package.json" "$here/python/requirements.txt")
if [ "$(cat "$place/installed" 2>/dev/null)" != "$wanted" ]; then
    cp "$here/node/package.json" "$place/"
    (cd "$place" && npm install --omit=dev --no-audit --no-fund --silent)
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet --requirement "$here/python/requirements.txt"
    printf '%s\n' "$wanted" >"$place/installed"
fi
# Node finds what a script imports only beside it.
cp "$here/node/server.mjs" "$place/"
