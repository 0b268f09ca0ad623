package rbac

import (
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is what rules call the objects of one kind.
type Resource struct {
	Group, Kind string
	// Name is the plural in lower case: what stands in a rule.
	Name string
	// Cluster is set where the objects are in no namespace.
	Cluster bool
}

// builtin are the resources of Kubernetes, those of its past included, those of
// KubeSphere (config/ks-core of https://github.com/kubesphere/kubesphere, v4.1.3), and
// those that many clusters have and charts use without their definitions: by
// group, in namespaces and, behind the bar, in none. A name is guessed from the kind
// unless it stands behind a colon.
//
// The groups of Kubernetes are those of its API reference up to 1.37.
const builtin = `
"": Binding ConfigMap Endpoints:endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount | ComponentStatus Namespace Node PersistentVolume
admissionregistration.k8s.io: | MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration
apiextensions.k8s.io: | CustomResourceDefinition
apiregistration.k8s.io: | APIService
apps: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet |
authentication.k8s.io: | SelfSubjectReview TokenReview
authorization.k8s.io: LocalSubjectAccessReview | SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview
autoscaling: HorizontalPodAutoscaler |
batch: CronJob Job |
certificates.k8s.io: PodCertificateRequest | CertificateSigningRequest ClusterTrustBundle
coordination.k8s.io: Lease LeaseCandidate |
discovery.k8s.io: EndpointSlice |
events.k8s.io: Event |
extensions: DaemonSet Deployment Ingress NetworkPolicy ReplicaSet | PodSecurityPolicy
flowcontrol.apiserver.k8s.io: | FlowSchema PriorityLevelConfiguration
internal.apiserver.k8s.io: | StorageVersion
metrics.k8s.io: PodMetrics:pods | NodeMetrics:nodes
lifecycle.k8s.io: EvictionRequest |
networking.k8s.io: Ingress NetworkPolicy | IPAddress IngressClass ServiceCIDR
node.k8s.io: | RuntimeClass
policy: PodDisruptionBudget | PodSecurityPolicy
rbac.authorization.k8s.io: Role RoleBinding | ClusterRole ClusterRoleBinding
resource.k8s.io: ResourceClaim ResourceClaimTemplate | DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice
scheduling.k8s.io: CompositePodGroup PodGroup Workload | PriorityClass
storage.k8s.io: CSIStorageCapacity | CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass
storagemigration.k8s.io: | StorageVersionMigration
app.k8s.io: Application |
application.kubesphere.io: | Application ApplicationRelease ApplicationVersion Category Repo
cluster.kubesphere.io: | Cluster Label
extensions.kubesphere.io: | APIService ExtensionEntry JSBundle ReverseProxy
gateway.kubesphere.io: | IngressClassScope
iam.kubesphere.io: Role RoleBinding | BuiltinRole Category ClusterRole ClusterRoleBinding GlobalRole GlobalRoleBinding Group GroupBinding LoginRecord RoleTemplate User WorkspaceRole WorkspaceRoleBinding
kubesphere.io: ServiceAccount | Category Extension ExtensionVersion InstallPlan Repository
quota.kubesphere.io: | ResourceQuota
storage.kubesphere.io: | ProvisionerCapability StorageClassCapability
tenant.kubesphere.io: | Workspace WorkspaceTemplate
acme.cert-manager.io: Challenge Order |
cert-manager.io: Certificate CertificateRequest Issuer | ClusterIssuer
gateway.networking.k8s.io: BackendTLSPolicy Gateway GRPCRoute HTTPRoute ReferenceGrant TCPRoute TLSRoute UDPRoute | GatewayClass
monitoring.coreos.com: Alertmanager AlertmanagerConfig PodMonitor Probe Prometheus PrometheusAgent PrometheusRule ScrapeConfig ServiceMonitor ThanosRuler |
networking.istio.io: DestinationRule EnvoyFilter Gateway ProxyConfig ServiceEntry Sidecar VirtualService WorkloadEntry WorkloadGroup |
security.istio.io: AuthorizationPolicy PeerAuthentication RequestAuthentication |
snapshot.storage.k8s.io: VolumeSnapshot | VolumeSnapshotClass VolumeSnapshotContent
`

type groupAnd struct{ group, name string }

// table is builtin by kind and by name.
type table struct {
	byKind, byName map[groupAnd]Resource
	// byLower are those whose kind in lower case is not their name.
	byLower map[groupAnd]Resource
	groups  map[string]bool
}

var known = sync.OnceValue(func() table {
	t := table{map[groupAnd]Resource{}, map[groupAnd]Resource{}, map[groupAnd]Resource{}, map[string]bool{}}
	for line := range strings.Lines(strings.TrimSpace(builtin)) {
		group, kinds, _ := strings.Cut(line, ": ")
		group = strings.Trim(group, `"`)
		t.groups[group] = true
		inNamespaces, inNone, _ := strings.Cut(kinds, "|")
		for i, words := range []string{inNamespaces, inNone} {
			for word := range strings.FieldsSeq(words) {
				kind, name, ok := strings.Cut(word, ":")
				if !ok {
					name = Plural(kind)
				}
				r := Resource{Group: group, Kind: kind, Name: name, Cluster: i == 1}
				t.byKind[groupAnd{group, kind}], t.byName[groupAnd{group, name}] = r, r
				if lower := strings.ToLower(kind); lower != name {
					t.byLower[groupAnd{group, lower}] = r
				}
			}
		}
	}
	return t
})

// Plural is what the resource of a kind is most probably called.
func Plural(kind string) string {
	if stem, ok := strings.CutSuffix(strings.ToLower(kind), "y"); ok && stem != "" && strings.Contains("aeiou", stem[len(stem)-1:]) {
		return stem + "ys" // gateways; the guess makes gatewaies of it
	}
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
	return plural.Resource
}

// ByKind is a resource of Kubernetes or of KubeSphere.
func ByKind(group, kind string) (Resource, bool) {
	r, ok := known().byKind[groupAnd{group, kind}]
	return r, ok
}

// ByName is a resource of Kubernetes or of KubeSphere, by what stands in rules.
func ByName(group, name string) (Resource, bool) {
	r, ok := known().byName[groupAnd{group, name}]
	return r, ok
}
