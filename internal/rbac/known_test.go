package rbac

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestEachKindOfKubernetesIsKnown holds the table to the types of Kubernetes that are
// linked: a kind with metadata that is none of a subresource.
func TestEachKindOfKubernetesIsKnown(t *testing.T) {
	ofSubresources := []string{"Eviction", "Scale", "DeploymentRollback", "PodStatusResult", "RangeAllocation", "ImageReview", "SerializedReference", "TokenRequest"}
	looked := 0
	for kind := range scheme.Scheme.AllKnownTypes() {
		if strings.HasSuffix(kind.Kind, "List") || kind.Version == "__internal" || slices.Contains(ofSubresources, kind.Kind) {
			continue
		}
		object, err := scheme.Scheme.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := object.(metav1.Object); !ok {
			continue
		}
		looked++
		if _, ok := ByKind(kind.Group, kind.Kind); !ok {
			t.Errorf("%s is not known", kind)
		}
	}
	if looked < 60 {
		t.Errorf("only %d kinds were looked at", looked)
	}
}

// ofClient is what a client of client-go says of one kind: the name of the resource, and
// whether it has a namespace.
var ofClient = regexp.MustCompile(`gentype\.NewClient\w*\[\*\w+\.(\w+)[^(]*\(\s*"(\w+)",\s*c\.RESTClient\(\),\s*scheme\.ParameterCodec,\s*(namespace|"")`)

// TestResourcesAreThoseOfClients reads the source of client-go.
func TestResourcesAreThoseOfClients(t *testing.T) {
	// The go command finds the source also for a test that was built with -trimpath.
	place, err := exec.Command("go", "list", "-f", "{{.Dir}}", "k8s.io/client-go/kubernetes").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(place)), "typed", "*", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Base(filepath.Dir(filepath.Dir(file)))
		group := map[string]string{"core": "", "apiserverinternal": "internal.apiserver.k8s.io"}[folder]
		if group == "" && folder != "core" {
			for g := range known().groups {
				if g == folder || strings.HasPrefix(g, folder+".") && strings.HasSuffix(g, "k8s.io") {
					group = g
				}
			}
		}
		for _, m := range ofClient.FindAllStringSubmatch(string(text), -1) {
			looked++
			if m[1] == "Eviction" {
				continue // a subresource of pods
			}
			want := Resource{Group: group, Kind: m[1], Name: m[2], Cluster: m[3] != "namespace"}
			if got, ok := ByKind(group, m[1]); !ok || got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	}
	if looked < 80 {
		t.Errorf("only %d clients were looked at", looked)
	}
}

