// Package kubesphere reads what is published as KubeSphere itself does, where
// that is not what a reader of YAML would expect.
package kubesphere

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Extension is what KubeSphere knows of a version after it has read its
// extension.yaml: the fields of ExtensionVersionSpec of KubeSphere 4.1.3 to 4.2
// (staging/src/kubesphere.io/api/core/v1alpha1/types.go), and Name, which
// KubeSphere takes from Chart.yaml instead.
type Extension struct {
	Name                 string               `json:"name"`
	DisplayName          map[string]string    `json:"displayName"`
	Description          map[string]string    `json:"description"`
	Icon                 string               `json:"icon"`
	Provider             map[string]*Provider `json:"provider"`
	Created              metav1.Time          `json:"created"`
	Version              string               `json:"version"`
	Keywords             []string             `json:"keywords"`
	Sources              []string             `json:"sources"`
	Repository           string               `json:"repository"`
	Category             string               `json:"category"`
	KubeVersion          string               `json:"kubeVersion"`
	KSVersion            string               `json:"ksVersion"`
	Home                 string               `json:"home"`
	Docs                 string               `json:"docs"`
	Digest               string               `json:"digest"`
	Screenshots          []string             `json:"screenshots"`
	ChartDataRef         *ChartDataRef        `json:"chartDataRef"`
	ChartURL             string               `json:"chartURL"`
	Namespace            string               `json:"namespace"`
	InstallationMode     string               `json:"installationMode"`
	ExternalDependencies []ExternalDependency `json:"externalDependencies"`
}

// Provider is who offers an extension, in one language.
type Provider struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	Email string `json:"email"`
}

// ExternalDependency is another extension that this one needs.
type ExternalDependency struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Version  string `json:"version"`
	Required bool   `json:"required"`
}

// ChartDataRef leads to a chart in the cluster, instead of the one in the
// repository.
type ChartDataRef struct {
	ConfigMapKeySelector `json:",inline"`
	Namespace            string `json:"namespace"`
}

// ConfigMapKeySelector and LocalObjectReference are the types of k8s.io/api/core/v1, which brings
// 8 MB into a program that imports it.
type ConfigMapKeySelector struct {
	LocalObjectReference `json:",inline"`
	Key                  string `json:"key"`
	Optional             *bool  `json:"optional,omitempty"`
}

// LocalObjectReference names something in the same namespace.
type LocalObjectReference struct {
	Name string `json:"name,omitempty"`
}

// decodeAhead is how far, in bytes, KubeSphere looks for the brace that makes
// JSON of a file.
const decodeAhead = 1024

// DecodeExtension decodes extension.yaml as KubeSphere's controller does
// (fetchExtensionVersionSpec in pkg/controller/core/util.go, 4.1.3 to 4.2): the
// first document alone, cut at lines that begin with ---, YAML or JSON, keys in
// any case. A comment before the first --- is a document, and an empty one:
// nothing is decoded then, and that is no error.
//
// An error means that KubeSphere leaves the version out without a word. Its text
// speaks of YAML, not of types of Go.
func DecodeExtension(source []byte) (Extension, error) {
	var e Extension
	err := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(source), decodeAhead).Decode(&e)
	switch {
	case errors.Is(err, io.EOF):
		return Extension{}, errors.New("it is empty")
	case err != nil:
		return Extension{}, errors.New(Plain(err))
	}
	return e, nil
}

// Missing are the fields that KubeSphere needs of an extension and does not
// have: without a version it leaves it out, without the others it has nothing to
// show it by.
func (e *Extension) Missing() []string {
	var missing []string
	for _, field := range []struct{ name, value string }{{"name", e.Name}, {"version", e.Version}, {"category", e.Category}} {
		if field.value == "" {
			missing = append(missing, field.name)
		}
	}
	return missing
}

// CutShort finds the line at which KubeSphere stops reading a file: the first that
// begins with --- and has anything before it, a comment or a blank line too; 0
// where it reads all. empty says that nothing but comments stands before it.
func CutShort(source []byte) (line int, empty bool) {
	content, empty := false, true
	for number, text := range strings.Split(string(source), "\n") {
		bare := strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
		switch {
		case strings.HasPrefix(text, "---") && content:
			return number + 1, empty
		case strings.HasPrefix(text, "---"):
			continue // nothing was read yet, not even a blank line
		}
		content = true
		empty = empty && (bare == "" || strings.HasPrefix(bare, "#"))
	}
	return 0, false
}

var (
	wrapped   = lazyregexp.New(`^(error converting YAML to JSON: |error unmarshaling JSON: |while decoding JSON: |json: offset \d+: |yaml: |json: )+`)
	wrongType = lazyregexp.New(`^cannot unmarshal (\w+)(?: [^ ]+)? into Go (?:struct field (?:[A-Za-z]+\.)?([^ ]+)|value) of type (.+)$`)
	wrongTime = lazyregexp.New(`^parsing time (".*?")`)
)

// Plain says an error of encoding/json and sigs.k8s.io/yaml in words of YAML: they
// speak of types of Go. It is one line.
func Plain(err error) string {
	text := wrapped.ReplaceAllString(err.Error(), "")
	if found := wrongType.FindStringSubmatch(text); found != nil {
		kind := map[string]string{"array": "a list", "object": "a mapping", "string": "a text", "number": "a number", "bool": "true or false"}[found[1]]
		if kind == "" {
			kind = "a value"
		}
		if found[2] == "" {
			return fmt.Sprintf("%s stands where a mapping belongs", kind)
		}
		return fmt.Sprintf("%s is %s, and has to be %s", found[2], kind, wanted(found[3]))
	}
	if found := wrongTime.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("created is %s, and has to be a time such as 2026-01-31T12:00:00Z", found[1])
	}
	if strings.Contains(text, "Time.UnmarshalJSON") {
		return "created has to be a time such as 2026-01-31T12:00:00Z"
	}
	if strings.Contains(text, "Go ") {
		return "a field has another type than it has to be"
	}
	return strings.Join(strings.Fields(text), " ")
}

// loading is what Helm's loader (helm.sh/helm/v3/pkg/chart/loader) says before the cause.
var loading = lazyregexp.New(`^(error unpacking subchart (?:tar in )?\S+ in \S+: |cannot load \S+: )+`)

// LoadError says why Helm's loader refuses a chart, in words of YAML: the file that Helm
// names, and the cause. It is one line.
func LoadError(err error) string {
	text := err.Error()
	lead := loading.FindString(text)
	return lead + Plain(errors.New(text[len(lead):]))
}

// wanted is a type of Go in words of YAML.
func wanted(kind string) string {
	switch {
	case strings.HasPrefix(kind, "[]"), kind == "repo.ChartVersions":
		return "a list"
	case strings.HasPrefix(kind, "map["), strings.Contains(kind, "."):
		return "a mapping"
	case kind == "bool":
		return "true or false"
	}
	return "a text"
}
