#!/usr/bin/env bash
# Helm 3.22.0. Two packages of one chart in charts/, as an upgrade by hand or a merge leaves
# them, are not one too many: both are rendered, over one another. Templates of one path
# come from the newer package, and those that it has no more are still there, from the old
# one. A dependency that asks for exactly the new version changes nothing, and with it
# `helm lint --strict` is content. `helm dependency list` says "too many matches".
# Seen, with and without that dependency: both.yaml 1.1.0, new.yaml 1.1.0, old.yaml 1.0.0.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p p/charts
make() { # VERSION TEMPLATE...: packs sub in that version, with these templates
  rm -rf sub && mkdir -p sub/templates
  printf 'apiVersion: v2\nname: sub\nversion: %s\n' "$1" >sub/Chart.yaml
  for name in "${@:2}"; do printf '%s: {{ .Chart.Version }}\n' "$name" >"sub/templates/$name.yaml"; done
  ./helm package sub -d p/charts >/dev/null
}
make 1.0.0 both old
make 1.1.0 both new
own=$'apiVersion: v2\nname: p\nversion: 1.0.0\n'
for chart in "$own" "$own"$'dependencies:\n- {name: sub, version: 1.1.0, repository: "https://charts.example/stable"}\n'; do
  printf '%s' "$chart" >p/Chart.yaml
  seen=$(./helm template p | grep -E '^(both|new|old):' | tr '\n' ' ')
  [ "$seen" = "both: 1.1.0 new: 1.1.0 old: 1.0.0 " ] || { echo "changed: $seen"; exit 1; }
done
./helm lint --strict p >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
./helm dependency list p >said 2>&1
grep -q 'too many matches' said || { echo "changed:"; cat said; exit 1; }
echo "as described"
