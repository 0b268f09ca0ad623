package manifests

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// What the objects are called, and where they are: as of ksbuilder v0.4.5 (ToKubernetesResources in
// pkg/api/extension.go) and of the controllers of KubeSphere 4.1.3 to 4.2 (constants.go in
// staging/src/kubesphere.io/api/core/v1alpha1, pkg/controller/core/repository_controller.go).
const (
	labelExtension = "kubesphere.io/extension-ref"
	labelCategory  = "kubesphere.io/category"
	labelManaged   = "kubesphere.io/managed"
	namespace      = "kubesphere-system" // of the ConfigMaps
	chartKey       = "chart.tgz"         // of the package in a ConfigMap
)

// metadata is that of an object. Finalizers and owners are left to the controllers, which set them
// on objects that exist.
type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// info is what Extension and ExtensionVersion have in common. The time created is left out: the
// same package gives the same manifests.
type info struct {
	DisplayName map[string]string   `json:"displayName,omitempty"`
	Description map[string]string   `json:"description,omitempty"`
	Icon        string              `json:"icon,omitempty"`
	Provider    map[string]provider `json:"provider,omitempty"`
}

type provider struct {
	Name  string `json:"name,omitempty"`
	URL   string `json:"url,omitempty"`
	Email string `json:"email,omitempty"`
}

// extensionObject is an Extension. Its status is the controllers'.
type extensionObject struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       info     `json:"spec"`
}

// versionObject is an ExtensionVersion. One whose spec has a version is left as it is by the
// controllers (extensionversion_controller.go).
type versionObject struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Metadata   metadata    `json:"metadata"`
	Spec       versionSpec `json:"spec"`
}

type versionSpec struct {
	info
	Version              string       `json:"version"`
	Keywords             []string     `json:"keywords,omitempty"`
	Sources              []string     `json:"sources,omitempty"`
	Category             string       `json:"category,omitempty"`
	KubeVersion          string       `json:"kubeVersion,omitempty"`
	KSVersion            string       `json:"ksVersion,omitempty"`
	Home                 string       `json:"home,omitempty"`
	Docs                 string       `json:"docs,omitempty"`
	Digest               string       `json:"digest"`
	Screenshots          []string     `json:"screenshots,omitempty"`
	ChartDataRef         configMapID  `json:"chartDataRef"`
	Namespace            string       `json:"namespace,omitempty"`
	InstallationMode     string       `json:"installationMode"`
	ExternalDependencies []dependency `json:"externalDependencies,omitempty"`
}

type dependency struct {
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Version  string `json:"version"`
	Required bool   `json:"required"`
}

type configMapID struct {
	Name      string `json:"name"`
	Key       string `json:"key"`
	Namespace string `json:"namespace"`
}

// configMap holds a package.
type configMap struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metadata          `json:"metadata"`
	BinaryData map[string][]byte `json:"binaryData"`
}

// version is a package on its way into manifests.
type version struct {
	name, version string
	digest        string // of the package, in hex
	extension     extensionObject
	spec          versionObject
	chart         configMap
}

// versionOf reads a package as KubeSphere's controllers do. The error is why the API server would
// refuse what becomes of it.
func versionOf(pkg *extension.Package) (*version, error) {
	if size := len(pkg.Data); size > kubesphere.MaxConfigMap {
		return nil, failure.WithHint(fmt.Errorf("the package has %d bytes, and a ConfigMap takes %d", size, kubesphere.MaxConfigMap),
			"make the package smaller (docs/packaging.md), or release it to a target that serves packages, such as a directory")
	}
	_, files, err := extension.Unpacked(pkg.Data)
	if err != nil {
		return nil, fmt.Errorf("reading the package: %w", err)
	}
	file := func(name string) []byte {
		for _, f := range files {
			if f.Name == name {
				return f.Data
			}
		}
		return nil
	}
	decoded, err := kubesphere.DecodeExtension(file("extension.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading extension.yaml of the package: %w", err)
	}
	chart, err := extension.ReadChart(pkg.Data, extension.Limits{})
	if err != nil {
		return nil, fmt.Errorf("reading Chart.yaml of the package: %w", err)
	}
	decoded = decoded.Stored(file)
	about := info{DisplayName: decoded.DisplayName, Description: decoded.Description, Icon: decoded.Icon}
	for language, p := range decoded.Provider {
		if p == nil {
			continue
		}
		if about.Provider == nil {
			about.Provider = map[string]provider{}
		}
		about.Provider[language] = provider{p.Name, p.URL, p.Email}
	}
	v := &version{name: pkg.Name, version: pkg.Version, digest: strings.TrimPrefix(pkg.Digest, "sha256:")}
	v.extension = extensionObject{group, kindExtension, metadata{Name: pkg.Name, Labels: map[string]string{labelManaged: "true"}}, about}
	v.spec = versionObject{group, kindVersion, metadata{
		Name: pkg.Name + "-" + pkg.Version, Labels: map[string]string{labelExtension: pkg.Name}, Annotations: chart.Annotations,
	}, versionSpec{
		info: about, Version: pkg.Version, Keywords: decoded.Keywords, Sources: decoded.Sources, Category: decoded.Category, KubeVersion: decoded.KubeVersion,
		KSVersion: decoded.KSVersion, Home: decoded.Home, Docs: decoded.Docs, Digest: v.digest, Screenshots: decoded.Screenshots, Namespace: decoded.Namespace,
		InstallationMode: decoded.InstallationMode,
		ChartDataRef:     configMapID{fmt.Sprintf("extension-%s-%s-chart", pkg.Name, pkg.Version), chartKey, namespace},
	}}
	if v.spec.Spec.InstallationMode == "" { // the default of the API, so that nobody sees a difference to what is applied
		v.spec.Spec.InstallationMode = kubesphere.InstallationModes[0]
	}
	for _, d := range decoded.ExternalDependencies {
		v.spec.Spec.ExternalDependencies = append(v.spec.Spec.ExternalDependencies, dependency(d))
	}
	if decoded.Category != "" {
		v.extension.Metadata.Labels[labelCategory], v.spec.Metadata.Labels[labelCategory] = decoded.Category, decoded.Category
	}
	v.chart = configMap{"v1", kindConfigMap, metadata{Name: v.spec.Spec.ChartDataRef.Name, Namespace: namespace}, map[string][]byte{chartKey: pkg.Data}}
	return v, v.check()
}

