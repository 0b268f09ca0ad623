#!/usr/bin/env bash
# Helm 3.22.0. `helm repo index --merge` keeps the versions of the old index, but for those
# that are equal to one in the folder, and what stands behind + does not count: 1.0.0+b in
# the folder takes 1.0.0+a out of the index, though both archives are there. Made of both
# archives at once, the index has both.
# Seen: merged "1.0.0+b"; made at once "1.0.0+a 1.0.0+b".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir web old new both
make() { # VERSION FOLDER
  printf 'apiVersion: v2\nname: web\nversion: %s\n' "$1" >web/Chart.yaml
  ./helm package web -d "$2" >/dev/null
  cp "$2"/*.tgz both/
}
make 1.0.0+a old
make 1.0.0+b new
./helm repo index old
./helm repo index new --merge old/index.yaml
./helm repo index both
versions() { sed -n 's/^ *version: //p' "$1/index.yaml" | sort | tr '\n' ' '; }
[ "$(versions new)" = "1.0.0+b " ] || { echo "changed: $(versions new)"; exit 1; }
[ "$(versions both)" = "1.0.0+a 1.0.0+b " ] || { echo "changed: $(versions both)"; exit 1; }
echo "as described"
