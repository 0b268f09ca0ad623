package extension

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func TestMetadata(t *testing.T) {
	doc := parse(t, `apiVersion: kubesphere.io/v1alpha1
name: demo
version: "1.10"
displayName: {en: Demo, zh: 演示}
description: {en: A demo}
category: security
keywords: [a, b]
home: https://h
docs: https://d
sources: [https://s]
kubeVersion: ">=1.19.0-0"
ksVersion: ">=4.0.0-0"
maintainers:
- {name: Jo, email: jo@x, url: https://jo}
- Plain Name
provider:
  en: {name: P, email: p@x, url: https://p}
staticFileDirectory: static
icon: i.svg
screenshots: [a.png]
dependencies:
- {name: sub, version: 1.0.0, repository: "https://r", condition: sub.enabled, tags: [agent], alias: s, import-values: [data]}
installationMode: Multicluster
namespace: ns
images: [docker.io/x:1]
externalDependencies:
- {name: other, type: extension, version: ">=1.0.0", required: true}
annotations: {a: b}
type: application
appVersion: "2"
`)
	want := Metadata{
		APIVersion: "kubesphere.io/v1alpha1", Name: "demo", Version: "1.10",
		DisplayName: map[string]string{"en": "Demo", "zh": "演示"}, Description: map[string]string{"en": "A demo"},
		Category: "security", Keywords: []string{"a", "b"}, Home: "https://h", Docs: "https://d", Sources: []string{"https://s"},
		KubeVersion: ">=1.19.0-0", KSVersion: ">=4.0.0-0",
		Maintainers:         []Party{{"Jo", "jo@x", "https://jo"}, {Name: "Plain Name"}},
		Provider:            map[string]Party{"en": {"P", "p@x", "https://p"}},
		StaticFileDirectory: "static", Icon: "i.svg", Screenshots: []string{"a.png"},
		Dependencies: []*chart.Dependency{{
			Name: "sub", Version: "1.0.0", Repository: "https://r", Condition: "sub.enabled",
			Tags: []string{"agent"}, Alias: "s", ImportValues: []any{"data"},
		}},
		InstallationMode: "Multicluster", Namespace: "ns", Images: []string{"docker.io/x:1"},
		ExternalDependencies: []ExternalDependency{{"other", "extension", ">=1.0.0", true}},
		Annotations:          map[string]string{"a": "b"}, Type: "application", AppVersion: "2",
	}
	got := decodeMetadata(doc.Value())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The example has every field, so no field can be forgotten in the decoder.
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is zero", v.Type().Field(i).Name)
		}
	}
}

// A field of the wrong type is left zero, and the others are there.
func TestMetadataOfWrongTypes(t *testing.T) {
	doc := parse(t, "name: [a]\nversion: 1.10\nkeywords: a\nicon: {a: b}\nscreenshots: [a.png, {x: y}, b.png]\ndisplayName: x\nprovider: [1]\nmaintainers: {a: b}\ndependencies: [null, x, {name: sub, tags: x}]\nexternalDependencies: 1\nannotations: {a: 1, b: true, c: [x], d: 1.5}\nnamespace: 12\nimages:\n")
	want := Metadata{
		Screenshots:  []string{"a.png", "", "b.png"},
		Dependencies: []*chart.Dependency{{Name: "sub"}},
		Annotations:  map[string]string{"a": "1", "b": "true", "d": "1.5"},
		Namespace:    "12",
	}
	if diff := cmp.Diff(want, decodeMetadata(doc.Value())); diff != "" {
		t.Error(diff)
	}
}

// Numbers and booleans read as KubeSphere's reader of YAML reads them.
func TestScalarsAsKubeSphereReadsThem(t *testing.T) {
	for _, scalar := range []string{"1", "-5", "1.10", "1e3", "true", "False", "18446744073709551615", "0x1F", "'1.10'", "plain", "1.2.3", "2024-01-01", "0.1"} {
		var theirs struct {
			AppVersion string `json:"appVersion"`
		}
		source := "appVersion: " + scalar + "\n"
		if err := yaml.Unmarshal([]byte(source), &theirs); err != nil {
			t.Fatal(err)
		}
		if got := decodeMetadata(parse(t, source).Value()).AppVersion; got != theirs.AppVersion {
			t.Errorf("%s reads as %q, to KubeSphere as %q", scalar, got, theirs.AppVersion)
		}
	}
}

