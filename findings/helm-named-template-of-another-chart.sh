#!/usr/bin/env bash
# Helm 3.22.0. Named templates are of no chart: where two subcharts define one name, as
# charts do that began as copies of one another, both get that of the subchart whose name
# comes first in the alphabet; a definition of the parent beats them all. So a subchart
# that is switched off changes what another one renders. `helm lint --strict` is silent.
# Seen: "aa aa"; with aa.enabled=false "zz"; with a definition of the parent "top top".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p t/templates
printf 'apiVersion: v2\nname: t\nversion: 1.0.0\ndependencies:\n- {name: zz, version: 1.0.0}\n- {name: aa, version: 1.0.0, condition: aa.enabled}\n' >t/Chart.yaml
for sub in aa zz; do
  mkdir -p t/charts/$sub/templates
  printf 'apiVersion: v2\nname: %s\nversion: 1.0.0\n' $sub >t/charts/$sub/Chart.yaml
  printf '{{ define "labels" }}%s{{ end }}' $sub >t/charts/$sub/templates/_names.tpl
  printf 'of: {{ include "labels" . }}\n' >t/charts/$sub/templates/a.yaml
done
expect() { # WANT ARGUMENT...
  local want=$1 seen
  shift
  seen=$(./helm template t "$@" | sed -n 's/^of: //p' | tr '\n' ' ')
  [ "$seen" = "$want" ] || { echo "changed: $seen"; exit 1; }
}
expect 'aa aa '
expect 'zz ' --set aa.enabled=false
./helm lint --strict t >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
printf '{{ define "labels" }}top{{ end }}' >t/templates/_names.tpl
expect 'top top '
echo "as described"
