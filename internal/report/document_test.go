package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/results"
)

func newTestDocument(t *testing.T) *document {
	t.Helper()
	d := newDocument(filepath.Join(t.TempDir(), "result.json"))
	t.Cleanup(d.pages.Close)
	return d
}

func readResult(t *testing.T, path string) results.Document {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r results.Document
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("%v:\n%s", err, data)
	}
	return r
}

// unwritten drops the fields that the document leaves out.
func unwritten(x results.Extension) results.Extension {
	x.AsAsked = false
	x.Findings = slices.Clone(x.Findings)
	for i := range x.Findings {
		x.Findings[i].Excerpt = ""
	}
	return x
}

// Warnings are in the document as soon as they are reported; those of before it
// began are in the result that it begins with.
func TestDocumentHoldsWarnings(t *testing.T) {
	d := newTestDocument(t)
	d.Observe(results.Event{Kind: results.EventWarning, Message: "first"})
	d.Observe(results.Event{Kind: results.EventRunStarted, Result: &results.Document{Warnings: []string{"first"}}})
	long := strings.Repeat("a long one ", 1000)
	for _, w := range []string{"second", long} {
		d.Observe(results.Event{Kind: results.EventWarning, Message: w})
	}
	if diff := cmp.Diff([]string{"first", "second", long}, readResult(t, d.pages.Path).Warnings); diff != "" {
		t.Error(diff)
	}
}

// After every event that matters the document says what the event said, and it
// can be read at any time.
func TestDocumentKeepsStepWithEveryEvent(t *testing.T) {
	d := newTestDocument(t)
	events := 0
	release(results.ObserverFunc(func(e results.Event) {
		events++
		d.Observe(e)
		got := readResult(t, d.pages.Path)
		if e.Extension == nil {
			if diff := cmp.Diff(e.Result.Totals, got.Totals); diff != "" || len(got.Extensions) != len(e.Result.Extensions) {
				t.Fatalf("%s: %d extensions, totals %s", e.Kind, len(got.Extensions), diff)
			}
			return
		}
		at := slices.IndexFunc(got.Extensions, func(x results.Extension) bool { return x.Name == e.Extension.Name })
		if diff := cmp.Diff(unwritten(*e.Extension), got.Extensions[at]); diff != "" && !e.Planning {
			t.Fatalf("after %s of %s: %s", e.Kind, e.Stage, diff)
		}
		if e.Kind == results.EventEnded && got.Totals[results.Released] != at+1 {
			t.Fatalf("totals after the end of extension %d: %v", at, got.Totals)
		}
	}), 5)
	if err := d.Err(); err != nil || events < 100 {
		t.Errorf("%d events, %v", events, err)
	}
	got := readResult(t, d.pages.Path)
	if got.Finished == nil || got.Totals[results.Released] != 5 {
		t.Errorf("at the end: %+v", got)
	}
}

// What does not fit its place has the file written as a whole, at once where
// it is evidence.
func TestDocumentTakesExtensionsOfAnySize(t *testing.T) {
	d := newTestDocument(t)
	start := allOutcomes()
	d.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	x := start.Extensions[0]
	for _, size := range []int{0, 1, 3, 17, 100, 2000, 50, 0} {
		x.Assets = slices.Repeat([]results.Asset{{File: "ein Bild – 图.png", Size: 12}}, size)
		x.Findings = slices.Repeat([]results.Finding{{Rule: "images", Message: "a \"quoted\"\nmessage", Line: 3}}, 2*size)
		x.Reason = strings.Repeat("r", 37*size)
		d.Observe(results.Event{Kind: results.EventStageFinished, Extension: copied(x), Writes: true})
		got := readResult(t, d.pages.Path)
		if diff := cmp.Diff(unwritten(x), got.Extensions[0], cmp.Transformer("empty", emptyAsNil)); diff != "" {
			t.Errorf("with %d assets: %s", size, diff)
		}
		if len(got.Extensions) != len(start.Extensions) {
			t.Errorf("with %d assets: %d extensions", size, len(got.Extensions))
		}
	}
	if err := d.Err(); err != nil {
		t.Error(err)
	}
}

func emptyAsNil(findings []results.Finding) []results.Finding {
	if len(findings) == 0 {
		return nil
	}
	return findings
}

// The steps of a release change the file where it is: a thousand extensions
// cannot afford to have it written anew for each.
func TestDocumentIsChangedInPlace(t *testing.T) {
	d := newTestDocument(t)
	var planned os.FileInfo
	steps := 0
	release(results.ObserverFunc(func(e results.Event) {
		d.Observe(e)
		info, err := os.Stat(d.pages.Path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Kind == results.EventPlanned:
			planned = info
		case e.Extension != nil && !e.Planning:
			steps++
			if !os.SameFile(planned, info) || planned.Size() != info.Size() {
				t.Fatalf("%s of %s wrote the file as a whole", e.Kind, e.Stage)
			}
		}
	}), 3)
	if steps != 3*9 {
		t.Errorf("%d steps", steps)
	}
	onlyTheDocument(t, d.pages.Path)
}

