#!/usr/bin/env bash
# kustomize 5.1.0 behind Helm 3.22.0. For kustomize an object without a namespace and one of
# that name with `namespace: default` are one object, and the second is an error. For Helm
# the first belongs to the namespace of the release, so that a chart with a ConfigMap of its
# own and one for the namespace default installs into `web`, and not with such a step
# between. With `namespace: web` it is the other way round: kustomize takes both, and they
# are one object where Helm puts them.
# Seen: default: "already registered id: ConfigMap.v1.[noGrp]/a.default"; web: two objects.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
GOBIN=$tmp go install sigs.k8s.io/kustomize/kustomize/v5@v5.1.0
mkdir -p c/templates
printf 'apiVersion: v2\nname: c\nversion: 1.0.0\n' >c/Chart.yaml
printf 'resources: [all.yaml]\n' >kustomization.yaml
render() { # NAMESPACE: what Helm hands to kustomize
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: %s}\n' "$1" >c/templates/a.yaml
  ./helm template c --namespace web >all.yaml
}
render default
if ./kustomize build . >said 2>&1; then echo "changed: accepted"; cat said; exit 1; fi
grep -qF 'already registered id: ConfigMap.v1.[noGrp]/a.default' said || { echo "changed:"; cat said; exit 1; }
render web
[ "$(./kustomize build . | grep -c '^kind: ConfigMap')" = 2 ] || { echo "changed:"; ./kustomize build .; exit 1; }
echo "as described"
