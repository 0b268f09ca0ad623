#!/usr/bin/env bash
# Helm 3.22.0. The .helmignore of a chart counts where that chart is packed by itself, and
# not where it lies as a folder under charts/ of another: only the one at the top is read,
# and what the subchart wanted to keep to itself is in the package of the parent.
# Seen: `helm package p/charts/sub` has no notes.txt, `helm package p` has
# p/charts/sub/notes.txt (and p/charts/sub/.helmignore, which names it).
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p p/charts/sub
printf 'apiVersion: v2\nname: p\nversion: 1.0.0\n' >p/Chart.yaml
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >p/charts/sub/Chart.yaml
printf 'notes.txt\n' >p/charts/sub/.helmignore
printf 'for the team\n' >p/charts/sub/notes.txt
./helm package p/charts/sub p >/dev/null
alone=$(tar tzf sub-1.0.0.tgz | sort | tr '\n' ' ')
within=$(tar tzf p-1.0.0.tgz | sort | tr '\n' ' ')
[ "$alone" = "sub/.helmignore sub/Chart.yaml " ] || { echo "changed: $alone"; exit 1; }
[ "$within" = "p/Chart.yaml p/charts/sub/.helmignore p/charts/sub/Chart.yaml p/charts/sub/notes.txt " ] || { echo "changed: $within"; exit 1; }
echo "as described"
