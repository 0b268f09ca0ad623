#!/usr/bin/env bash
# Helm 3.22.0. `helm template --kube-version` changes .Capabilities.KubeVersion and nothing
# else: .Capabilities.APIVersions stays the same list, in which policy/v1beta1 (gone since
# Kubernetes 1.25) is there for 1.31 and no kind is (batch/v1/CronJob is false). A chart that
# chooses its API by .Has renders here what no cluster of that version takes.
# Seen, for 1.31.0 and for 1.16.0: "policy true cronjob false".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p k/templates
printf 'apiVersion: v2\nname: k\nversion: 1.0.0\n' >k/Chart.yaml
cat >k/templates/a.yaml <<'T'
seen: policy {{ .Capabilities.APIVersions.Has "policy/v1beta1" }} cronjob {{ .Capabilities.APIVersions.Has "batch/v1/CronJob" }}
T
for version in 1.31.0 1.16.0; do
  ./helm template k --kube-version "$version" | grep -qx 'seen: policy true cronjob false' || { echo "changed for $version"; ./helm template k --kube-version "$version"; exit 1; }
done
echo "as described"