func TestSchemaDescribesAllFields(t *testing.T) {
	var schema struct {
		ID         string                     `json:"$id"`
		Required   []string                   `json:"required"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(SchemaJSON, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.ID != SchemaID {
		t.Errorf("its $id is %s, want %s", schema.ID, SchemaID)
	}
	for name, raw := range schema.Properties {
		var property struct{ Description string }
		if err := json.Unmarshal(raw, &property); err != nil || property.Description == "" {
			t.Errorf("%s has no description (%v)", name, err)
		}
	}
}

func TestSchemaTakesTheCorpus(t *testing.T) {
	for _, archive := range corpusPackages(t) {
		e := mustLoad(t, archive)
		if problems := e.Document.Validate(Schema()); len(problems) > 0 {
			t.Errorf("%s: %v", filepath.Base(archive), problems)
		}
		if len(e.AssetProblems) > 0 || len(e.Assets) == 0 {
			t.Errorf("%s has %d assets and the problems %v", filepath.Base(archive), len(e.Assets), e.AssetProblems)
		}
	}
}

const wholeMetadata = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\ndisplayName: {en: Demo}\ndescription: {en: A demo}\ncategory: security\nprovider: {en: {name: P}}\nicon: i.svg\n"

func TestSchema(t *testing.T) {
	tests := []struct {
		name, source string
		want         []string // empty: it is fine
	}{
		{"whole", wholeMetadata, nil},
		{"empty optional fields", wholeMetadata + "keywords:\nsources: []\nhome:\nmaintainers:\nannotations:\nscreenshots:\ninstallationMode:\n", nil},
		{"unknown fields are for lint", wholeMetadata + "unheard: of\n", nil},
		{"unquoted version is for lint", strings.Replace(wholeMetadata, "1.0.0", "1.10", 1), nil},
		{"annotations", wholeMetadata + "annotations: {a: 1, b: true, c: x}\n", nil},
		{"required", "name: demo\n", []string{"apiVersion", "version", "displayName", "description", "category", "provider", "icon"}},
		{"keywords", wholeMetadata + "keywords: a\n", []string{"\"keywords\" must be empty or a list, not a string"}},
		{"screenshots", wholeMetadata + "screenshots: [1]\n", []string{"must be"}},
		{"mode", wholeMetadata + "installationMode: Multi\n", []string{"installationMode", "HostOnly", "Multicluster"}},
		{"languages are for lint", strings.Replace(wholeMetadata, "{en: Demo}", "{english: Demo}", 1), nil},
		{"dependency", wholeMetadata + "dependencies: [{tags: [agent]}]\n", []string{"name"}},
		{"external dependency", wholeMetadata + "externalDependencies: [{name: a, required: maybe}]\n", []string{"required", "true or false"}},
		{"namespace", wholeMetadata + "namespace: 12\n", []string{"\"namespace\" must be empty or a string, not a number", "write it in quotes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := parse(t, tt.source).Validate(Schema())
			if tt.want == nil {
				if len(problems) > 0 {
					t.Error(problems)
				}
				return
			}
			wantError(t, problems.Err(), append(tt.want, "extension.yaml:")...)
		})
	}
}

// Of a key that is given twice KubeSphere and Helm take the last, and so does everything
// here: the metadata, the assets, the edit of their addresses, and Chart.yaml.
func TestOfKeysGivenTwiceTheLastCounts(t *testing.T) {
	source := "name: old\nname: demo\nversion: 1.0.0\ndescription: {en: old}\nicon: old.svg # stays\n" +
		"screenshots: [old.svg]\nprovider:\n  en: {name: Old, name: Jo}\nicon: new.svg\nscreenshots:\n  - new.svg\n  - https://x.example/a.png\n" +
		"description: {en: new}\n<<: {home: https://a.example, category: x}\n<<: {home: https://b.example}\n---\n"
	e := mustLoad(t, trees.Write(t, map[string]string{MetadataFile: source, "old.svg": "<svg/>", "new.svg": "<svg></svg>"}))
	m := e.Metadata
	if m.Name != "demo" || m.Icon != "new.svg" || len(m.Screenshots) != 2 || m.Provider["en"].Name != "Jo" || Text(m.Description) != "new" || m.Home != "https://b.example" || m.Category != "x" {
		t.Errorf("the metadata is %+v", m)
	}
	if len(e.Assets) != 1 || e.Assets[0].File != "new.svg" {
		t.Errorf("the assets are %+v", e.Assets)
	}
	p, err := e.Pack(URLs{"new.svg": "https://f/new.svg"})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("icon: new.svg", "icon: https://f/new.svg", "- new.svg", "- https://f/new.svg").Replace(source)
	if got := packedContents(t, p.Data)["demo/"+MetadataFile]; got != want {
		t.Errorf("extension.yaml is\n%s\nwant\n%s", got, want)
	}
	read, err := Read(p.Filename, p.Data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	chart, err := read.FoundChart()
	if err != nil || chart.Name != "demo" || chart.Icon != "https://f/new.svg" || chart.Description != "new" || chart.Home != "https://b.example" {
		t.Errorf("the chart is %+v, %v", chart, err)
	}
}
