#!/usr/bin/env bash
# Helm 3.22.0. A dependency that is in charts/ and has an alias, but no version, keeps its
# own name: the alias, and all values under it, are passed over in silence. With a version
# the alias counts. `helm lint` says nothing of it.
# Seen: without a version charts/sub renders and size is 1; with it charts/other, size 2.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p al/charts/sub/templates
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >al/charts/sub/Chart.yaml
printf 'size: 1\n' >al/charts/sub/values.yaml
printf 'size: {{ .Values.size }}\n' >al/charts/sub/templates/a.yaml
printf 'other: {size: 2}\n' >al/values.yaml
head=$'apiVersion: v2\nname: al\nversion: 1.0.0\ndependencies:\n- name: sub\n  alias: other\n'
seen() { ./helm template al | sed -n 's/^# Source: //p; /^size/p' | tr '\n' ' '; }
printf '%s' "$head" >al/Chart.yaml
[ "$(seen)" = "al/charts/sub/templates/a.yaml size: 1 " ] || { echo "changed: $(seen)"; exit 1; }
./helm lint al >/dev/null || { echo "changed: lint refuses it"; exit 1; }
printf '%s  version: 1.0.0\n' "$head" >al/Chart.yaml
[ "$(seen)" = "al/charts/other/templates/a.yaml size: 2 " ] || { echo "changed: $(seen)"; exit 1; }
echo "as described"
