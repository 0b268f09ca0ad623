#!/usr/bin/env bash
# Helm 3.22.0. An unquoted `version: 1.10` in Chart.yaml is read as the text "1.1" and
# packed under it; `name: no` makes a chart named "false". In an index the same version
# is an error (see helm-index-one-bad-entry.sh): the same YAML decodes into the same type
# by other rules, since the conversion of scalars to text does not reach the fields of an
# embedded struct.
# Seen: "Successfully packaged chart and saved it to: …/a-1.1.tgz" and "…/false-1.0.0.tgz".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir a no
printf 'apiVersion: v2\nname: a\nversion: 1.10\n' >a/Chart.yaml
printf 'apiVersion: v2\nname: no\nversion: 1.0.0\n' >no/Chart.yaml
./helm package a no >said 2>&1 || { echo "changed: refused"; cat said; exit 1; }
[ -f a-1.1.tgz ] && [ -f false-1.0.0.tgz ] || { echo "changed:"; cat said; exit 1; }
echo "as described"
