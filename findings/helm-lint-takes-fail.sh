#!/usr/bin/env bash
# Helm 3.22.0. A chart that nobody can install by its own values passes `helm lint --strict`:
# in lint `fail` and `required` stop nothing, they are logged as [INFO] and the template goes
# on with an empty text. So lint can also report what comes after a check that was to keep
# it from happening.
# Seen: `fail` and `required`: lint exit 0, template exit 1; with an `index` behind a `fail`
# that guards it: lint exit 1 "error calling index", which no installation ever shows.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p f/templates
printf 'apiVersion: v2\nname: f\nversion: 1.0.0\n' >f/Chart.yaml
printf 'hosts: []\n' >f/values.yaml
expect() { # TEMPLATE EXIT-OF-LINT WORDS-OF-LINT
  local lint=0
  printf '%s\n' "$1" >f/templates/a.yaml
  if ./helm template f >said 2>&1; then echo "changed: template takes $1"; exit 1; fi
  ./helm lint --strict f >said 2>&1 || lint=$?
  [ "$lint" = "$2" ] && grep -q "$3" said || { echo "changed: $1: lint $lint"; cat said; exit 1; }
}
expect '{{ fail "never" }}' 0 'INFO. Fail: never'
expect '{{ required "a name is missing" .Values.name }}' 0 'INFO. Missing required value: a name is missing'
expect '{{ if not .Values.hosts }}{{ fail "hosts is empty" }}{{ end }}{{ index .Values.hosts 0 }}' 1 'error calling index'
echo "as described"
