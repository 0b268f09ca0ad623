package lint

import (
	"strings"
	"testing"
)

func TestPermissions(t *testing.T) {
	const role = "kind: Role\nrules:\n  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: [get]\n"
	testFindings(t, []findingTest{
		{name: "no permissions", changes: []string{"permissions.yaml", ""}},
		{name: "two documents, comments and an empty one", changes: []string{"permissions.yaml", "# rights\n---\n" + role + "---\n# nothing\n---\n" + strings.Replace(role, "Role", "ClusterRole", 1)}},
		{
			name:    "a broken document hides no other from lint",
			changes: []string{"permissions.yaml", role + "---\nkind: ClusterRole\nrules: [\n---\nkind: Role\nrules:\n  - apiGroups: [apps]\n    resources: [deployments]\n"},
			want: []string{
				`error permissions ext/permissions.yaml:8:8: the list that starts with "[" here is not closed`,
				`error permissions ext/permissions.yaml:12:5: the rule has no verbs, so Kubernetes refuses the Role`,
			},
			hint: "add the missing \"]\", or write [] for an empty list; KubeSphere drops this document and all below it, silently",
		},
		{
			name:    "a key twice",
			changes: []string{"permissions.yaml", role + "rules: []\n"},
			want:    []string{`error permissions ext/permissions.yaml:6:1: key "rules" is given twice; it stands on line 2 already`},
		},
		{
			name:    "another kind",
			changes: []string{"permissions.yaml", role + "---\nkind: ClusterRoleBinding\nsubjects: []\n"},
			want:    []string{`warning permissions ext/permissions.yaml:7:7: KubeSphere passes over a document of kind ClusterRoleBinding`},
			hint:    "permissions.yaml holds ClusterRole and Role; other objects are for templates/",
		},
		{
			name:    "no kind",
			changes: []string{"permissions.yaml", "rules: []\n"},
			want:    []string{`warning permissions ext/permissions.yaml:1:1: the document has no kind, so KubeSphere passes over it`},
		},
		{
			name:    "a list",
			changes: []string{"permissions.yaml", "- kind: Role\n"},
			want:    []string{`error permissions ext/permissions.yaml:1:1: this document holds no fields: KubeSphere drops it and all below it, silently`},
		},
		{
			name:    "no rules",
			changes: []string{"permissions.yaml", "kind: Role\n"},
			want:    []string{`warning permissions ext/permissions.yaml:1:1: the Role has no rules, and so no rights`},
		},
		{
			name:    "rules that are none",
			changes: []string{"permissions.yaml", "kind: Role\nrules: {verbs: [get]}\n"},
			want:    []string{`error permissions ext/permissions.yaml:2:8: rules must be a list: KubeSphere drops this document and all below it, silently`},
		},
		{
			name:    "fields of the wrong type",
			changes: []string{"permissions.yaml", "kind: Role\nrules:\n  - apiGroups: apps\n    resources: [deployments, 1]\n    verb: [get]\n    verbs: [get]\n  - get\n"},
			want: []string{
				`error permissions ext/permissions.yaml:3:16: apiGroups must be a list: KubeSphere drops this document and all below it, silently`,
				`error permissions ext/permissions.yaml:4:30: resources must be a list of texts: KubeSphere drops this document and all below it, silently`,
				`warning permissions ext/permissions.yaml:5:5: unknown key "verb", which nothing reads`,
				`error permissions ext/permissions.yaml:7:5: a rule must be a mapping with apiGroups, resources and verbs`,
			},
			hint: "write it as apiGroups: [apps]",
		},
		{
			name:    "a field that is missing, and one that is misspelt",
			changes: []string{"permissions.yaml", "kind: Role\nrules:\n  - resource: [deployments]\n    verbs: [get]\n---  kind: Role\n"},
			want: []string{
				`error permissions ext/permissions.yaml:3:5: the rule has no apiGroups, so Kubernetes refuses the Role`,
				`error permissions ext/permissions.yaml:3:5: unknown key "resource", which nothing reads, and the rule has no resources, so Kubernetes refuses the Role`,
				`error permissions ext/permissions.yaml:5:1: text stands behind the hyphens that divide documents: KubeSphere stops reading here, silently`,
			},
			hint: `add the API groups of the resources; that of pods, services and secrets is ""`,
		},
		{name: "letter case does not matter to the decoder", changes: []string{"permissions.yaml", strings.Replace(role, "apiGroups", "apigroups", 1)}},
		{
			name:    "URLs",
			changes: []string{"permissions.yaml", "kind: Role\nrules:\n  - nonResourceURLs: [/metrics]\n    verbs: [get]\n---\nkind: ClusterRole\nrules:\n  - nonResourceURLs: [/metrics]\n    verbs: [get]\n  - nonResourceURLs: [/metrics]\n    resources: [pods]\n    verbs: [get]\n"},
			want: []string{
				`error permissions ext/permissions.yaml:3:22: a Role cannot have nonResourceURLs: Kubernetes refuses it`,
				`error permissions ext/permissions.yaml:10:5: a rule is on resources or on nonResourceURLs, not both: Kubernetes refuses it`,
			},
		},
		{
			name:    "text behind the hyphens",
			changes: []string{"permissions.yaml", role + "--- kind\n" + role},
			want: []string{
				`error permissions ext/permissions.yaml:6:1: text stands behind the hyphens that divide documents: KubeSphere stops reading here, silently`,
				`error permissions ext/permissions.yaml:7:1: this line is indented deeper than the one above it, which has a value already`,
			},
		},
		{
			name:    "documents without end",
			changes: []string{"permissions.yaml", strings.Repeat(role+"---\n", maxPermissionDocuments+3)},
			want:    []string{`warning permissions ext/permissions.yaml: after 64 documents, the others were not read`},
		},
	})
}