// check says what the API server would refuse.
func (v *version) check() error {
	for _, object := range []struct {
		kind string
		metadata
		value any
	}{{kindExtension, v.extension.Metadata, v.extension}, {kindVersion, v.spec.Metadata, v.spec}} {
		if why := kubesphere.ObjectName(object.Name); why != "" {
			return refused(object.kind, object.Name, "its name: "+why, "choose another name or version")
		}
		for _, key := range slices.Sorted(maps.Keys(object.Annotations)) {
			if why := kubesphere.AnnotationKey(key); why != "" {
				return refused(object.kind, object.Name, fmt.Sprintf("the annotation %q: %s", key, why), "correct it in extension.yaml")
			}
		}
		if size := kubesphere.AnnotationsSize(object.Annotations); size > kubesphere.MaxAnnotations {
			return refused(object.kind, object.Name, fmt.Sprintf("its annotations have %d bytes, and %d are allowed", size, kubesphere.MaxAnnotations), "shorten them in extension.yaml")
		}
		for _, key := range slices.Sorted(maps.Keys(object.Labels)) {
			if why := kubesphere.LabelValue(object.Labels[key]); why != "" {
				return refused(object.kind, object.Name, fmt.Sprintf("the label %s: %q: %s", key, object.Labels[key], why), "correct it in extension.yaml")
			}
		}
		text, err := json.Marshal(object.value)
		if err != nil {
			return fmt.Errorf("making the %s %s: %w", object.kind, object.Name, err)
		}
		if size := len(text) + kubesphere.ObjectMetadata; size > kubesphere.MaxObject {
			return refused(object.kind, object.Name, fmt.Sprintf("it has %d bytes, and an object of the cluster %d at most", size, kubesphere.MaxObject), "make the icon smaller, which is inside, or give its address in its place")
		}
	}
	if why := kubesphere.ObjectName(v.chart.Metadata.Name); why != "" {
		return refused(kindConfigMap, v.chart.Metadata.Name, "its name: "+why, "choose another name or version")
	}
	if mode := v.spec.Spec.InstallationMode; !slices.Contains(kubesphere.InstallationModes, mode) {
		return refused(kindVersion, v.spec.Metadata.Name, fmt.Sprintf("installationMode is %q", mode), "it has to be "+strings.Join(kubesphere.InstallationModes, " or "))
	}
	return nil
}

func refused(kind, name, why, hint string) error {
	return failure.WithHint(fmt.Errorf("a cluster would refuse the %s %s: %s", kind, name, why), "%s", hint)
}

// rendered is an object as a document.
func rendered(value any) (document, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return document{}, err
	}
	d := document{separator: "---\n", text: string(text)}
	return d, d.decode()
}

// card is the Extension, with metadata that somebody else has given it, too.
func (v *version) card(others *metadata) (document, error) {
	object := v.extension
	if others != nil {
		labels := maps.Clone(others.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, object.Metadata.Labels)
		object.Metadata.Labels, object.Metadata.Annotations = labels, others.Annotations
	}
	return rendered(object)
}

// documents are the ExtensionVersion and its ConfigMap.
func (v *version) documents() ([]document, error) {
	one, err := rendered(v.spec)
	two, failed := rendered(v.chart)
	return []document{one, two}, errors.Join(err, failed)
}

// renewed is the Extension of another version in the place of this one. Comments above it stay, and
// so do labels and annotations of others.
func (d *document) renewed(v *version) (document, error) {
	made, err := v.card(&d.Metadata)
	if err != nil {
		return document{}, err
	}
	var above strings.Builder
	for line := range strings.Lines(d.text) {
		if bare := strings.TrimSpace(line); bare != "" && bare[0] != '#' {
			break
		}
		above.WriteString(line)
	}
	made.separator, made.text = d.separator, above.String()+made.text
	return made, nil
}
