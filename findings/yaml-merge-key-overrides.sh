#!/usr/bin/env bash
# sigs.k8s.io/yaml 1.6.0 (with which Helm and Kubernetes read YAML) and go.yaml.in/yaml/v3
# 3.0.6. A merge key that stands below a key of its own mapping overrides it; above it, the
# own key stays. By YAML 1.1, and in yaml/v3, the own key wins wherever it stands. And in
# `<<: [*a, *b]` the first wins, of `<<` twice the last.
# Seen: below: merged, own; above: own, own; list: a.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
printf 'module probe\n\ngo 1.25\n\nrequire (\n\tgo.yaml.in/yaml/v3 v3.0.6\n\tsigs.k8s.io/yaml v1.6.0\n)\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"

	v3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

func main() {
	for _, text := range []string{"k: own\n<<: {k: merged}\n", "<<: {k: merged}\nk: own\n", "<<: [{k: a}, {k: b}]\n"} {
		var first, second map[string]any
		if err := yaml.Unmarshal([]byte(text), &first); err != nil {
			panic(err)
		}
		if err := v3.Unmarshal([]byte(text), &second); err != nil {
			panic(err)
		}
		fmt.Println(first["k"], second["k"])
	}
}
G
go mod tidy 2>/dev/null
seen=$(go run .)
[ "$seen" = $'merged own\nown own\na a' ] || { echo "changed:"; echo "$seen"; exit 1; }
echo "as described"