func TestLeastPrivilege(t *testing.T) {
	rule := func(kind, groups, resources, verbs string) []string {
		return []string{"permissions.yaml", "kind: " + kind + "\nrules:\n  - apiGroups: " + groups + "\n    resources: " + resources + "\n    verbs: " + verbs + "\n"}
	}
	testFindings(t, []findingTest{
		{name: "names", changes: rule("ClusterRole", "[apps]", "[deployments]", "[get, create, delete]")},
		{
			name:    "all verbs",
			changes: rule("ClusterRole", "[apps]", "[deployments, statefulsets]", "['*']"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole has the wildcard * for verbs of deployments, statefulsets`},
			hint:    "name the verbs that the chart needs, or give the reason: # ksrelease:ignore least-privilege REASON, above the rule",
		},
		{
			name:    "all resources, in one finding",
			changes: rule("ClusterRole", "['', apps]", "['*']", "['*']"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole has the wildcard * for verbs and resources in core, apps, which takes in secrets, pods/exec, nodes/proxy and more of that kind`},
		},
		{
			name:    "all there is",
			changes: rule("ClusterRole", "['*']", "['*']", "[get]"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole has the wildcard * for API groups and resources, which takes in secrets, pods/exec and nodes/proxy`},
		},
		{
			name:    "what every extension asks for of KubeSphere",
			changes: rule("ClusterRole", "[extensions.kubesphere.io]", "['*']", "[get, create]"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole has the wildcard * for resources in extensions.kubesphere.io`},
			hint:    "name the resources that the chart has, such as jsbundles, extensionentries, apiservices and reverseproxies, or give the reason: # ksrelease:ignore least-privilege REASON, above the rule",
		},
		{
			name:    "in the extension's own namespace it is for information",
			changes: rule("Role", "['']", "['*']", "['*']"),
			want:    []string{`info least-privilege ext/permissions.yaml:3:5: this rule of the Role has the wildcard * for verbs and resources in core`},
		},
		{name: "secrets in the extension's own namespace", changes: rule("Role", "['']", "[secrets]", "[get]")},
		{
			name: "several that are too wide",
			changes: []string{"permissions.yaml", "kind: ClusterRole\nrules:\n  - {apiGroups: [apps], resources: [deployments], verbs: ['*']}\n  - {apiGroups: [''], resources: [secrets], verbs: [get]}\n" +
				"  # ksrelease:ignore least-privilege there are many of them\n  - {apiGroups: [a.example], resources: ['*'], verbs: [get]}\n" +
				"  - {apiGroups: [b.example], resources: ['*'], verbs: ['*']}\n"},
			want: []string{
				`warning least-privilege ext/permissions.yaml:3:5: 2 rules of the ClusterRole have the wildcard *: for verbs of deployments; for verbs and resources in b.example`,
				`warning least-privilege ext/permissions.yaml:4:5: this rule of the ClusterRole reaches secrets`,
			},
			hint: "name what the chart needs, or give the reason: # ksrelease:ignore least-privilege REASON, above the rule (lines 3 and 7)",
		},
		{name: "secrets of another group", changes: rule("ClusterRole", "[vault.example.com]", "[secrets]", "[get]")},
		{name: "looking at bindings", changes: rule("ClusterRole", "[rbac.authorization.k8s.io]", "[rolebindings, clusterrolebindings, roles]", "[get, list, watch]")},
		{
			name:    "binding, and giving what one does not have",
			changes: rule("ClusterRole", "[rbac.authorization.k8s.io]", "[clusterrolebindings, clusterroles]", "[create, escalate]"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole gives rights that the extension does not have itself (bind, escalate) and binds roles (clusterrolebindings)`},
		},
		{
			name:    "commands, the proxy of nodes, tokens",
			changes: rule("ClusterRole", "['']", "[pods/exec, nodes/proxy, serviceaccounts/token]", "[create]"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole runs commands in pods (pods/exec), reaches all pods through the kubelet (nodes/proxy) and makes tokens of service accounts (serviceaccounts/token)`},
		},
		{
			name:    "webhooks",
			changes: rule("ClusterRole", "[admissionregistration.k8s.io]", "[validatingwebhookconfigurations]", "[patch]"),
			want:    []string{`warning least-privilege ext/permissions.yaml:3:5: this rule of the ClusterRole refuses what others send to Kubernetes (validatingwebhookconfigurations)`},
		},
		{name: "a reason", changes: []string{"permissions.yaml", "kind: ClusterRole\nrules:\n  # ksrelease:ignore least-privilege the operator keeps certificates in them\n  - apiGroups: ['']\n    resources: [secrets]\n    verbs: [get]\n"}},
	})
}
