#!/usr/bin/env bash
# Renders base and overlays, and validates the result against Kubernetes' own schemas. A step whose tool is missing is
# skipped with a message: kubectl or kustomize, and kubernetes-validate (from PyPI).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if command -v kubectl >/dev/null && kubectl kustomize --help >/dev/null 2>&1; then
    render=(kubectl kustomize)
elif command -v kustomize >/dev/null; then
    render=(kustomize build)
else
    echo "skipped: nothing was rendered, because neither kubectl nor kustomize is installed"
    exit 0
fi

rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT
for directory in base overlays/*/; do
    "${render[@]}" "$directory" >"$rendered"
    echo "$directory: renders, $(grep -c '^kind:' "$rendered") objects"
    # PodMonitor is a custom kind. Without --strict, custom kinds are accepted, but so are unknown keys.
    if command -v kubernetes-validate >/dev/null; then
        awk 'BEGIN { RS = "---\n"; ORS = "" } !/kind: PodMonitor/ { print "---\n" $0 }' "$rendered" |
            kubernetes-validate --strict --quiet -
        echo "$directory: valid"
    else
        echo "$directory: not validated, because kubernetes-validate is not installed"
    fi
done
