#!/usr/bin/env bash
# js-yaml 4.1.1, with which pages in a browser read and write YAML, and Helm 3.22.0. A
# values.yaml that such a page loads and writes again, untouched, is another one to Helm:
# js-yaml reads `no` as a text and writes it in quotes, and a text is true in an `if`; a
# mode with a leading zero loses the zero, and with it is no longer octal; a date becomes
# a time.
# Seen: enabled false, then "no" and on; mode 493, then 755; day "2024-01-01", then
# "2024-01-01T00:00:00.000Z".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
npm install --silent --no-audit --no-fund js-yaml@4.1.1 >/dev/null
mkdir -p c/templates
printf 'apiVersion: v2\nname: c\nversion: 1.0.0\n' >c/Chart.yaml
printf 'enabled: no\nmode: 0755\nday: 2024-01-01\n' >c/values.yaml
printf '{{ with .Values }}seen: '\''{{ toJson .enabled }} {{ if .enabled }}on{{ else }}off{{ end }} {{ toJson .mode }} {{ toJson .day }}'\''{{ end }}\n' >c/templates/a.yaml
seen() { ./helm template c 2>&1 | sed -n "s/^seen: '\(.*\)'/\1/p"; }
[ "$(seen)" = 'false off 493 "2024-01-01"' ] || { echo "changed before: $(seen)"; exit 1; }
node -e 'const fs = require("fs"), yaml = require("js-yaml"), file = "c/values.yaml"
fs.writeFileSync(file, yaml.dump(yaml.load(fs.readFileSync(file, "utf8"))))'
[ "$(seen)" = '"no" on 755 "2024-01-01T00:00:00.000Z"' ] || { echo "changed after: $(seen)"; cat c/values.yaml; exit 1; }
echo "as described"
