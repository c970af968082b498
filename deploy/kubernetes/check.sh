#!/usr/bin/env bash
# Renders base and overlays, and holds what comes out against Kubernetes' own schemas. Skips, and says so, what the
# machine has no tool for: kubectl or kustomize, and kubernetes-validate (from PyPI).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if command -v kubectl >/dev/null && kubectl kustomize --help >/dev/null 2>&1; then
    render=(kubectl kustomize)
elif command -v kustomize >/dev/null; then
    render=(kustomize build)
else
    echo "skipped: neither kubectl nor kustomize is on this machine, so nothing can be rendered"
    exit 0
fi

rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT
for directory in base overlays/*/; do
    "${render[@]}" "$directory" >"$rendered"
    echo "$directory: renders, $(grep -c '^kind:' "$rendered") objects"
    # The PodMonitor is no kind of Kubernetes' own; without --strict such are let pass, but so are unknown keys.
    if command -v kubernetes-validate >/dev/null; then
        awk 'BEGIN { RS = "---\n"; ORS = "" } !/kind: PodMonitor/ { print "---\n" $0 }' "$rendered" |
            kubernetes-validate --strict --quiet -
        echo "$directory: valid"
    else
        echo "$directory: not validated, kubernetes-validate is not on this machine"
    fi
done
