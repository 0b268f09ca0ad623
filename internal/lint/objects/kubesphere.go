package objects

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The objects of KubeSphere's own kinds, as far as extensions make them: the facts of the
// definitions in config/ks-core/charts/ks-crds/crds of
// https://github.com/kubesphere/kubesphere, v4.1.3. What is not looked at is any.

type ksObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

type ksService struct {
	Name      string `json:"name" ks:"required"`
	Namespace string `json:"namespace" ks:"required"`
	Path      string `json:"path"`
	Port      int32  `json:"port"`
}

type ksEndpoint struct {
	URL                string     `json:"url"`
	Service            *ksService `json:"service"`
	CABundle           []byte     `json:"caBundle"`
	InsecureSkipVerify bool       `json:"insecureSkipVerify"`
}

type ksStatus struct {
	State      string           `json:"state"`
	Conditions []map[string]any `json:"conditions"`
}

type ksAPIService struct {
	ksObject `json:",inline"`
	Spec     struct {
		ksEndpoint `json:",inline"`
		Group      string `json:"group"`
		Version    string `json:"version"`
	} `json:"spec"`
	Status ksStatus `json:"status"`
}

type ksExtensionEntry struct {
	ksObject `json:",inline"`
	Spec     struct {
		Entries []map[string]any `json:"entries"`
	} `json:"spec"`
	Status ksStatus `json:"status"`
}

type ksKeyRef struct {
	Key       string `json:"key" ks:"required"`
	Name      string `json:"name"`
	Namespace string `json:"namespace" ks:"required"`
	Optional  bool   `json:"optional"`
}

type ksAsset struct {
	ksEndpoint `json:",inline"`
	Link       string `json:"link"`
}

type ksJSBundle struct {
	ksObject `json:",inline"`
	Spec     struct {
		Raw     []byte `json:"raw"`
		RawFrom struct {
			ksEndpoint      `json:",inline"`
			ConfigMapKeyRef *ksKeyRef `json:"configMapKeyRef"`
			SecretKeyRef    *ksKeyRef `json:"secretKeyRef"`
		} `json:"rawFrom"`
		Assets struct {
			Style *ksAsset `json:"style"`
			Files []struct {
				ksAsset  `json:",inline"`
				Name     string `json:"name"`
				MIMEType string `json:"mimeType"`
			} `json:"files"`
		} `json:"assets"`
	} `json:"spec"`
	Status struct {
		ksStatus `json:",inline"`
		Link     string `json:"link"`
	} `json:"status"`
}

type ksReverseProxy struct {
	ksObject `json:",inline"`
	Spec     struct {
		Matcher struct {
			Path   string `json:"path" ks:"required"`
			Method string `json:"method" ks:"required"`
		} `json:"matcher"`
		Upstream   ksEndpoint `json:"upstream"`
		Directives struct {
			AuthProxy                 bool     `json:"authProxy"`
			HeaderDown                []string `json:"headerDown"`
			HeaderUp                  []string `json:"headerUp"`
			Method                    string   `json:"method"`
			PathRegexp                []string `json:"pathRegexp"`
			RejectForwardingRedirects bool     `json:"rejectForwardingRedirects"`
			Replace                   []string `json:"replace"`
			Rewrite                   []string `json:"rewrite"`
			StripPathPrefix           string   `json:"stripPathPrefix"`
			StripPathSuffix           string   `json:"stripPathSuffix"`
			WrapTransport             bool     `json:"wrapTransport"`
		} `json:"directives"`
	} `json:"spec"`
	Status ksStatus `json:"status"`
}

type ksPolicyRule struct {
	APIGroups       []string `json:"apiGroups"`
	NonResourceURLs []string `json:"nonResourceURLs"`
	ResourceNames   []string `json:"resourceNames"`
	Resources       []string `json:"resources"`
	Verbs           []string `json:"verbs" ks:"required"`
}

type ksTexts struct {
	DisplayName map[string]string `json:"displayName"`
	Description map[string]string `json:"description"`
}

type ksCategory struct {
	ksObject `json:",inline"`
	Spec     struct {
		ksTexts `json:",inline"`
		Icon    string `json:"icon"`
	} `json:"spec"`
}

type ksRoleTemplate struct {
	ksObject `json:",inline"`
	Spec     struct {
		ksTexts `json:",inline"`
		Rules   []ksPolicyRule `json:"rules" ks:"required"`
	} `json:"spec"`
}

type ksAggregation struct {
	RoleSelector  *metav1.LabelSelector `json:"roleSelector"`
	TemplateNames []string              `json:"templateNames"`
}

type ksRole struct {
	ksObject    `json:",inline"`
	Aggregation *ksAggregation `json:"aggregationRoleTemplates"`
	Rules       []ksPolicyRule `json:"rules"`
}

type ksGlobalRole struct {
	ksObject    `json:",inline"`
	Aggregation *ksAggregation `json:"aggregationRoleTemplates"`
	Rules       []ksPolicyRule `json:"rules" ks:"required"`
}

type ksRoleBinding struct {
	ksObject `json:",inline"`
	RoleRef  *struct {
		APIGroup string `json:"apiGroup" ks:"required"`
		Kind     string `json:"kind" ks:"required"`
		Name     string `json:"name" ks:"required"`
	} `json:"roleRef" ks:"required"`
	Subjects []struct {
		APIGroup  string `json:"apiGroup"`
		Kind      string `json:"kind" ks:"required"`
		Name      string `json:"name" ks:"required"`
		Namespace string `json:"namespace"`
	} `json:"subjects"`
}

const (
	extensionsGroup = "extensions.kubesphere.io/v1alpha1"
	iamGroup        = "iam.kubesphere.io/v1beta1"
)

// ksKinds are the types of KubeSphere's own kinds, by API version and kind.
var ksKinds = map[[2]string]reflect.Type{
	{extensionsGroup, "APIService"}:        reflect.TypeFor[ksAPIService](),
	{extensionsGroup, "ExtensionEntry"}:    reflect.TypeFor[ksExtensionEntry](),
	{extensionsGroup, "JSBundle"}:          reflect.TypeFor[ksJSBundle](),
	{extensionsGroup, "ReverseProxy"}:      reflect.TypeFor[ksReverseProxy](),
	{iamGroup, "Category"}:                 reflect.TypeFor[ksCategory](),
	{iamGroup, "RoleTemplate"}:             reflect.TypeFor[ksRoleTemplate](),
	{iamGroup, "ClusterRole"}:              reflect.TypeFor[ksRole](),
	{iamGroup, "Role"}:                     reflect.TypeFor[ksRole](),
	{iamGroup, "WorkspaceRole"}:            reflect.TypeFor[ksRole](),
	{iamGroup, "GlobalRole"}:               reflect.TypeFor[ksGlobalRole](),
	{iamGroup, "ClusterRoleBinding"}:       reflect.TypeFor[ksRoleBinding](),
	{iamGroup, "RoleBinding"}:              reflect.TypeFor[ksRoleBinding](),
	{iamGroup, "WorkspaceRoleBinding"}:     reflect.TypeFor[ksRoleBinding](),
	{iamGroup, "GlobalRoleBinding"}:        reflect.TypeFor[ksRoleBinding](),
	{"kubesphere.io/v1alpha1", "Category"}: reflect.TypeFor[ksCategory](),
}
