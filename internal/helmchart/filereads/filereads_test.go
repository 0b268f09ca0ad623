package filereads

import (
	"slices"
	"testing"
)

func TestFileReads(t *testing.T) {
	for text, want := range map[string][]Read{
		`{{ .Files.Get "a.txt" }}`:                         {{Pattern: "a.txt", Offset: 15}},
		"{{ $.Files.GetBytes `b.bin` | b64enc }}":          {{Pattern: "b.bin", Offset: 21}},
		`{{ (.Files.Glob   "conf/**").AsConfig }}`:         {{Pattern: "conf/**", IsGlob: true, Offset: 19}},
		"{{ range .Files.Lines\n\"l\" }}{{ end }}":         {{Pattern: "l", Offset: 23}},
		`{{ .Files.Get "a" }}{{ .Files.Get "b" }}`:         {{Pattern: "a", Offset: 15}, {Pattern: "b", Offset: 35}},
		"{{ .Files.Get \"with`backquote\" }}":              {{Pattern: "with`backquote", Offset: 15}},
		`{{ .Files.Get .Values.file }}`:                    nil,
		`{{ .Files.Get (printf "%s.txt" .Release.Name) }}`: nil,
		`{{ .Files.Get "" }}`:                              nil,
		`{{ .Files.AsSecrets }}`:                           nil,
		`{{ .FilesGet "a" }}`:                              nil,
		"{{ .Files.Get `open }}":                           nil,
		`{{/* .Files.Get "a" */}}`:                         nil,
		`{{- /* .Files.Get "a" */}}`:                       nil,
		`{{ .Subcharts.web.Files.Get "a" }}`:               nil,
		`{{ with .Files.Get "a" }}{{ end }}`:               {{Pattern: "a", Guarded: true, Offset: 20}},
		`{{ .Files.Get "a" | default "b" }}`:               {{Pattern: "a", Guarded: true, Offset: 15}},
		`{{ $x := .Files.Get "a" }}{{ if $x }}{{ end }}`:   {{Pattern: "a", Guarded: true, Offset: 21}},
		`{{ $x := .Files.Get "a" }}{{ $x }}`:               {{Pattern: "a", Offset: 21}},
	} {
		got := Of([]byte(text))
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

// TestReadsUnknown: a template that puts names together may read anything.
func TestReadsUnknown(t *testing.T) {
	for text, want := range map[string]bool{
		`{{ .Files.Get "a" }}`: false, "x": false, `{{ .Files.Get $path }}`: true, `{{ .Files.Get "a" }}{{ .Files.Glob .Values.x }}`: true, `{{ index . "Files" }}`: true,
	} {
		if got := ReadsUnknown([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestFilesReadIn: a file is read by a template of its own chart.
func TestFilesReadIn(t *testing.T) {
	reads := FilesReadIn([]TemplateFile{
		{"charts/web/templates/x/a.yaml", []byte(`{{ .Files.Get "files/a.tgz" }}{{ (.Files.Glob "conf/*.{sh,sql}").AsConfig }}`)},
		{"charts/any/templates/a.yaml", []byte(`{{ .Files.Get (printf "files/%s.tgz" .Chart.Version) }}`)},
		{"mytemplates/a.yaml", []byte(`{{ .Files.Get "files/b.tgz" }}`)},
	})
	for name, want := range map[string][2]bool{
		"charts/web/files/a.tgz": {true, true}, "charts/web/files/b.tgz": {}, "files/a.tgz": {}, "files/b.tgz": {}, "charts/web/conf/x.sql": {true, true}, "charts/web/conf/deep/x.sql": {},
		"charts/any/files/1.tgz": {false, true}, "charts/any/1.tgz": {},
	} {
		if got := [2]bool{reads.Has(name), reads.May(name)}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
