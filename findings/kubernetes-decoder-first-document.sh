#!/usr/bin/env bash
# k8s.io/apimachinery 0.37.0, util/yaml.NewYAMLOrJSONDecoder, which controllers read files
# of packages with. It cuts at lines `---` before it parses, so a licence comment or an
# empty line in front of the first `---` is a document of its own: Decode answers nil and
# leaves the value empty. sigs.k8s.io/yaml 1.6.0 reads the same bytes as one document.
# A `---` as the very first line is no cut.
# Seen: comment "" nil, blank "" nil, first "a" nil; sigs.k8s.io/yaml "a" for all three.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
cat >go.mod <<'M'
module probe

go 1.25

require (
	k8s.io/apimachinery v0.37.0
	sigs.k8s.io/yaml v1.6.0
)
M
cat >main.go <<'G'
package main

import (
	"fmt"
	"strings"

	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	for _, text := range []string{"# licence\n---\nname: a\n", "\n---\nname: a\n", "---\nname: a\n"} {
		var first, whole struct{ Name string }
		err := kyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096).Decode(&first)
		if e := yaml.Unmarshal([]byte(text), &whole); e != nil {
			panic(e)
		}
		fmt.Printf("%q %v %q\n", first.Name, err, whole.Name)
	}
}
G
go mod tidy 2>/dev/null
seen=$(go run .)
want='"" <nil> "a"
"" <nil> "a"
"a" <nil> "a"'
[ "$seen" = "$want" ] || { echo "changed:"; echo "$seen"; exit 1; }
echo "as described"
