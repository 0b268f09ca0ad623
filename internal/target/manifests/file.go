package manifests

import (
	"bytes"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// file is a file of YAML documents. It is not changed after it was read.
type file struct{ documents []document }

// document is one of them, as it stands and as far as it is understood here.
type document struct {
	separator string // the line before it; empty for a first one without
	text      string
	object
}

// object is what is read of a document. Others than those of extensions are kept as they are.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metadata          `json:"metadata"`
	Spec       readSpec          `json:"spec"`
	BinaryData map[string][]byte `json:"binaryData"`
}

type readSpec struct {
	Version      string       `json:"version"`
	Digest       string       `json:"digest"`
	ChartURL     string       `json:"chartURL"`
	ChartDataRef *configMapID `json:"chartDataRef"`
}

// head is what tells kinds apart.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// group is the API of extensions.
const group = "kubesphere.io/v1alpha1"

// The kinds that are read here.
const (
	kindExtension = "Extension"
	kindVersion   = "ExtensionVersion"
	kindConfigMap = "ConfigMap"
)

// parse divides a file into its documents. The error names a line.
func parse(data []byte) (*file, error) {
	f := &file{}
	number := 0
	begins := 1 // the line of the document
	var at document
	var text strings.Builder
	flush := func() error {
		at.text = text.String()
		text.Reset()
		if err := at.decode(); err != nil {
			return fmt.Errorf("the document that begins in line %d: %w", begins, err)
		}
		if at.text != "" || at.separator != "" {
			f.documents = append(f.documents, at)
		}
		return nil
	}
	for line := range bytes.Lines(data) {
		number++
		bare := strings.TrimRight(string(line), "\r\n")
		rest, separates := strings.CutPrefix(bare, "---")
		if !separates || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			text.Write(line)
			continue
		}
		if number > 1 {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		begins, at = number, document{separator: string(line)}
		if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' { // it has content already
			at.separator = "---"
			text.WriteString(strings.TrimPrefix(string(line), "---"))
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return f, nil
}

// decode reads what is known of a document.
func (d *document) decode() error {
	d.object = object{}
	var is head
	if err := yaml.Unmarshal([]byte(d.text), &is); err != nil {
		return fmt.Errorf("%s", kubesphere.Plain(err))
	}
	if is.APIVersion != group && (is.APIVersion != "v1" || is.Kind != kindConfigMap) {
		return nil
	}
	if err := yaml.Unmarshal([]byte(d.text), &d.object); err != nil {
		return fmt.Errorf("%s", kubesphere.Plain(err))
	}
	return nil
}

// extension is the name of the extension that a document is about; empty for any other.
func (d *document) extension() string {
	switch {
	case d.APIVersion != group:
	case d.Kind == kindExtension:
		return d.Metadata.Name
	case d.Kind == kindVersion:
		if name := d.Metadata.Labels[labelExtension]; name != "" {
			return name
		}
		return strings.TrimSuffix(d.Metadata.Name, "-"+d.Spec.Version)
	}
	return ""
}

// address says where the package of a version is.
func (d *document) address() string {
	if ref := d.Spec.ChartDataRef; ref != nil {
		return "configmap:" + ref.Namespace + "/" + ref.Name + "/" + ref.Key
	}
	return d.Spec.ChartURL
}

// versionsOf are the ExtensionVersions of an extension; all of them where version is empty.
func (f *file) versionsOf(name, version string) (found []document) {
	for _, d := range f.documents {
		if d.Kind == kindVersion && d.extension() == name && (version == "" || d.Spec.Version == version) {
			found = append(found, d)
		}
	}
	return found
}

// chart is the package in a ConfigMap; nil where there is none.
func (f *file) chart(ref *configMapID) []byte {
	for i := len(f.documents) - 1; i >= 0; i-- {
		if d := &f.documents[i]; d.isConfigMap(ref) {
			return d.BinaryData[ref.Key]
		}
	}
	return nil
}

func (d *document) isConfigMap(ref *configMapID) bool {
	return ref != nil && d.APIVersion == "v1" && d.Kind == kindConfigMap && d.Metadata.Name == ref.Name && d.Metadata.Namespace == ref.Namespace
}

// bytes is the file as it stands.
func (f *file) bytes() []byte {
	var out bytes.Buffer
	for i, d := range f.documents {
		if i > 0 && d.separator == "" {
			d.separator = "---\n"
		}
		if out.Len() > 0 && out.Bytes()[out.Len()-1] != '\n' {
			out.WriteByte('\n')
		}
		out.WriteString(d.separator)
		out.WriteString(d.text)
	}
	return out.Bytes()
}

// with is the file with a version more: its documents before the first older version, and that of
// the extension anew where this is the highest version now.
func (f *file) with(v *version) (*file, error) {
	made := &file{}
	highest := true
	for _, other := range f.versionsOf(v.name, "") {
		highest = highest && versions.Compare(other.Spec.Version, v.version) <= 0
	}
	card, err := v.card(nil)
	if err != nil {
		return nil, err
	}
	both, err := v.documents()
	if err != nil {
		return nil, err
	}
	place, last, hasCard := -1, -1, false
	for _, d := range f.documents {
		if d.Kind == kindExtension && d.extension() == v.name {
			hasCard = true
			if highest {
				if d, err = d.renewed(v); err != nil {
					return nil, err
				}
			}
		}
		at := len(made.documents)
		if place < 0 && d.Kind == kindVersion && d.extension() == v.name && versions.Compare(d.Spec.Version, v.version) < 0 {
			place = at
		}
		made.documents = append(made.documents, d)
		if d.extension() == v.name || f.isChartOf(d, v.name) {
			last = at
		}
	}
	if !hasCard { // it comes first
		both = append([]document{card}, both...)
		if place < 0 && last < 0 {
			place = f.placeOf(v.name)
		}
	}
	if place < 0 {
		if place = last + 1; last < 0 {
			place = len(made.documents)
		}
	}
	if place < len(made.documents) && made.documents[place].separator == "" {
		made.documents[place].separator = "---\n"
	}
	made.documents = append(made.documents[:place:place], append(both, made.documents[place:]...)...)
	return made, nil
}

// isChartOf says that a document is the package of a version of an extension.
func (f *file) isChartOf(d document, name string) bool {
	if d.Kind != kindConfigMap {
		return false
	}
	for _, v := range f.versionsOf(name, "") {
		if d.isConfigMap(v.Spec.ChartDataRef) {
			return true
		}
	}
	return false
}

// placeOf is where an extension that is not there comes: before the first whose name comes later.
func (f *file) placeOf(name string) int {
	for i, d := range f.documents {
		if d.Kind == kindExtension && d.extension() > name {
			return i
		}
	}
	return len(f.documents)
}
