#!/usr/bin/env bash
# Helm 3.22.0. `(.Files.Glob "conf/**").AsConfig`, and AsSecrets, name their keys by the last
# part of the path alone. Of files in several folders with one name, such as the settings of
# each environment, one is left, without an error. Which one is left to chance: the same
# chart with the same values renders now this and now that, at each upgrade anew.
# Seen, for conf/live/app.conf and conf/test/app.conf: one key app.conf; of 500 calls in one
# rendering some say "of live" and some "of test".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p f/templates f/conf/live f/conf/test
printf 'apiVersion: v2\nname: f\nversion: 1.0.0\n' >f/Chart.yaml
printf 'of live\n' >f/conf/live/app.conf
printf 'of test\n' >f/conf/test/app.conf
cat >f/templates/a.yaml <<'T'
{{- $files := .Files.Glob "conf/**" }}
metadata: {name: f}
files: {{ len $files }}
calls:
{{- range until 500 }}
- {{ $files.AsConfig | fromYaml | toJson }}
- {{ $files.AsSecrets | fromYaml | keys | toJson }}
{{- end }}
T
./helm template f >out
seen=$(grep -E '^(files:|- )' out | sort -u)
want='- ["app.conf"]
- {"app.conf":"of live"}
- {"app.conf":"of test"}
files: 2'
[ "$seen" = "$want" ] || { echo "changed: $seen"; exit 1; }
./helm lint --strict f >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
echo "as described"
