#!/usr/bin/env bash
# Helm 3.22.0. A values.schema.json with `additionalProperties: false` at the top refuses
# the values of every subchart, also where values.yaml sets none for them: the subchart's
# own defaults are merged under its name before the schema of the parent is applied.
# Seen: exit 1, "additional properties 'sub' not allowed".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p p/charts/sub
printf 'apiVersion: v2\nname: p\nversion: 1.0.0\n' >p/Chart.yaml
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >p/charts/sub/Chart.yaml
printf 'port: 80\n' >p/values.yaml
printf 'size: 1\n' >p/charts/sub/values.yaml
printf '{"type": "object", "properties": {"port": {"type": "integer"}}, "additionalProperties": false}' >p/values.schema.json
if ./helm template p >said 2>&1; then echo "changed: accepted"; exit 1; fi
grep -q "additional properties 'sub' not allowed" said || { echo "changed:"; cat said; exit 1; }
echo "as described"
