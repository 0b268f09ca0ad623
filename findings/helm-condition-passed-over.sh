#!/usr/bin/env bash
# Helm 3.22.0. `condition: a.enabled, b.enabled`, with the blank that one writes after a
# comma, looks for a value " b" and never finds it: the subchart cannot be switched off by
# b.enabled, and nothing is said. A blank at the very beginning does no harm. And a value
# that is not true or false ("false" as text, 0, null) does not switch off either.
# Seen, for b.enabled=false: "a.enabled,b.enabled" off, " b.enabled" off, with the blank on;
# for "false", 0 and null without the blank: on, "returned non-bool value" in the log.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p c/charts/sub/templates
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >c/charts/sub/Chart.yaml
printf 'sub: rendered\n' >c/charts/sub/templates/a.yaml
expect() { # CONDITION VALUE STATE WORDS-OF-THE-LOG
  printf 'apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, condition: "%s"}\n' "$1" >c/Chart.yaml
  printf 'b: {enabled: %s}\n' "$2" >c/values.yaml
  local state=off
  ./helm template c >out 2>said
  if grep -q 'sub: rendered' out; then state=on; fi
  [ "$state" = "$3" ] || { echo "changed: condition \"$1\", value $2: $state"; exit 1; }
  if [ -n "${4:-}" ]; then grep -q "$4" said; else [ ! -s said ]; fi || { echo "changed:"; cat said; exit 1; }
}
expect 'a.enabled,b.enabled' false off
expect ' b.enabled' false off
expect 'a.enabled, b.enabled' false on
for value in '"false"' 0 null; do expect 'a.enabled,b.enabled' "$value" on 'returned non-bool value'; done
echo "as described"
