#!/usr/bin/env bash
# Helm 3.22.0. Functions of templates that cannot do what they are asked for answer the error
# as if it were the result: b64dec gives its text, fromYaml and fromJson a map with the key
# Error, and int and atoi give 0. A Secret then has an English sentence for its password,
# and a Deployment "0" or, for a text with a leading zero, an octal number of replicas.
# Seen: b64dec "illegal base64 data at input byte 3"; fromYaml of a list: one key, Error;
# int "12 pods" 0, atoi "3 " 0, int "010" 8; exit 0, and `helm lint --strict` too.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p e/templates
printf 'apiVersion: v2\nname: e\nversion: 1.0.0\n' >e/Chart.yaml
cat >e/templates/a.yaml <<'T'
metadata: {name: e}
b64dec: {{ b64dec "not base64!" | quote }}
fromYaml: {{ fromYaml "- a\n- b" | keys | join "," }}
fromJson: {{ fromJson "[1]" | keys | join "," }}
numbers: {{ int "12 pods" }} {{ atoi "3 " }} {{ int "010" }}
T
seen=$(./helm template e | sed -n '/^[a-zA-Z0-9]*: [^{]/p')
want='b64dec: "illegal base64 data at input byte 3"
fromYaml: Error
fromJson: Error
numbers: 0 0 8'
[ "$seen" = "$want" ] || { echo "changed: $seen"; exit 1; }
./helm lint --strict e >said 2>&1 || { echo "changed: lint refuses it"; cat said; exit 1; }
echo "as described"
