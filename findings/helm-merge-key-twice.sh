#!/usr/bin/env bash
# Helm 3.22.0 and go.yaml.in/yaml/v3 3.0.6. The merge key `<<` twice in one mapping of
# values.yaml: Helm merges both, the later winning where both have a key. The YAML library
# that most Go tools use refuses the same file as a duplicate key, so a linter on it blames
# what installs.
# Seen: helm `{"a":1,"b":2,"x":"two"}`; yaml/v3 `mapping key "<<" already defined at line 4`.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p m/templates probe
printf 'apiVersion: v2\nname: m\nversion: 1.0.0\n' >m/Chart.yaml
printf 'one: &one {a: 1, x: one}\ntwo: &two {b: 2, x: two}\nall:\n  <<: *one\n  <<: *two\n' >m/values.yaml
printf 'got: {{ toJson .Values.all | quote }}\n' >m/templates/a.yaml
helm=$(./helm template m)
cd probe
printf 'module probe\n\ngo 1.25\n\nrequire go.yaml.in/yaml/v3 v3.0.6\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

func main() {
	text, err := os.ReadFile("../m/values.yaml")
	if err != nil {
		panic(err)
	}
	var all any
	fmt.Println(yaml.Unmarshal(text, &all))
}
G
go mod tidy 2>/dev/null
v3=$(go run .)
case "$helm" in *'\"a\":1,\"b\":2,\"x\":\"two\"'*) ;; *) echo "changed: $helm"; exit 1 ;; esac
case "$v3" in *'mapping key "<<" already defined'*) ;; *) echo "changed: $v3"; exit 1 ;; esac
echo "as described"
