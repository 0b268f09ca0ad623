#!/usr/bin/env bash
# Helm 3.22.0, built with `go install`, and every Go program that renders by its packages.
# The Kubernetes that templates see without a cluster is set by flags of the linker in
# Helm's own releases. Without them it is 1.20, whatever Kubernetes library is built in, so
# that the same version of Helm renders another branch of a chart, and refuses a chart for
# Kubernetes 1.25 and later.
# Seen: "v1.20.0" from `go install`, "v1.37.0" with the flags; kubeVersion ">=1.25.0-0":
# "incompatible with Kubernetes v1.20.0", and exit 0.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p k/templates plain flags
GOBIN=$tmp/plain go install helm.sh/helm/v3/cmd/helm@v3.22.0
library=$(go version -m plain/helm | awk '$2 == "k8s.io/client-go" {print $3}')
[ "${library%.*}" = v0.37 ] || { echo "changed: client-go $library"; exit 1; }
variable=helm.sh/helm/v3/pkg/chartutil.k8sVersion
GOBIN=$tmp/flags go install -ldflags "-X ${variable}Major=1 -X ${variable}Minor=37" helm.sh/helm/v3/cmd/helm@v3.22.0
printf 'apiVersion: v2\nname: k\nversion: 1.0.0\n' >k/Chart.yaml
printf 'for: {{ .Capabilities.KubeVersion.Version }}\n' >k/templates/a.yaml
seen=$(for helm in plain flags; do $helm/helm template k | sed -n 's/^for: //p'; done | tr '\n' ' ')
[ "$seen" = "v1.20.0 v1.37.0 " ] || { echo "changed: $seen"; exit 1; }
printf 'kubeVersion: ">=1.25.0-0"\n' >>k/Chart.yaml
if plain/helm template k >said 2>&1; then echo "changed: accepted"; exit 1; fi
grep -q 'incompatible with Kubernetes v1.20.0' said || { echo "changed:"; cat said; exit 1; }
flags/helm template k >said 2>&1 || { echo "changed: refused"; cat said; exit 1; }
echo "as described"