func TestResources(t *testing.T) {
	for _, test := range []struct {
		group, kind, name string
		cluster           bool
	}{
		{"", "Endpoints", "endpoints", false},
		{"", "Namespace", "namespaces", true},
		{"networking.k8s.io", "Ingress", "ingresses", false},
		{"networking.k8s.io", "IngressClass", "ingressclasses", true},
		{"networking.k8s.io", "NetworkPolicy", "networkpolicies", false},
		{"networking.k8s.io", "ServiceCIDR", "servicecidrs", true},
		{"storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", false},
		{"storage.k8s.io", "StorageClass", "storageclasses", true},
		{"extensions.kubesphere.io", "JSBundle", "jsbundles", true},
		{"extensions.kubesphere.io", "ExtensionEntry", "extensionentries", true},
		{"extensions.kubesphere.io", "ReverseProxy", "reverseproxies", true},
		{"iam.kubesphere.io", "Role", "roles", false},
		{"iam.kubesphere.io", "GlobalRole", "globalroles", true},
		{"metrics.k8s.io", "PodMetrics", "pods", false},
	} {
		want := Resource{test.group, test.kind, test.name, test.cluster}
		if got, ok := ByKind(test.group, test.kind); !ok || got != want {
			t.Errorf("ByKind: %+v, %t, want %+v", got, ok, want)
		}
		if got, ok := ByName(test.group, test.name); !ok || got != want {
			t.Errorf("ByName: %+v, %t, want %+v", got, ok, want)
		}
	}
	for name, kind := range map[string][2]string{
		"prometheuses": {"monitoring.coreos.com", "Prometheus"}, "backendtlspolicies": {"gateway.networking.k8s.io", "BackendTLSPolicy"},
		"serviceentries": {"networking.istio.io", "ServiceEntry"}, "peerauthentications": {"security.istio.io", "PeerAuthentication"},
		"volumesnapshotclasses": {"snapshot.storage.k8s.io", "VolumeSnapshotClass"}, "sidecars": {"networking.istio.io", "Sidecar"},
	} {
		if got, ok := ByKind(kind[0], kind[1]); !ok || got.Name != name {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	for _, other := range [][2]string{{"", "JSBundle"}, {"apps", "Pod"}, {"x.io", "Deployment"}, {"apps", "deployment"}} {
		if got, ok := ByKind(other[0], other[1]); ok {
			t.Errorf("%s is known: %+v", other, got)
		}
	}
}

func TestInVain(t *testing.T) {
	for _, test := range []struct{ rule, want string }{
		{"get,list of apps,,extensions.kubesphere.io:deployments,jsbundles", ""},
		{"* of *:*", ""},
		{"Get,LIST of apps:deployments", "verbs 0 Get → get; verbs 1 LIST → list"},
		{"post,put of apps:deployments", "verbs 0 post → create; verbs 1 put → update"},
		{"POST of apps:deployments", "verbs 0 POST → create"},
		{"post,get url /x", ""},
		{"get url metrics,*,/y", "nonResourceURLs 0 metrics → /metrics"},
		{"use,bind,approve of x.io:y", ""},
		{"get of apps/v1:deployments", "apiGroups 0 apps/v1 → apps"},
		{"get of v1,core,core/v1:pods", `apiGroups 0 v1 → ; apiGroups 1 core → ; apiGroups 2 core/v1 → `},
		{`get of "":pods`, `apiGroups 0 "" → `},
		{"get of Apps:deployments", "apiGroups 0 Apps → apps"},
		{"get of *.k8s.io:roles", "apiGroups 0 *.k8s.io"},
		{"get of rbac,networking,monitoring:roles", "apiGroups 0 rbac → rbac.authorization.k8s.io; apiGroups 1 networking → networking.k8s.io; apiGroups 2 monitoring"},
		{"get of customresourcedefinitions:*", "apiGroups 0 customresourcedefinitions → apiextensions.k8s.io"},
		{"get of my.io:things,Things,Thing", "resources 1 Things → things; resources 2 Thing → things"},
		{"get of apps:Deployment,Deployments,deployment,deploy", "resources 0 Deployment → deployments; resources 1 Deployments → deployments; resources 2 deployment → deployments; resources 3 deploy → deployments"},
		{"get of apps/v1:Deployment", "apiGroups 0 apps/v1 → apps; resources 0 Deployment → deployments"},
		{"get of :pod/log,pods/Log,Pod/log", "resources 0 pod/log → pods/log; resources 1 pods/Log → pods/log; resources 2 Pod/log → pods/log"},
		{"get of :pods/*,*/*,*/log", "resources 0 pods/*; resources 1 */* → *"},
		{"get of apps:deployments.apps", "resources 0 deployments.apps → deployments"},
		{"get of : pods,se crets", "resources 0  pods → pods; resources 1 se crets"},
		{"get of  apps:x", "apiGroups 0  apps → apps"},
		{"get of my.io:deploy,pod", ""},
		{"get of :users,groups,userextras/scopes,endpoints", ""},
		{"get of policy,extensions:podsecuritypolicy", "resources 0 podsecuritypolicy → podsecuritypolicies"},
		{"get of extensions.kubesphere.io:JSBundle,extensionEntry", "resources 0 JSBundle → jsbundles; resources 1 extensionEntry → extensionentries"},
		{"get of custom.metrics.k8s.io:pods/http_Requests,Jobs.batch/x", ""},
		{"get of certificates.k8s.io:signers", ""},
		{"get of admissionregistration.k8s.io:*webhookconfigurations", "resources 0 *webhookconfigurations"},
		{"get of monitoring.coreos.com:servicemonitor,prometheuses", "resources 0 servicemonitor → servicemonitors"},
	} {
		var parts []string
		for _, v := range InVain(rule(test.rule)) {
			part := fmt.Sprint(v.Field, " ", v.Index, " ", v.Entry)
			if v.Meant != nil {
				part += " → " + strings.Join(v.Meant, "|")
			}
			if v.Why == "" {
				t.Errorf("%s: no reason for %s", test.rule, part)
			}
			parts = append(parts, part)
		}
		if got := strings.Join(parts, "; "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.rule, got, test.want)
		}
	}
}

func TestMeant(t *testing.T) {
	meant := Meant(rule("GET,Create of apps/v1:Deployment"))
	for _, verb := range []string{"get", "create"} {
		if !Allows([]rbacv1.PolicyRule{meant}, Request{Verb: verb, Group: "apps", Resource: "deployments"}) {
			t.Errorf("%v does not allow to %s", meant, verb)
		}
	}
}

func TestIsWhole(t *testing.T) {
	for text, want := range map[string]bool{
		"get of apps:deployments":                  false,
		"get of apps/v1:deployments":               true,
		"get of apps/v1,apps:deployments":          false,
		"get,LIST of apps:deployments":             false,
		"GET,LIST of apps:deployments":             true,
		"get of apps,core:Deployment,Pod":          true,
		"get of apps,core:Deployment,statefulsets": false,
		"get url x,/y":                             false,
		"get url x":                                true,
	} {
		r := rule(text)
		if got := IsWhole(r, InVain(r)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestInstead(t *testing.T) {
	r := rule("get,POST of apps/v1:deployments")
	for i, want := range []string{
		`{apiGroups: [apps/v1], resources: [deployments], verbs: [create]}`,
		`{apiGroups: [apps], resources: [deployments], verbs: [get, POST]}`,
	} {
		meant, ok := InVain(r)[i].Instead(r)
		if got := YAML(meant); !ok || got != want {
			t.Errorf("%s, %t, want %s", got, ok, want)
		}
	}
	if _, ok := InVain(rule("get of :pods/*"))[0].Instead(r); ok {
		t.Error("somebody knows what is meant by pods/*")
	}
}

func TestPatternsMeanAll(t *testing.T) {
	meant := []rbacv1.PolicyRule{Meant(rule("get of *.k8s.io:*webhookconfigurations"))}
	if !Allows(meant, Request{Verb: "get", Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}) {
		t.Errorf("%v", meant)
	}
	if meant := []rbacv1.PolicyRule{Meant(rule("get of :pods/*"))}; Allows(meant, Request{Verb: "get", Resource: "secrets"}) {
		t.Errorf("%v", meant)
	}
}

// TestOfKubernetes tries the roles that charts bind with rights that do and do not do.
func TestOfKubernetes(t *testing.T) {
	for _, test := range []struct {
		namespace, role string
		had             []rbacv1.PolicyRule
		covered         bool
	}{
		{"", "cluster-admin", rules("* of *:*"), false}, // the URLs are missing
		{"", "cluster-admin", Everything(), true},
		{"", "admin", Everything(), true},
		{"", "view", rules("get,list,watch of *:*"), true},
		{"", "edit", rules("get,list,watch of *:*"), false},
		{"", "admin", rules("* of ,apps,batch,policy,networking.k8s.io,autoscaling,extensions:*"), false},
		{"", "edit", rules("* of ,apps,batch,policy,networking.k8s.io,autoscaling,extensions:*"), true},
		{"", "view", ofExecutor, false}, // it has the group extensions
		{"", "system:auth-delegator", rules("create of authentication.k8s.io:tokenreviews", "create of authorization.k8s.io:subjectaccessreviews"), true},
		{"kube-system", "extension-apiserver-authentication-reader", rules("get,list,watch of :configmaps"), true},
	} {
		granted, ok := OfKubernetes(test.namespace, test.role)
		if !ok || len(granted) == 0 {
			t.Fatalf("%s is not known", test.role)
		}
		if left := Uncovered(test.had, granted); (len(left) == 0) != test.covered {
			t.Errorf("%s with %v: %v is uncovered", test.role, test.had, left)
		}
	}
	if _, ok := OfKubernetes("", "mine"); ok {
		t.Error("a role of nobody is known")
	}
	if _, ok := OfKubernetes("kube-system", "cluster-admin"); ok {
		t.Error("a ClusterRole is a Role")
	}
	inNamespace, inCluster := Executor(nil, nil)
	for _, name := range []string{"system:basic-user", "system:discovery", "system:public-info-viewer", "system:service-account-issuer-discovery"} {
		granted, _ := OfKubernetes("", name)
		if left := Uncovered(inCluster, granted); len(left) > 0 {
			t.Errorf("each service account has %s, but for %v", name, left)
		}
	}
	if !Allows(inNamespace, Request{Verb: "create", Group: "apps", Resource: "deployments"}) || Allows(inCluster, Request{Verb: "create", Group: "apps", Resource: "deployments"}) {
		t.Error("the rights in the own namespace are those in the cluster")
	}
	if Allows(inNamespace, Request{Verb: "create", Group: Group, Resource: "roles"}) {
		t.Error("roles may be made without a right")
	}
}

func TestPluralsOfStrangers(t *testing.T) {
	for kind, want := range map[string]string{"Certificate": "certificates", "Prometheus": "prometheuses", "IPPool": "ippools", "Policy": "policies", "Gateway": "gateways"} {
		if got := Plural(kind); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestExecutorHasTheGroupsOfItsRole(t *testing.T) {
	own, _ := Executor(nil, nil)
	for _, group := range []string{"", "apps", "batch", "policy", "networking.k8s.io", "autoscaling", "metrics.k8s.io"} {
		if !Allows(own, Request{Verb: "create", Group: group, Resource: "anything"}) {
			t.Errorf("it may not create in the group %q", group)
		}
	}
	for _, group := range []string{Group, "coordination.k8s.io", "extensions"} {
		if Allows(own, Request{Verb: "create", Group: group, Resource: "anything"}) {
			t.Errorf("it may create in the group %q", group)
		}
	}
}
