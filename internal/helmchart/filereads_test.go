package helmchart

import (
	"errors"
	"slices"
	"testing"
)

func TestFileReads(t *testing.T) {
	for text, want := range map[string][]FileRead{
		`{{ .Files.Get "a.txt" }}`:                         {{"a.txt", 15}},
		"{{ $.Files.GetBytes `b.bin` | b64enc }}":          {{"b.bin", 21}},
		`{{ (.Files.Glob   "conf/**").AsConfig }}`:         {{"conf/**", 19}},
		"{{ range .Files.Lines\n\"l\" }}{{ end }}":         {{"l", 23}},
		`{{ .Files.Get "a" }}{{ .Files.Get "b" }}`:         {{"a", 15}, {"b", 35}},
		"{{ .Files.Get \"with`backquote\" }}":              {{"with`backquote", 15}},
		`{{ .Files.Get .Values.file }}`:                    nil,
		`{{ .Files.Get (printf "%s.txt" .Release.Name) }}`: nil,
		`{{ .Files.Get "" }}`:                              nil,
		`{{ .Files.AsSecrets }}`:                           nil,
		`{{ .FilesGet "a" }}`:                              nil,
		"{{ .Files.Get `open }}":                           nil,
	} {
		got := FileReads([]byte(text))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		for _, r := range got {
			if text[r.Offset:r.Offset+len(r.Pattern)] != r.Pattern {
				t.Errorf("%s: %q is not at %d", text, r.Pattern, r.Offset)
			}
		}
	}
}

// A definition that is missing is a field of the fault, not only a part of its sentence.
func TestAFaultNamesTheDefinitionThatItLacks(t *testing.T) {
	for text, want := range map[string]string{
		`template: x/templates/a.yaml:1:3: executing "x/templates/a.yaml" at <include "x.labels" .>: error calling include: template: no template "x.labels" associated with template "gotpl"`: "x.labels",
		`template: x/templates/a.yaml:1:12: executing "x/templates/a.yaml" at <{{template "gone" .}}>: template "gone" not defined`:                                                            "gone",
		`template: x/templates/a.yaml:1:3: executing "x/templates/a.yaml" at <fail "there is no template named \"x\"">: error calling fail: there is no template named "x"`:                    "",
	} {
		if got := ExplainTemplate(errors.New(text), nil).Lacks; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
