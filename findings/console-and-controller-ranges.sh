#!/usr/bin/env bash
# npm semver 7.7.3 and Masterminds/semver 3.5.0, where one constraint is read by a
# controller in Go and by a console in JavaScript. A comma between comparisons, which
# charts have everywhere, is valid for the one and no range at all for the other; so are
# `!=` and `=>`. A blank means "and" for both. And a version "1.0", which Go takes for
# 1.0.0, makes the comparison in JavaScript throw.
# Seen: comma go true node null; != go true node null; => go true node null; blank true
# and a range; compare("1.0", "1.1.0") throws "Invalid Version: 1.0".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --no-audit --no-fund semver@7.7.3 >/dev/null
printf 'module probe\n\ngo 1.25\n\nrequire github.com/Masterminds/semver/v3 v3.5.0\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"

	"github.com/Masterminds/semver/v3"
)

func main() {
	for _, text := range os.Args[1:] {
		_, err := semver.NewConstraint(text)
		fmt.Println(err == nil)
	}
	v, err := semver.NewVersion("1.0")
	fmt.Println(v, err)
}
G
cat >main.js <<'J'
const semver = require('semver')
for (const text of process.argv.slice(2)) console.log(semver.validRange(text, {includePrerelease: true}) !== null)
try { console.log(semver.compare('1.0', '1.1.0')) } catch (e) { console.log(e.message) }
J
go mod tidy 2>/dev/null
ranges=('>=1.22.0-0, <1.40.0-0' '!=1.5.0' '=>1.5.0' '>=1.22.0-0 <1.40.0-0')
go=$(go run . "${ranges[@]}")
node=$(node main.js "${ranges[@]}")
[ "$go" = $'true\ntrue\ntrue\ntrue\n1.0.0 <nil>' ] || { echo "changed in Go: $go"; exit 1; }
[ "$node" = $'false\nfalse\nfalse\ntrue\nInvalid Version: 1.0' ] || { echo "changed in JavaScript: $node"; exit 1; }
echo "as described"
