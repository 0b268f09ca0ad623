#!/usr/bin/env bash
# Helm 3.22.0. A section of values.yaml whose lines are all commented out, `sub:` alone,
# means three things. Of a value of the chart's own it is null. Of the name of a subchart it
# is an error that names no file. The same line in a file for -f, laid over the section, is
# no error: all that the parent sets for the subchart is gone, and its own defaults are back.
# Seen: own: exit 0; values.yaml with `sub:` "type mismatch on sub: %!t(<nil>)"; `sub: {size:
# 2}` with -f of a file `sub:`: size 1, the default of the subchart.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p e/charts/sub/templates
printf 'apiVersion: v2\nname: e\nversion: 1.0.0\n' >e/Chart.yaml
printf 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' >e/charts/sub/Chart.yaml
printf 'size: 1\n' >e/charts/sub/values.yaml
printf 'size: {{ .Values.size }}\n' >e/charts/sub/templates/a.yaml
size() { ./helm template e "$@" | sed -n 's/^size: //p'; }
printf 'own:\n' >e/values.yaml
[ "$(size)" = 1 ] || { echo "changed: own: $(size)"; exit 1; }
printf 'sub:\n' >e/values.yaml
if ./helm template e >said 2>&1; then echo "changed: accepted"; cat said; exit 1; fi
grep -qF 'type mismatch on sub: %!t(<nil>)' said || { echo "changed:"; cat said; exit 1; }
printf 'sub:\n  # size: 3\n' >over.yaml
printf 'sub: {size: 2}\n' >e/values.yaml
[ "$(size)" = 2 ] && [ "$(size -f over.yaml)" = 1 ] || { echo "changed: $(size) $(size -f over.yaml)"; exit 1; }
echo "as described"