// onlyTheDocument checks that nothing is next to the document.
func onlyTheDocument(t *testing.T, path string) {
	t.Helper()
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("next to the document: %v, %v", names, err)
	}
}

// An extension ends right after another event, and nothing comes after it.
func TestDocumentKeepsTheLastEnd(t *testing.T) {
	d := newTestDocument(t)
	start := allOutcomes()
	for i := range start.Extensions {
		start.Extensions[i].Outcome, start.Extensions[i].Error = results.NotReached, nil
	}
	d.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	for _, planning := range []bool{true, false} {
		x := start.Extensions[4]
		x.Outcome, x.Reason = results.Failed, fmt.Sprint("planning: ", planning)
		d.Observe(results.Event{Kind: results.EventEnded, Extension: copied(x), Planning: planning})
		if got := readResult(t, d.pages.Path); got.Extensions[4].Reason != x.Reason || got.Totals[results.Failed] != 1 {
			t.Errorf("%+v, %v", got.Extensions[4], got.Totals)
		}
	}
}

// Extensions that cannot be read are named after their folders, which may be
// alike; and their order need not be that of their paths.
func TestDocumentDistinguishesExtensionsOfOneName(t *testing.T) {
	d := newTestDocument(t)
	start := &results.Document{SchemaVersion: 1, Extensions: []results.Extension{
		{Name: "alc", Path: "b/alc"}, {Name: "alc", Path: "a/alc"}, {Name: "alc", Path: "c/alc"},
	}}
	d.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	for _, x := range start.Extensions {
		x.Reason = "this is " + x.Path
		d.Observe(results.Event{Kind: results.EventEnded, Extension: &x})
	}
	for _, x := range readResult(t, d.pages.Path).Extensions {
		if x.Reason != "this is "+x.Path {
			t.Errorf("%s: %q", x.Path, x.Reason)
		}
	}
}

// The first error is reported; what can be written later is.
func TestDocumentThatCannotBeWritten(t *testing.T) {
	d := newTestDocument(t)
	start := allOutcomes()
	d.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	if err := d.pages.File.Close(); err != nil { // as a disk that fails
		t.Fatal(err)
	}
	x := start.Extensions[0]
	x.Reason = "after the failure"
	d.Observe(results.Event{Kind: results.EventStageFinished, Extension: copied(x), Writes: true})
	first := d.Err()
	if first == nil || !strings.HasPrefix(first.Error(), "writing the report "+d.pages.Path+": ") || !strings.HasSuffix(first.Error(), "file already closed") {
		t.Errorf("%v", first)
	}
	if got := readResult(t, d.pages.Path); got.Extensions[0].Reason != x.Reason {
		t.Errorf("on disk: %q", got.Extensions[0].Reason)
	}

	d.pages.Close()
	if err := os.RemoveAll(filepath.Dir(d.pages.Path)); err != nil {
		t.Fatal(err)
	}
	d.Observe(results.Event{Kind: results.EventStageFinished, Extension: copied(x), Writes: true})
	d.Observe(results.Event{Kind: results.EventRunFinished, Result: start})
	if d.Err() != first {
		t.Errorf("the first error gave way to %v", d.Err())
	}
}

// A run that is killed at any moment leaves a document that can be read and has
// all extensions in it.
func TestDocumentSurvivesAKill(t *testing.T) {
	const variable, extensions = "KSRELEASE_TEST_REPORT", 12
	if path := os.Getenv(variable); path != "" {
		runUntilKilled(t, path, extensions)
	}
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	for round := range 12 {
		path := filepath.Join(t.TempDir(), "result.json")
		command := exec.Command(os.Args[0], "-test.run=^TestDocumentSurvivesAKill$")
		command.Env = append(os.Environ(), variable+"="+path)
		events, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, events, int64(1+round*61)); err != nil {
			t.Errorf("the run ended by itself: %v", err)
		}
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed, and says so
		if got := readResult(t, path); len(got.Extensions) != extensions || got.SchemaVersion != 1 {
			t.Errorf("round %d: %+v", round, got)
		}
	}
}

// runUntilKilled writes a byte for each event of runs that have no end.
func runUntilKilled(t *testing.T, path string, extensions int) {
	d := newDocument(path)
	for {
		release(results.ObserverFunc(func(e results.Event) {
			d.Observe(e)
			if _, err := os.Stdout.WriteString("."); err != nil {
				os.Exit(1) // the test that started it is gone
			}
		}), extensions)
	}
}
