#!/usr/bin/env bash
# sigs.k8s.io/yaml 1.6.0, with which Helm reads Chart.yaml and index.yaml and Kubernetes
# reads YAML, and Helm 3.22.0. Names of fields are matched in any case, and UnmarshalStrict
# does so, too: `NAME` is no unknown field. Where a key stands there in two cases it is no
# duplicate, and the one in small letters wins wherever it stands, since keys are sorted on
# the way. Readers in other languages, and schemas, see other files.
# Seen: "NAME: a" name a, no error; "name: a", "Name: b" in either order name a, no error;
# `helm lint --strict` and `helm package` take a Chart.yaml of APIVersion, Name and VERSION.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p c/templates probe
printf 'APIVersion: v2\nName: c\nVERSION: 1.0.0\n' >c/Chart.yaml
printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n' >c/templates/a.yaml
./helm lint --strict c >said 2>&1 && ./helm package c >>said 2>&1 || { echo "changed: refused"; cat said; exit 1; }
[ -f c-1.0.0.tgz ] || { echo "changed:"; cat said; exit 1; }
cd probe
printf 'module probe\n\ngo 1.25\n\nrequire sigs.k8s.io/yaml v1.6.0\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

func main() {
	for _, text := range []string{"NAME: a\n", "name: a\nName: b\n", "Name: b\nname: a\n"} {
		var got struct {
			Name string `json:"name"`
		}
		err := yaml.UnmarshalStrict([]byte(text), &got)
		fmt.Println(got.Name, err)
	}
}
G
go mod tidy 2>/dev/null
seen=$(go run .)
[ "$seen" = $'a <nil>\na <nil>\na <nil>' ] || { echo "changed: $seen"; exit 1; }
echo "as described"
