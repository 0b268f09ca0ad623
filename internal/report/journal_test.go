package report

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/journal"
	"github.com/ksrelease/ksrelease/internal/results"
)

// After every event the journal says what the result document says, with what the
// document leaves out.
func TestJournalSaysWhatTheDocumentSays(t *testing.T) {
	d := newTestDocument(t)
	var encoder journal.Encoder
	var lines bytes.Buffer
	// The document may wait with what is no evidence; the journal does not.
	last := map[string]results.Extension{}
	observe := func(e results.Event) {
		d.Observe(e)
		line, err := encoder.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(line)
		replay, err := journal.Read(bytes.NewReader(lines.Bytes()))
		if err != nil {
			t.Fatalf("after %s: %v", e.Kind, err)
		}
		if e.Extension != nil {
			last[e.Extension.Name] = *e.Extension
		}
		if e.Result != nil {
			for _, x := range e.Result.Extensions {
				last[x.Name] = x
			}
		}
		for _, x := range replay.Result.Extensions {
			if diff := cmp.Diff(last[x.Name], x); diff != "" {
				t.Fatalf("after %s of %s: %s", e.Kind, e.Stage, diff)
			}
		}
		if e.Extension != nil && e.Planning && !e.Writes {
			return
		}
		want, err := os.ReadFile(d.pages.Path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wholeDocument(replay.Result, Tool{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact(t, want), compact(t, got)); diff != "" {
			t.Fatalf("after %s of %s: %s", e.Kind, e.Stage, diff)
		}
	}
	release(results.ObserverFunc(observe), 4)

	d, encoder = newTestDocument(t), journal.Encoder{}
	lines.Reset()
	clear(last)
	outcomes := allOutcomes()
	start := *outcomes
	start.Finished, start.Extensions = nil, nil
	for _, x := range outcomes.Extensions {
		start.Extensions = append(start.Extensions, results.Extension{
			Name: x.Name, Path: x.Path, Outcome: results.NotReached, Assets: []results.Asset{}, Findings: []results.Finding{},
		})
	}
	start.Recount()
	observe(results.Event{Kind: results.EventRunStarted, Result: &start})
	for i := range outcomes.Extensions {
		x := &outcomes.Extensions[i]
		if x.Assets == nil {
			x.Assets = []results.Asset{}
		}
		if x.Findings == nil {
			x.Findings = []results.Finding{}
		}
		observe(results.Event{Kind: results.EventEnded, Extension: x})
		observe(results.Event{Kind: results.EventWarning, Message: "a warning after " + x.Name})
	}
	outcomes.Recount()
	outcomes.Warnings = append(outcomes.Warnings, "one more")
	outcomes.AuthRefused = true
	observe(results.Event{Kind: results.EventRunFinished, Result: outcomes})
	replay, err := journal.Read(&lines)
	if err != nil || !replay.Result.AuthRefused {
		t.Errorf("%+v, %v", replay, err)
	}
}

// compact is JSON in one form: the document has blanks while the run goes on.
func compact(t *testing.T, text []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Every report of a run is the one that is made from its journal afterwards.
func TestReportsFromAJournalAreThoseOfTheRun(t *testing.T) {
	result := allOutcomes()
	for i := range result.Extensions {
		result.Extensions[i].Assets, result.Extensions[i].Findings = append([]results.Asset{}, result.Extensions[i].Assets...), append([]results.Finding{}, result.Extensions[i].Findings...)
	}
	line, err := journal.Encode(result)
	if err != nil {
		t.Fatal(err)
	}
	replay, err := journal.Read(bytes.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range Formats() {
		want, err := format.Render(result, Tool{Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := format.Render(replay.Result, Tool{Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: %s", format.Name, diff)
		}
	}
}
