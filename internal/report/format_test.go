package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
)

// A form of report is a function and one entry in Formats (docs/design.md): this one has
// the names and outcomes alone.
func TestFormatIsAFunctionAndAnEntry(t *testing.T) {
	names := Format{Name: "names", Ending: ".txt", About: "names and outcomes", Render: func(r *results.Document, _ Tool) ([]byte, error) {
		var b strings.Builder
		for _, x := range r.Extensions {
			fmt.Fprintf(&b, "%s %s\n", x.Name, x.Outcome)
		}
		return []byte(b.String()), nil
	}}
	formats := append(Formats(), names)
	dir := t.TempDir()
	for _, asked := range []string{filepath.Join(dir, "run.txt"), "names=" + filepath.Join(dir, "run.out")} {
		to, err := destinationOf(asked, formats)
		if err != nil {
			t.Fatal(err)
		}
		file, err := to.Open(Tool{})
		if err != nil {
			t.Fatal(err)
		}
		q := NewQueue(file)
		for _, want := range []string{"not-reached", "released"} {
			kind := results.EventRunStarted
			if want == "released" {
				kind = results.EventRunFinished
			}
			q.Observe(results.Event{Kind: kind, Result: &results.Document{Extensions: []results.Extension{{Name: "alc", Outcome: results.Outcome(want)}}}})
			q.Wait(t.Context())
			if got, err := os.ReadFile(to.Path); err != nil || string(got) != "alc "+want+"\n" {
				t.Errorf("%q, %v", got, err)
			}
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestParseDestination(t *testing.T) {
	for asked, want := range map[string]string{
		"a.json": "json a.json", "dir/a.xml": "junit dir/a.xml", "json=a": "json a", "junit=a=b.md": "junit a=b.md", "md=-": "md -",
		"./x=a.json": "json ./x=a.json", "A=b.md": "md A=b.md", "jsonl=run.json": "jsonl run.json", "sarif=/dev/shm/x": "sarif /dev/shm/x", "codequality=q.json": "codequality q.json", "run.env": "dotenv run.env",
	} {
		got, err := ParseDestination(asked)
		if err != nil || got.Format.Name+" "+got.Path != want {
			t.Errorf("%s: %s %s, %v", asked, got.Format.Name, got.Path, err)
		}
	}
	for asked, want := range map[string]string{
		"a.txt": `"\.txt" is none of`, "pdf=a.md": "pdf is no form of a report: those are json, junit, md, html, sarif, codequality, dotenv, jsonl (for a file of this name write ./pdf=a.md)",
		"json=": "there is no file after the =", "": `"" is none of .json, .xml, .md, .html, .sarif, .env, .jsonl; or`,
	} {
		if _, err := ParseDestination(asked); err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(want, `\`, "")) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}
