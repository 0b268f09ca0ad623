package report

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
)

func TestParseDestinations(t *testing.T) {
	for asked, want := range map[string]string{
		"":                               "",
		"a.json b.xml":                   "json a.json, junit b.xml",
		"a.json json=a.json ./a.json":    "json a.json",
		"d/../a.md a.md":                 "md d/../a.md",
		"a.json sarif=./a.json":          "--report ./a.json: it cannot be both json and sarif",
		"a.json b.txt":                   "--report b.txt: the ending chooses the form",
		"sarif=x junit=y/x md=z jsonl=l": "sarif x, junit y/x, md z, jsonl l",
	} {
		all, err := ParseDestinations(strings.Fields(asked))
		var got []string
		for _, d := range all {
			got = append(got, d.Format.Name+" "+d.Path)
		}
		var of *PathError
		switch {
		case err == nil && strings.Join(got, ", ") == want:
		case err != nil && strings.HasPrefix(want, "--report") && strings.HasPrefix(err.Error(), want) && errors.As(err, &of) && len(all) == 0:
		default:
			t.Errorf("%s: %q, %v; want %s", asked, got, err, want)
		}
	}
	_, err := ParseDestinations([]string{"a.json", "md=a.json"})
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) || hinted.Hint() != "name two files" {
		t.Errorf("%v has no hint", err)
	}
}

// All reports get all events; if one cannot be written none is begun.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	open := func(names ...string) (Files, error) {
		t.Helper()
		for i := range names {
			names[i] = filepath.Join(dir, names[i])
		}
		all, err := ParseDestinations(names)
		if err != nil {
			t.Fatal(err)
		}
		return Open(all, Tool{})
	}
	var unusable *PathError
	if err := os.Mkdir(filepath.Join(dir, "folder.md"), 0o755); err != nil {
		t.Fatal(err)
	}
	if files, err := open("first.json", "folder.md"); len(files) > 0 || !errors.As(err, &unusable) {
		t.Errorf("%d files, %v", len(files), err)
	}
	files, err := open("a.json", "b.md")
	if err != nil || len(files.Observers()) != 2 {
		t.Fatalf("%d observers, %v", len(files.Observers()), err)
	}
	result := &results.Document{SchemaVersion: 1, Command: "run", Extensions: []results.Extension{}}
	for _, o := range files.Observers() {
		o.Observe(results.Event{Kind: results.EventRunStarted, Result: result})
	}
	files.Wait(t.Context())
	for _, o := range files.Observers() {
		o.Observe(results.Event{Kind: results.EventRunFinished, Result: result})
	}
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a.json", "b.md"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHelpNamesAllForms(t *testing.T) {
	for _, f := range Formats() {
		if !strings.Contains(Help(), f.Name+" ("+cmp.Or(f.Ending, f.Name+"=FILE")+") "+f.About) {
			t.Errorf("%s is not in %s", f.Name, Help())
		}
	}
}
