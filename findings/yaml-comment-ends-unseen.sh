#!/usr/bin/env bash
# sigs.k8s.io/yaml 1.6.0, with which Kubernetes and Helm read YAML, Helm 3.22.0, and js-yaml 4.1.1,
# with which pages in a browser read it. For Kubernetes and Helm, lines end at U+0085, U+2028 and
# U+2029 as well, as in YAML 1.1. For YAML 1.2, git, grep and most editors these are characters within
# a line, and one does not see them. So what looks like the end of a comment may be a key that is set:
# in values, and in a manifest. UnmarshalStrict and `helm lint --strict` find nothing wrong.
# Seen: "b: 1 # as ever<U+2028>b2: 2" has b2 for Helm and Kubernetes, and b alone for js-yaml; the
# same with U+0085 and U+2029; wc counts one line. Within quotes no key begins: U+0085 becomes a
# space there, the others stay.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
npm install --silent --no-audit --no-fund js-yaml@4.1.1 >/dev/null
mkdir -p c/templates probe
printf 'apiVersion: v2\nname: c\nversion: 1.0.0\n' >c/Chart.yaml
printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {seen: {{ toJson .Values | quote }}}\n' >c/templates/a.yaml
cd probe
printf 'module probe\n\ngo 1.25\n\nrequire sigs.k8s.io/yaml v1.6.0\n' >go.mod
cat >main.go <<'G'
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, _ := io.ReadAll(os.Stdin)
	got := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &got); err != nil {
		panic(err)
	}
	out, _ := json.Marshal(got)
	fmt.Println(string(out))
}
G
go mod tidy 2>/dev/null
go build -o ../kubernetes .
cd ..
fail() { echo "changed: $*"; exit 1; }
look() { # NAME BYTES BETWEEN-QUOTES: a break in a comment, and in a text in quotes
  printf "b: 1 # as ever$2b2: 2\n" >c/values.yaml
  [ "$(wc -l <c/values.yaml)" = 1 ] || fail "$1 is a line"
  ./helm lint --strict c >said 2>&1 || fail "helm lint, $1: $(cat said)"
  seen=$(./helm template c | sed -n 's/^data: {seen: "\(.*\)"}/\1/p')
  [ "$seen" = '{\"b\":1,\"b2\":2}' ] || fail "helm, $1: $seen"
  seen=$(./kubernetes <c/values.yaml)
  [ "$seen" = '{"b":1,"b2":2}' ] || fail "kubernetes, $1: $seen"
  seen=$(node -e 'console.log(JSON.stringify(require("js-yaml").load(require("fs").readFileSync("c/values.yaml", "utf8"))))')
  [ "$seen" = '{"b":1}' ] || fail "js-yaml, $1: $seen"
  printf "b: \"1$2b2: 2\"\n" >c/values.yaml
  seen=$(./kubernetes <c/values.yaml)
  [ "$seen" = "{\"b\":\"1$3b2: 2\"}" ] || fail "in quotes, $1: $seen"
}
look U+0085 '\302\205' ' '
look U+2028 '\342\200\250' '\u2028' # as encoding/json writes it
look U+2029 '\342\200\251' '\u2029'
echo "as described"
