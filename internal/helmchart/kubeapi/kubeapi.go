// Package kubeapi says which APIs a version of Kubernetes serves, and which it has no more.
package kubeapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/kubetypes"
)

// goneTypes are versions of APIs that k8s.io/api has dropped, or does not say this of, by
// the minor version of Kubernetes 1 that has them no more, and what takes their place
// (Kubernetes, "Deprecated API Migration Guide",
// https://kubernetes.io/docs/reference/using-api/deprecation-guide/, and the notes of its
// releases).
var goneTypes = map[string]struct {
	since   int
	instead string
}{
	"policy/v1beta1 PodSecurityPolicy":                      {25, ""},
	"extensions/v1beta1 PodSecurityPolicy":                  {16, ""},
	"apiregistration.k8s.io/v1beta1 APIService":             {22, "apiregistration.k8s.io/v1"},
	"autoscaling/v2beta1 HorizontalPodAutoscaler":           {25, "autoscaling/v2"},
	"autoscaling/v2beta2 HorizontalPodAutoscaler":           {26, "autoscaling/v2"},
	"batch/v2alpha1 CronJob":                                {21, "batch/v1"},
	"rbac.authorization.k8s.io/v1alpha1 Role":               {22, "rbac.authorization.k8s.io/v1"},
	"rbac.authorization.k8s.io/v1alpha1 RoleBinding":        {22, "rbac.authorization.k8s.io/v1"},
	"rbac.authorization.k8s.io/v1alpha1 ClusterRole":        {22, "rbac.authorization.k8s.io/v1"},
	"rbac.authorization.k8s.io/v1alpha1 ClusterRoleBinding": {22, "rbac.authorization.k8s.io/v1"},
	"scheduling.k8s.io/v1alpha1 PriorityClass":              {22, "scheduling.k8s.io/v1"},
	"auditregistration.k8s.io/v1alpha1 AuditSink":           {19, ""},
	"settings.k8s.io/v1alpha1 PodPreset":                    {20, ""},
	"networking.k8s.io/v1alpha1 ClusterCIDR":                {29, ""},
	"resource.k8s.io/v1alpha1 ResourceClaim":                {27, ""},
	"resource.k8s.io/v1alpha1 ResourceClaimTemplate":        {27, ""},
	"resource.k8s.io/v1alpha2 ResourceClaim":                {31, ""},
	"resource.k8s.io/v1alpha2 ResourceClaimTemplate":        {31, ""},
}

// End is what is known of the end of an API version; the zero value is that of one which
// stays.
type End struct {
	// Gone and Deprecated say since when, as in "Kubernetes has not had since 1.25"; one of
	// them at most is not empty.
	Gone, Deprecated string
	// Replaced is set where another API version takes its place, which Gone and Deprecated
	// name.
	Replaced bool
}

// Deprecation says that a kind is of an API version, such as batch/v1, that Kubernetes 1.minor
// has no more, or will have no more. It is the zero value otherwise, and for resources
// that are not of Kubernetes itself.
func Deprecation(apiVersion, kindName string, minor int) End {
	if known, ok := goneTypes[apiVersion+" "+kindName]; ok && minor >= known.since {
		end := End{Gone: fmt.Sprintf("Kubernetes has not had since 1.%d", known.since), Replaced: known.instead != ""}
		if end.Replaced {
			end.Gone += fmt.Sprintf("; %s %s takes its place", known.instead, kindName)
		}
		return end
	}
	known, ok := kubetypes.Known(apiVersion, kindName)
	if !ok {
		return End{}
	}
	instead := ""
	if known.Instead != "" {
		instead = fmt.Sprintf("; %s takes its place", known.Instead)
	}
	switch {
	case known.Removed > 0 && minor >= known.Removed:
		return End{Gone: fmt.Sprintf("Kubernetes has not had since 1.%d%s", known.Removed, instead), Replaced: instead != ""}
	case known.Deprecated > 0 && minor >= known.Deprecated:
		return End{Deprecated: fmt.Sprintf("Kubernetes 1.%d deprecates%s", known.Deprecated, instead), Replaced: instead != ""}
	}
	return End{}
}

// servedAPIs are the API versions that Kubernetes 1.minor serves, each alone and
// with each of its kinds.
func servedAPIs(minor int) chartutil.VersionSet {
	var served chartutil.VersionSet
	groups := map[string]bool{}
	for _, k := range kubetypes.All() {
		if isAuxiliary(k.Kind) || k.Introduced > minor || Deprecation(k.APIVersion, k.Kind, minor).Gone != "" {
			continue
		}
		served = append(served, k.APIVersion+"/"+k.Kind)
		if !groups[k.APIVersion] {
			groups[k.APIVersion] = true
			served = append(served, k.APIVersion)
		}
	}
	slices.Sort(served) // templates may list them
	return served
}

// isAuxiliary knows the kinds that every API group has for requests and answers,
// and that are no resources.
func isAuxiliary(kind string) bool {
	return kind == "WatchEvent" || kind == "Status" || strings.HasSuffix(kind, "Options") || strings.HasSuffix(kind, "List") ||
		strings.HasPrefix(kind, "API") && kind != "APIService"
}
