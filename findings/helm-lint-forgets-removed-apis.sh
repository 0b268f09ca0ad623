#!/usr/bin/env bash
# Helm 3.22.0. `helm lint --kube-version 1.31` warns of an API that Kubernetes has no more
# as long as the Kubernetes library in Helm still has its types. Of APIs that the library
# has dropped, too, it says nothing: those that have been gone for longest pass, and a newer
# Helm finds fewer. All seven below are gone from 1.31.
# Seen: warnings for policy/v1beta1 PodDisruptionBudget, batch/v1beta1 CronJob and
# extensions/v1beta1 Deployment; none for PodSecurityPolicy, HorizontalPodAutoscaler of
# autoscaling/v2beta1 and v2beta2, and CustomResourceDefinition of v1beta1.
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p g/templates
printf 'apiVersion: v2\nname: g\nversion: 1.0.0\n' >g/Chart.yaml
object() { printf 'apiVersion: %s\nkind: %s\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: b}}}\n' "$1" "$2" >"g/templates/$2-${1##*/}.yaml"; }
object policy/v1beta1 PodDisruptionBudget
object batch/v1beta1 CronJob
object extensions/v1beta1 Deployment
object policy/v1beta1 PodSecurityPolicy
object autoscaling/v2beta1 HorizontalPodAutoscaler
object autoscaling/v2beta2 HorizontalPodAutoscaler
object apiextensions.k8s.io/v1beta1 CustomResourceDefinition
./helm lint g --kube-version 1.31 >said 2>&1 || { echo "changed: refused"; cat said; exit 1; }
seen=$(sed -n 's/.*WARNING.*: \([^ ]* [^ ]*\) is deprecated.*/\1/p' said | sort | tr '\n' ',')
[ "$seen" = "batch/v1beta1 CronJob,extensions/v1beta1 Deployment,policy/v1beta1 PodDisruptionBudget," ] || { echo "changed: $seen"; cat said; exit 1; }
echo "as described"
