#!/usr/bin/env bash
# Helm 3.22.0. `helm template --kube-version` with the version of a vendor's cluster tries
# another version than that cluster has: what stands behind the hyphen is cut off, while the
# installation compares all of it, by which 1.27.3-gke.100 is a pre-release that `>=1.19.0`
# does not admit. So the chart passes the rehearsal and is refused where it was meant for.
# Seen, for v1.27.3-gke.100: template exit 0 with "v1.27.3 true"; IsCompatibleRange, which
# the installation asks with the version of the cluster: false; with `>=1.19.0-0` true.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p k/templates probe
printf 'apiVersion: v2\nname: k\nversion: 1.0.0\nkubeVersion: ">=1.19.0"\n' >k/Chart.yaml
printf 'seen: {{ .Capabilities.KubeVersion.Version }} {{ semverCompare ">=1.19.0" .Capabilities.KubeVersion.Version }}\n' >k/templates/a.yaml
offline=$(./helm template k --kube-version v1.27.3-gke.100 | sed -n 's/^seen: //p')
[ "$offline" = "v1.27.3 true" ] || { echo "changed offline: $offline"; exit 1; }
cd probe
printf 'module probe\n\ngo 1.26\n\nrequire helm.sh/helm/v3 v3.22.0\n' >go.mod
cat >main.go <<'G'
package main

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chartutil"
)

func main() {
	for _, constraint := range []string{">=1.19.0", ">=1.19.0-0"} {
		fmt.Println(chartutil.IsCompatibleRange(constraint, "v1.27.3-gke.100"))
	}
}
G
seen=$(go run -mod=mod . 2>said) || { cat said; exit 1; }
[ "$seen" = $'false\ntrue' ] || { echo "changed: $seen"; exit 1; }
echo "as described"
