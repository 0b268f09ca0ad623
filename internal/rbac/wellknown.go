package rbac

import rbacv1 "k8s.io/api/rbac/v1"

// The executor of KubeSphere has, in the namespace of the extension, these rights without
// asking for them (createOrUpdateRole in pkg/controller/core/installplan_controller.go of
// https://github.com/kubesphere/kubesphere, v4.1.3).
var ofExecutor = []rbacv1.PolicyRule{{
	Verbs:     []string{"*"},
	APIGroups: []string{"", "apps", "batch", "policy", "networking.k8s.io", "autoscaling", "metrics.k8s.io"},
	Resources: []string{"*"},
}}

// ofEverybody is what each service account may do: system:basic-user, system:discovery,
// system:public-info-viewer and system:service-account-issuer-discovery of Kubernetes.
var ofEverybody = []rbacv1.PolicyRule{
	{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"}},
	{Verbs: []string{"create"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"selfsubjectreviews"}},
	{Verbs: []string{"get"}, NonResourceURLs: []string{
		"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/",
		"/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/",
	}},
}

// Executor is what the installation of an extension may do in its own namespace and in
// the rest of the cluster, where permissions.yaml has these rules of ClusterRole and Role.
func Executor(clusterRole, role []rbacv1.PolicyRule) (inNamespace, inCluster []rbacv1.PolicyRule) {
	inCluster = append(append(inCluster, clusterRole...), ofEverybody...)
	inNamespace = append(append(append(inNamespace, inCluster...), role...), ofExecutor...)
	return inNamespace, inCluster
}

var reading = []string{"get", "list", "watch"}

// The rules that admin, edit and view have in each version of Kubernetes from 1.19 on
// (plugin/pkg/auth/authorizer/rbac/bootstrappolicy). Clusters add to them, and some
// versions have more: who lacks one of these may not bind the role in any of them.
var (
	ofView = []rbacv1.PolicyRule{
		{Verbs: reading, APIGroups: []string{""}, Resources: []string{
			"configmaps", "endpoints", "persistentvolumeclaims", "pods", "replicationcontrollers", "replicationcontrollers/scale", "serviceaccounts", "services",
			"bindings", "events", "limitranges", "namespaces/status", "pods/log", "pods/status", "replicationcontrollers/status", "resourcequotas", "resourcequotas/status", "namespaces",
		}},
		{Verbs: reading, APIGroups: []string{"apps"}, Resources: []string{"daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"}},
		{Verbs: reading, APIGroups: []string{"autoscaling"}, Resources: []string{"horizontalpodautoscalers"}},
		{Verbs: reading, APIGroups: []string{"batch"}, Resources: []string{"cronjobs", "jobs"}},
		{Verbs: reading, APIGroups: []string{"extensions"}, Resources: []string{"daemonsets", "deployments", "deployments/scale", "ingresses", "networkpolicies", "replicasets", "replicasets/scale", "replicationcontrollers/scale"}},
		{Verbs: reading, APIGroups: []string{"policy"}, Resources: []string{"poddisruptionbudgets"}},
		{Verbs: reading, APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses", "networkpolicies"}},
	}
	writing = []string{"create", "delete", "deletecollection", "patch", "update"}
	ofEdit  = append([]rbacv1.PolicyRule{
		{Verbs: reading, APIGroups: []string{""}, Resources: []string{"pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"}},
		{Verbs: []string{"impersonate"}, APIGroups: []string{""}, Resources: []string{"serviceaccounts"}},
		{Verbs: writing, APIGroups: []string{""}, Resources: []string{
			"pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy",
			"configmaps", "persistentvolumeclaims", "replicationcontrollers", "replicationcontrollers/scale", "secrets", "serviceaccounts", "services", "services/proxy",
		}},
		{Verbs: writing, APIGroups: []string{"apps"}, Resources: []string{"daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"}},
		{Verbs: writing, APIGroups: []string{"autoscaling"}, Resources: []string{"horizontalpodautoscalers"}},
		{Verbs: writing, APIGroups: []string{"batch"}, Resources: []string{"cronjobs", "jobs"}},
		{Verbs: writing, APIGroups: []string{"extensions"}, Resources: []string{"daemonsets", "deployments", "deployments/rollback", "deployments/scale", "ingresses", "networkpolicies", "replicasets", "replicasets/scale", "replicationcontrollers/scale"}},
		{Verbs: writing, APIGroups: []string{"policy"}, Resources: []string{"poddisruptionbudgets"}},
		{Verbs: writing, APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses", "networkpolicies"}},
	}, ofView...)
	ofAdmin = append([]rbacv1.PolicyRule{
		{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"localsubjectaccessreviews"}},
		{Verbs: append([]string{"create", "delete", "deletecollection", "patch", "update"}, reading...), APIGroups: []string{Group}, Resources: []string{"rolebindings", "roles"}},
	}, ofEdit...)
)

// clusterRoles are those of Kubernetes that charts bind.
var clusterRoles = map[string][]rbacv1.PolicyRule{
	"cluster-admin": Everything(),
	"admin":         ofAdmin,
	"edit":          ofEdit,
	"view":          ofView,
	"system:auth-delegator": {
		{Verbs: []string{"create"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}},
		{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}},
	},
	"system:basic-user":                       ofEverybody[:1],
	"system:discovery":                        {{Verbs: []string{"get"}, NonResourceURLs: []string{"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version", "/version/"}}},
	"system:public-info-viewer":               {{Verbs: []string{"get"}, NonResourceURLs: []string{"/healthz", "/version", "/version/"}}},
	"system:service-account-issuer-discovery": {{Verbs: []string{"get"}, NonResourceURLs: []string{"/.well-known/openid-configuration", "/openid/v1/jwks"}}},
}

// roles are those of Kubernetes that charts bind, by namespace and name.
var roles = map[[2]string][]rbacv1.PolicyRule{
	{"kube-system", "extension-apiserver-authentication-reader"}: {
		{Verbs: reading, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"extension-apiserver-authentication"}},
	},
}

// OfKubernetes are rules of a ClusterRole, or of a Role in a namespace, that each cluster
// has: at least these. The namespace is empty for a ClusterRole.
func OfKubernetes(namespace, name string) (rules []rbacv1.PolicyRule, ok bool) {
	if namespace == "" {
		rules, ok = clusterRoles[name]
	} else {
		rules, ok = roles[[2]string{namespace, name}]
	}
	return rules, ok
}
