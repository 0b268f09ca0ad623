#!/usr/bin/env bash
# kustomize 5.1.0, as a step behind Helm 3.22.0, with nothing but a list of resources. It
# does not hand on what it reads. A plain `yes` or `on`, true for Helm and for Kubernetes,
# becomes a text, which the field refuses; a plain date, a text for Helm, gets a time behind
# it, which nobody refuses. And numbers become texts in the annotations of the object
# itself, but not in its labels nor in the annotations of its pods.
# Seen: hostNetwork Helm true kustomize "yes"; day "2024-01-01" and "2024-01-01T00:00:00Z";
# port as annotation "80", as label 80, as annotation of the pods 80.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
GOBIN=$tmp go install sigs.k8s.io/kustomize/kustomize/v5@v5.1.0
mkdir -p c/templates
printf 'apiVersion: v2\nname: c\nversion: 1.0.0\n' >c/Chart.yaml
cat >all.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {port: 80}
  labels: {port: 80}
spec:
  template:
    metadata:
      annotations: {port: 80}
    spec:
      hostNetwork: yes
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {day: 2024-01-01}
Y
printf 'resources: [all.yaml]\n' >kustomization.yaml
cp all.yaml c/all.yaml
cat >c/templates/a.yaml <<'T'
{{- $objects := .Files.Get "all.yaml" | splitList "---\n" }}
hostNetwork: {{ dig "spec" "template" "spec" "hostNetwork" "" (index $objects 0 | fromYaml) | toJson }}
day: {{ dig "data" "day" "" (index $objects 1 | fromYaml) | toJson }}
T
helm=$(./helm template c | sed -n '/^[hd]/p' | tr '\n' ' ')
[ "$helm" = 'hostNetwork: true day: "2024-01-01" ' ] || { echo "changed in Helm: $helm"; exit 1; }
seen=$(./kustomize build . | grep -E 'hostNetwork|day|port' | tr -d ' ' | tr '\n' ' ')
[ "$seen" = 'day:"2024-01-01T00:00:00Z" port:"80" port:80 port:80 hostNetwork:"yes" ' ] || { echo "changed in kustomize: $seen"; exit 1; }
echo "as described"
