package kubesphere

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const small = "name: alc\nversion: 1.2.0\ncategory: computing\n"

// What KubeSphere decodes of a file: the version, or why it has none.
func TestDecodeExtensionAsTheController(t *testing.T) {
	for name, tt := range map[string]struct{ source, version, err string }{
		"plain":                        {small, "1.2.0", ""},
		"a marker first":               {"---\n" + small, "1.2.0", ""},
		"an empty document at the end": {small + "---\n", "1.2.0", ""},
		"a second document":            {small + "---\nversion: 9.9.9\n", "1.2.0", ""},
		"a comment, no marker":         {"# licence\n" + small, "1.2.0", ""},
		"a comment, then a marker":     {"# licence\n---\n" + small, "", ""},
		"a blank line, then a marker":  {"\n---\n" + small, "", ""},
		"a marker with a comment":      {"--- # here\n" + small, "1.2.0", ""},
		"a marker with content":        {"--- {version: 1.2.0}\n", "", "invalid Yaml document separator: {version: 1.2.0}"},
		"JSON":                         {`{"name": "alc", "VERSION": "1.2.0", "category": "x"}`, "1.2.0", ""},
		"keys in another case":         {"Name: alc\nVersion: 1.2.0\nCATEGORY: x\n", "1.2.0", ""},
		"a number as text":             {"version: 1.10\n", "1.1", ""},
		"empty":                        {"", "", "it is empty"},
		"markers alone":                {"---\n---\n", "", ""},
		"a list":                       {"- a\n", "", "a list stands where a mapping belongs"},
		"created as a text":            {small + "created: yesterday\n", "", `created is "yesterday", and has to be a time such as 2026-01-31T12:00:00Z`},
		"created as a number":          {small + "created: 2026\n", "", "created is a number, and has to be a text"},
		"repository as a mapping":      {small + "repository: {url: x}\n", "", "repository is a mapping, and has to be a text"},
		"digest as a list":             {small + "digest: [a]\n", "", "digest is a list, and has to be a text"},
		"chartURL as a list":           {small + "chartURL: [a]\n", "", "chartURL is a list, and has to be a text"},
		"chartDataRef as a text":       {small + "chartDataRef: a\n", "", "chartDataRef is a text, and has to be a mapping"},
		"keywords as a text":           {small + "keywords: db\n", "", "keywords is a text, and has to be a list"},
		"displayName as a text":        {small + "displayName: ALC\n", "", "displayName is a text, and has to be a mapping"},
		"provider as a list":           {small + "provider: [a]\n", "", "provider is a list, and has to be a mapping"},
		"required as a text":           {small + "externalDependencies: [{name: a, required: x}]\n", "", "externalDependencies.required is a text, and has to be true or false"},
		"null for a list":              {small + "keywords:\n", "1.2.0", ""},
		"an unknown field":             {small + "wheels: [1]\n", "1.2.0", ""},
		"no YAML":                      {small + "a: [\n", "", "line 4: did not find expected node content"},
	} {
		got, err := DecodeExtension([]byte(tt.source))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got.Version != tt.version || text != tt.err {
			t.Errorf("%s: version %q, error %q; want %q, %q", name, got.Version, text, tt.version, tt.err)
		}
		for _, word := range []string{"Go ", "[]string", "kubesphere.", "json"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: %q speaks of Go", name, text)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	for source, want := range map[string][]string{
		small:                              nil,
		"# x\n---\n" + small:               {"name", "version", "category"},
		"name: alc\nversion: 1.2.0\n":      {"category"},
		"name: alc\ncategory: x\n":         {"version"},
		"version: 1.2.0\ncategory: x\n":    {"name"},
		small + "---\nversion: 1.3.0\n":    nil,
		"name: alc\nversion:\ncategory: x": {"version"},
	} {
		got, err := DecodeExtension([]byte(source))
		if err != nil || !slices.Equal(got.Missing(), want) {
			t.Errorf("%q: %q, %v; want %q", source, got.Missing(), err, want)
		}
	}
}

func TestCutShort(t *testing.T) {
	for source, want := range map[string]struct {
		line  int
		empty bool
	}{
		small:                            {0, false},
		"---\n" + small:                  {0, false},
		"---\n---\n" + small:             {0, false},
		"# a\n---\n" + small:             {2, true},
		"\n---\n" + small:                {2, true},
		"\ufeff# a\n---\n" + small:       {2, true},
		"---\n# a\n\n---\n" + small:      {4, true},
		small + "---\n":                  {4, false},
		small + "---\n" + small + "---":  {4, false},
		small + "text: |\n  ---\n":       {0, false},
		"# a\n--- # b\nversion: 1.0.0\n": {2, true},
	} {
		if line, empty := CutShort([]byte(source)); line != want.line || empty != want.empty {
			t.Errorf("%q: line %d, empty %v; want %v", source, line, empty, want)
		}
	}
}

// Whatever comes, there is no panic, and no error speaks of Go or breaks a line.
func FuzzDecodeExtension(f *testing.F) {
	for _, seed := range []string{small, "# a\n---\n" + small, "{", `{"version": 1}`, "created: 1", "- a", "a: &a [*a]", "provider: {en: {name: [1]}}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, err := DecodeExtension(source); err != nil && (strings.Contains(err.Error(), "Go ") || strings.ContainsAny(err.Error(), "\n")) {
			t.Errorf("%q: %q", source, err)
		}
		CutShort(source)
	})
}

// What Helm's loader says is shown without types of Go, and with the file.
func TestLoadErrorSpeaksOfYAML(t *testing.T) {
	for said, want := range map[string]string{
		"cannot load values.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}":                      "cannot load values.yaml: a list stands where a mapping belongs",
		"cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type chart.Metadata":                               "cannot load Chart.yaml: a text stands where a mapping belongs",
		"cannot load Chart.lock: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field Lock.dependencies of type []*chart.Dependency": "cannot load Chart.lock: dependencies is a text, and has to be a list",
		"error unpacking subchart web in alc: cannot load values.yaml: error converting YAML to JSON: yaml: line 3: found a tab":                                                 "error unpacking subchart web in alc: cannot load values.yaml: line 3: found a tab",
		"error unpacking subchart tar in web-1.0.0.tgz in alc: EOF":                                                                                                              "error unpacking subchart tar in web-1.0.0.tgz in alc: EOF",
		"Chart.yaml file is missing": "Chart.yaml file is missing",
		"two\nlines":                 "two lines",
	} {
		if got := LoadError(errors.New(said)); got != want {
			t.Errorf("%s:\n%s, want\n%s", said, got, want)
		}
	}
}
