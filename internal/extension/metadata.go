package extension

import (
	"maps"
	"slices"
	"strconv"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// MetadataFile is the name of the file that makes a directory an extension.
const MetadataFile = naming.MetadataFile

// Metadata is what extension.yaml says. It is decoded leniently: a field whose
// value is of another type than it should be is left zero, and the lint rule
// `schema` says so with its place; so one wrong field does not hide the others.
//
// Numbers and booleans in place of text read as KubeSphere reads them
// (sigs.k8s.io/yaml), with one exception: Version, where `1.10` would become
// 1.1, is left empty.
type Metadata struct {
	// APIVersion is that of extension.yaml's format, e.g. kubesphere.io/v1alpha1.
	APIVersion string
	Name       string
	Version    string
	// DisplayName, Description are texts by ISO 639-1 language code.
	DisplayName map[string]string
	Description map[string]string
	Category    string
	Keywords    []string
	Home        string
	Docs        string
	Sources     []string
	// KubeVersion, KSVersion are SemVer constraints on the cluster and KubeSphere.
	KubeVersion string
	KSVersion   string
	Maintainers []Party
	// Provider is who offers the extension, by ISO 639-1 language code.
	Provider map[string]Party
	// StaticFileDirectory is left out of the pushed package.
	StaticFileDirectory string
	// Icon, Screenshots are files of the extension, http(s) URLs or data: URIs.
	Icon        string
	Screenshots []string
	// Dependencies are the subcharts, as in Helm's Chart.yaml. None is nil.
	Dependencies []*chart.Dependency
	// InstallationMode is HostOnly or Multicluster; empty means HostOnly.
	InstallationMode string
	Namespace        string
	Images           []string
	// ExternalDependencies are other extensions that have to be there.
	ExternalDependencies []ExternalDependency
	Annotations          map[string]string
	// Type, AppVersion are no fields of KubeSphere's, but of Helm's Chart.yaml, and
	// are carried over to it.
	Type       string
	AppVersion string
}

// Party is a maintainer or a provider.
type Party struct {
	Name, Email, URL string
}

// ExternalDependency is another extension that this one needs.
type ExternalDependency struct {
	Name string
	// Type is "extension".
	Type string
	// Version is a SemVer constraint; empty means any.
	Version  string
	Required bool
}

// Text gives the text for readers of English, else that of the first language
// by code: KubeSphere falls back to English, too.
func Text(byLanguage map[string]string) string {
	if text, ok := byLanguage["en"]; ok {
		return text
	}
	for _, language := range slices.Sorted(maps.Keys(byLanguage)) {
		return byLanguage[language]
	}
	return ""
}

// ReadMetadata reads an extension.yaml alone, as Load does. The error is a diagnostic.List
// where it is no YAML; one without fields has none.
func ReadMetadata(source []byte) (Metadata, error) {
	doc, err := yamldoc.ParseLoose(MetadataFile, source)
	if err != nil {
		return Metadata{}, err
	}
	return decodeMetadata(doc.Value()), nil
}

// decodeMetadata reads the fields of extension.yaml from its value.
func decodeMetadata(value any) Metadata {
	m, _ := value.(map[string]any)
	version, _ := m["version"].(string)
	return Metadata{
		APIVersion:           text(m["apiVersion"]),
		Name:                 text(m["name"]),
		Version:              version,
		DisplayName:          texts(m["displayName"]),
		Description:          texts(m["description"]),
		Category:             text(m["category"]),
		Keywords:             textList(m["keywords"]),
		Home:                 text(m["home"]),
		Docs:                 text(m["docs"]),
		Sources:              textList(m["sources"]),
		KubeVersion:          text(m["kubeVersion"]),
		KSVersion:            text(m["ksVersion"]),
		Maintainers:          parties(m["maintainers"]),
		Provider:             providers(m["provider"]),
		StaticFileDirectory:  text(m["staticFileDirectory"]),
		Icon:                 text(m["icon"]),
		Screenshots:          textList(m["screenshots"]),
		Dependencies:         dependencies(m["dependencies"]),
		InstallationMode:     text(m["installationMode"]),
		Namespace:            text(m["namespace"]),
		Images:               textList(m["images"]),
		ExternalDependencies: externalDependencies(m["externalDependencies"]),
		Annotations:          texts(m["annotations"]),
		Type:                 text(m["type"]),
		AppVersion:           text(m["appVersion"]),
	}
}

// text reads a scalar as sigs.k8s.io/yaml does where the target is a string
// (convertToJSONableObject there); "" for anything that is no scalar.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 32)
	}
	return ""
}

// isScalar reports whether v is something that text reads.
func isScalar(v any) bool {
	switch v.(type) {
	case string, bool, int64, uint64, float64:
		return true
	}
	return false
}

// texts reads a map of scalars; members of another kind are left out.
func texts(v any) map[string]string {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(m))
	for key, value := range m {
		if isScalar(value) {
			out[key] = text(value)
		}
	}
	return out
}

// textList reads a list of scalars. A member of another kind is kept as an
// empty string: so an index into the result is one into the document.
func textList(v any) []string {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = text(item)
	}
	return out
}

// party reads a maintainer or provider; a plain string is a name.
func party(v any) (Party, bool) {
	if name, ok := v.(string); ok {
		return Party{Name: name}, true
	}
	m, ok := v.(map[string]any)
	return Party{Name: text(m["name"]), Email: text(m["email"]), URL: text(m["url"])}, ok
}

func parties(v any) []Party {
	list, _ := v.([]any)
	var out []Party
	for _, item := range list {
		if p, ok := party(item); ok {
			out = append(out, p)
		}
	}
	return out
}

func providers(v any) map[string]Party {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := make(map[string]Party, len(m))
	for language, item := range m {
		if p, ok := party(item); ok {
			out[language] = p
		}
	}
	return out
}

func dependencies(v any) []*chart.Dependency {
	list, _ := v.([]any)
	var out []*chart.Dependency
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		enabled, _ := m["enabled"].(bool)
		importValues, _ := m["import-values"].([]any)
		out = append(out, &chart.Dependency{
			Name:         text(m["name"]),
			Version:      text(m["version"]),
			Repository:   text(m["repository"]),
			Condition:    text(m["condition"]),
			Tags:         textList(m["tags"]),
			Enabled:      enabled,
			ImportValues: importValues,
			Alias:        text(m["alias"]),
		})
	}
	return out
}

func externalDependencies(v any) []ExternalDependency {
	list, _ := v.([]any)
	var out []ExternalDependency
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		required, _ := m["required"].(bool)
		out = append(out, ExternalDependency{
			Name:     text(m["name"]),
			Type:     text(m["type"]),
			Version:  text(m["version"]),
			Required: required,
		})
	}
	return out
}
