#!/usr/bin/env bash
# k8s.io/apimachinery 0.37.0, util/yaml.NewYAMLOrJSONDecoder. Of lines that YAML takes for
# the begin of a document or for its directive, this decoder takes some for errors or for
# the end: `---` twice at the start leaves the value empty without an error, and text in the
# line of a later separator, valid YAML, is "invalid Yaml document separator". The second is
# reported when the first document is read, though that is whole.
# Seen: twice "" nil; text: "invalid Yaml document separator: kind".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
printf 'module probe\n\ngo 1.25\n\nrequire k8s.io/apimachinery v0.37.0\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	for _, text := range []string{"---\n---\nname: a\n", "name: a\n--- kind\n"} {
		var got struct{ Name string }
		err := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096).Decode(&got)
		fmt.Printf("%q %v\n", got.Name, err)
	}
}
G
go mod tidy 2>/dev/null
seen=$(go run .)
[ "$seen" = $'"" <nil>\n"" invalid Yaml document separator: kind' ] || { echo "changed:"; echo "$seen"; exit 1; }
echo "as described"
