package lintcache

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// scripted finds what a test says, and counts how often it is asked.
type scripted struct {
	report lint.Report
	weight *weight.Report
	err    error
	asked  int
}

func (s *scripted) Examine(context.Context, *extension.Extension, lint.Options, lint.Limits) (lint.Report, error) {
	s.asked++
	return s.report, s.err
}

func (s *scripted) ExamineMetadata(context.Context, *extension.Extension, lint.Options, lint.Limits) (lint.Report, error) {
	s.asked++
	return s.report, s.err
}

func (s *scripted) Sizes(context.Context, *extension.Extension, extension.URLs, int64, lint.Limits) (*weight.Report, error) {
	s.asked++
	return s.weight, s.err
}

func (s *scripted) Images(context.Context, *extension.Extension, lint.Limits) (*images.Needed, error) {
	s.asked++
	return nil, s.err
}

func (s *scripted) Footprint(context.Context, *extension.Extension, lint.Limits) (*footprint.Footprint, error) {
	s.asked++
	return nil, s.err
}

func openCache(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := cache.Open(cache.Options{Dir: t.TempDir(), Tool: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func load(t *testing.T, files map[string]string) *extension.Extension {
	t.Helper()
	ext, err := extension.Load(trees.Write(t, files), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// found is a report with something in each of its fields, but for Ended.
func found() lint.Report {
	return lint.Report{
		Findings: []lint.Finding{{
			Code: "images/no-list", Severity: lint.Warning, Message: "it has\na line", Hint: "a\thint", File: "values.yaml",
			Range: diagnostic.Range{Start: diagnostic.Position{Line: 3, Column: 2}, End: diagnostic.Position{Line: 3, Column: 9}}, Excerpt: "3 | a\n  | ^", Subject: "x/y",
		}},
		Silenced: 2, Loads: true,
	}
}

func TestKeepsReports(t *testing.T) {
	inner := &scripted{report: found()}
	x := New(inner, openCache(t))
	ext := load(t, trees.Demo())
	for range 3 {
		report, err := x.Examine(t.Context(), ext, lint.Options{}, lint.Limits{})
		if err != nil || !reflect.DeepEqual(report, found()) {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	if _, err := x.ExamineMetadata(t.Context(), ext, lint.Options{}, lint.Limits{}); err != nil || inner.asked != 2 {
		t.Errorf("asked %d times, and not once for each kind: %v", inner.asked, err)
	}
	if report, ok := x.Recall(t.Context(), extension.TreeDigest(ext), lint.Options{}, lint.Limits{}); !ok || !reflect.DeepEqual(report, found()) {
		t.Errorf("recalled %+v, %t", report, ok)
	}
	if _, ok := x.Recall(t.Context(), "", lint.Options{}, lint.Limits{}); ok {
		t.Error("recalled for an extension that is not known")
	}
}

func TestKeepsWhatIsSettledAlone(t *testing.T) {
	ext := load(t, trees.Demo())
	fault := found()
	fault.Findings[0].Code = "images/internal-error"
	cut := found()
	cut.Ended = &lint.Ended{By: lint.LimitTime}
	for name, inner := range map[string]*scripted{
		"a limit":      {report: cut},
		"a fault":      {report: fault},
		"not possible": {err: errors.New("no process")},
	} {
		x := New(inner, openCache(t))
		for range 2 {
			_, _ = x.Examine(t.Context(), ext, lint.Options{}, lint.Limits{})
			_, _ = x.Images(t.Context(), ext, lint.Limits{})
		}
		if inner.asked != 4 {
			t.Errorf("%s: asked %d times", name, inner.asked)
		}
	}
	inner := &scripted{report: found()}
	x := New(inner, openCache(t))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = x.Examine(ended, ext, lint.Options{}, lint.Limits{}) // what it has then is not all
	if _, ok := x.Recall(t.Context(), extension.TreeDigest(ext), lint.Options{}, lint.Limits{}); ok {
		t.Error("kept what was cut short")
	}
	none := New(inner, nil)
	before := inner.asked
	for range 2 {
		_, _ = none.Examine(t.Context(), ext, lint.Options{}, lint.Limits{})
		_, _ = none.Sizes(t.Context(), ext, nil, 0, lint.Limits{})
	}
	if inner.asked != before+4 {
		t.Error("kept something without a cache")
	}
}

func TestKeepsSizes(t *testing.T) {
	inner := &scripted{weight: &weight.Report{}}
	fill(t, reflect.ValueOf(inner.weight).Elem(), 0)
	x := New(inner, openCache(t))
	ext := load(t, trees.Demo())
	urls := []extension.URLs{nil, {}, {"a": "b"}, {"a": "c"}}
	for range 2 {
		for _, u := range urls {
			got, err := x.Sizes(t.Context(), ext, u, 0, lint.Limits{})
			if err != nil || !reflect.DeepEqual(got, inner.weight) {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	}
	committed := extension.WithOrigin(ext, extension.Origin{Revision: "1", Committed: true})
	_, _ = x.Sizes(t.Context(), committed, nil, 0, lint.Limits{})
	_, _ = x.Sizes(t.Context(), ext, nil, 0, lint.Limits{Time: 1})
	_, _ = x.Sizes(t.Context(), ext, nil, 1<<20, lint.Limits{})
	if inner.asked != len(urls)+3 {
		t.Errorf("asked %d times", inner.asked)
	}
}

// Every field of what lint goes by has a part in the key. A new one does by itself, or fails here.
func TestKeysHaveEverything(t *testing.T) {
	x := New(&scripted{}, openCache(t))
	seen := map[cache.Key]string{}
	note := func(what, kind, tree string, opts lint.Options, limits lint.Limits) {
		t.Helper()
		key := x.key(kind, tree, opts, limits)
		if other, ok := seen[key]; ok {
			t.Errorf("%s has the key of %s", what, other)
		}
		seen[key] = what
	}
	note("nothing", kindExamine, "a", lint.Options{}, lint.Limits{})
	note("another kind", kindMetadata, "a", lint.Options{}, lint.Limits{})
	note("another tree", kindExamine, "b", lint.Options{}, lint.Limits{})

	limits := lint.Limits{}
	for i := range reflect.TypeOf(limits).NumField() {
		changed := limits
		fill(t, reflect.ValueOf(&changed).Elem().Field(i), 0)
		note("Limits."+reflect.TypeOf(limits).Field(i).Name, kindExamine, "a", lint.Options{}, changed)
	}
	options := reflect.TypeFor[lint.Options]()
	for i := range options.NumField() {
		field := options.Field(i)
		if field.Name == "Progress" {
			continue // it is told what is at work, and finds nothing
		}
		for variant := range 2 {
			changed := lint.Options{}
			fill(t, reflect.ValueOf(&changed).Elem().Field(i), variant)
			note(field.Name, kindExamine, "a", changed, lint.Limits{})
		}
		if field.Type.Kind() != reflect.Pointer {
			continue
		}
		note("empty "+field.Name, kindExamine, "a", func() (o lint.Options) {
			reflect.ValueOf(&o).Elem().Field(i).Set(reflect.New(field.Type.Elem()))
			return o
		}(), lint.Limits{})
		for j := range field.Type.Elem().NumField() {
			changed := lint.Options{}
			to := reflect.New(field.Type.Elem())
			reflect.ValueOf(&changed).Elem().Field(i).Set(to)
			fill(t, to.Elem().Field(j), 2)
			note(field.Name+"."+field.Type.Elem().Field(j).Name, kindExamine, "a", changed, lint.Limits{})
		}
	}
	for name, earlier := range map[string]lint.Earlier{
		"a file":            {Files: []extension.File{{Name: "a", Data: []byte("1")}}},
		"another file":      {Files: []extension.File{{Name: "b", Data: []byte("1")}}},
		"another content":   {Files: []extension.File{{Name: "a", Data: []byte("2")}}},
		"two files":         {Files: []extension.File{{Name: "a", Data: []byte("1")}, {Name: "b"}}},
		"no files, but any": {Files: []extension.File{}},
	} {
		note(name, kindExamine, "a", lint.Options{Earlier: &earlier}, lint.Limits{})
	}
}

// Every field of an extension that lint can see has a part in its tree digest, but for those that say
// how messages call it and of which commit it is.
func TestTreesHaveEverything(t *testing.T) {
	seen := map[string]string{}
	content := reflect.TypeFor[extension.Content]()
	base := func() extension.Content {
		return extension.Content{Files: []extension.File{{Name: "extension.yaml", Data: []byte("name: a\nversion: 1.0.0\n")}}}
	}
	digest := func(c extension.Content) string {
		ext, err := extension.FromContent(c)
		if err != nil {
			t.Fatal(err)
		}
		return extension.TreeDigest(ext)
	}
	seen[digest(base())] = "nothing"
	for i := range content.NumField() {
		c, name := base(), content.Field(i).Name
		switch name {
		case "Files":
			c.Files = append(c.Files, extension.File{Name: "values.yaml", Data: []byte("a: 1\r\n")})
		case "FoundChart":
			c.FoundChart = []byte("name: a\n")
		case "Outside":
			c.Files[0].Data = []byte("name: a\nversion: 1.0.0\nicon: i.svg\n")
			seen[digest(c)] = "an icon that is not there"
			c.Outside = []extension.File{{Name: "i.svg", Data: []byte("<svg/>")}}
			seen[digest(c)] = "an icon"
			c.Outside = []extension.File{{Name: "i.svg", Data: []byte("<SVG/>")}}
		default:
			fill(t, reflect.ValueOf(&c).Elem().Field(i), 0)
		}
		d := digest(c)
		other, known := seen[d]
		if free := name == "Display" || name == "Origin"; known != free {
			t.Errorf("%s: its digest is that of %q", name, other)
		}
		seen[d] = name
	}
	lines := base()
	lines.Files = append(lines.Files, extension.File{Name: "values.yaml", Data: []byte("a: 1\n")})
	if other, ok := seen[digest(lines)]; ok {
		t.Errorf("other line ends: the digest of %q", other)
	}
}

// fill puts something into a value, and something else with another variant.
func fill(t *testing.T, v reflect.Value, variant int) {
	t.Helper()
	fillTo(t, v, variant, 6)
}

func fillTo(t *testing.T, v reflect.Value, variant, depth int) {
	t.Helper()
	if depth == 0 { // a type that holds itself
		return
	}
	fill := func(t *testing.T, v reflect.Value, variant int) {
		t.Helper()
		fillTo(t, v, variant, depth-1)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x" + string(rune('a'+variant)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(7 + variant))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(7 + variant))
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), 1, 1)
		fill(t, s.Index(0), variant)
		v.Set(s)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, 0)
		fill(t, value, variant)
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(key, value)
		v.Set(m)
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		fill(t, p.Elem(), variant)
		v.Set(p)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			t.Fatal("a time: who looks at it twice sees another one")
		}
		for i := range v.NumField() {
			fill(t, v.Field(i), variant)
		}
	default:
		t.Fatalf("a value of the kind %s: how is it a part of a key?", v.Kind())
	}
}
