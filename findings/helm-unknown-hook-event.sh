#!/usr/bin/env bash
# Helm 3.22.0. An object whose `helm.sh/hook` names an event that Helm does not know is no
# hook, and is not installed as a usual object either: it is gone. One misspelt event among
# good ones is enough, and so is an empty text. Case does not matter. The only trace is a
# line "info: skipping unknown hook" on the error stream; `helm lint --strict` is silent.
# Seen: of the hooks "pre-instal", "post-install,pre-instal", "" and "Post-Install" only the
# last is rendered; a hook-weight that is no number does not matter to it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p h/templates
printf 'apiVersion: v2\nname: h\nversion: 1.0.0\n' >h/Chart.yaml
number=0
for event in 'pre-instal' 'post-install,pre-instal' '' 'Post-Install'; do
  number=$((number + 1))
  cat >h/templates/$number.yaml <<Y
apiVersion: v1
kind: ConfigMap
metadata: {name: object-$number, annotations: {helm.sh/hook: "$event", helm.sh/hook-weight: ten}}
Y
done
names=$(./helm template h 2>said | grep -o 'object-[0-9]' | tr '\n' ' ')
[ "$names" = "object-4 " ] || { echo "changed: $names"; exit 1; }
[ "$(grep -c 'info: skipping unknown hook' said)" = 3 ] || { echo "changed:"; cat said; exit 1; }
./helm lint --strict h >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
if grep -qi 'hook' said; then echo "changed: lint knows it"; cat said; exit 1; fi
echo "as described"
