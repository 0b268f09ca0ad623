package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/results"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 123456789, time.FixedZone("", 3600))

// events are those of a run that pushes one extension and fails with another.
func events() []results.Event {
	stages := []results.Stage{{Name: "lint", Status: results.StageOK, Milliseconds: 3}, {Name: "push", Status: results.StageSkipped}}
	a := results.Extension{
		Name: "alc", Version: "1.2.0", Path: "extensions/alc", Outcome: results.NotReached, Stages: stages,
		Assets:   []results.Asset{},
		Findings: []results.Finding{{Code: "images/unused", Rule: "images", Severity: "warning", Message: "m", File: "f", Line: 3, Excerpt: "image: x"}},
	}
	b := results.Extension{Name: "bee", Path: "extensions/bee", Outcome: results.NotReached, Stages: stages, Assets: []results.Asset{}, Findings: []results.Finding{}}
	whole := func(finished *time.Time) *results.Document {
		r := &results.Document{
			SchemaVersion: 1, Command: "run", Tool: results.Tool{Name: "ksrelease", Version: "1"}, Started: noon, Finished: finished,
			Warnings: []string{"w"}, Extensions: []results.Extension{a, b},
		}
		r.Recount()
		return r
	}
	push := func(status results.StageStatus) *results.Extension {
		a.Stages = []results.Stage{stages[0], {Name: "push", Status: status, Milliseconds: 7}}
		copied := a
		return &copied
	}
	all := []results.Event{
		{Kind: results.EventWarning, Message: "w"},
		{Kind: results.EventRunStarted, Time: noon, Planning: true, Result: whole(nil)},
		{Kind: results.EventNote, Time: noon, Message: "a note"},
		{Kind: results.EventStageStarted, Stage: "push", Writes: true, Extension: push(results.StageStarted)},
		{Kind: results.EventStageFinished, Stage: "push", Writes: true, Status: results.StageOK, Milliseconds: 7, Extension: push(results.StageOK)},
	}
	a.Outcome, a.AsAsked, a.SnapshotID = results.Released, true, "51"
	a.Package = &results.Package{Size: 3, Limit: 4, Digest: "sha256:x"}
	ended := a
	b.Outcome, b.Reason, b.Error = results.Failed, "push: x", &results.Error{Stage: "push", Message: "x\u202e\n", Hint: "y"}
	failed := b
	end := noon.Add(time.Minute)
	return append(all,
		results.Event{Kind: results.EventEnded, Extension: &ended},
		results.Event{Kind: results.EventEnded, Extension: &failed},
		results.Event{Kind: results.EventRunFinished, Time: end, Result: whole(&end)})
}

// journalOf is the journal of events.
func journalOf(t testing.TB, events []results.Event) []byte {
	t.Helper()
	var (
		encoder Encoder
		all     []byte
	)
	for _, e := range events {
		line, err := encoder.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line...)
	}
	return all
}

func TestJournalMakesTheResult(t *testing.T) {
	all := events()
	replay, err := Read(bytes.NewReader(journalOf(t, all)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all[len(all)-1].Result, replay.Result); diff != "" {
		t.Error(diff)
	}
	if replay.Cut || replay.Lines != len(all)-1 {
		t.Errorf("%d lines, cut %v", replay.Lines, replay.Cut)
	}
}

// What is cut off anywhere says what its whole lines say.
func TestJournalThatIsCutOff(t *testing.T) {
	all := journalOf(t, events())
	first := bytes.IndexByte(all, '\n') + 1
	for end := 0; end < len(all); end += 3 {
		replay, err := Read(bytes.NewReader(all[:end]))
		if end < first-1 { // even without its line break the first line is whole
			if err == nil {
				t.Fatalf("no error for %q", all[:end])
			}
			continue
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", end, err)
		}
		upTo := bytes.LastIndexByte(all[:end], '\n') + 1
		if next := bytes.IndexByte(all[upTo:], '\n'); upTo+next == end {
			upTo = end
		}
		whole, err := Read(bytes.NewReader(all[:upTo]))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole.Result, replay.Result); diff != "" || replay.Cut != (upTo < end) {
			t.Fatalf("after %d bytes: cut %v, %s", end, replay.Cut, diff)
		}
	}
	// A power failure may leave zeros.
	if replay, err := Read(bytes.NewReader(append(bytes.Clone(all), make([]byte, 100)...))); err != nil || !replay.Cut {
		t.Errorf("%+v, %v", replay, err)
	}
}

// What is no journal is an error with its line, in words that name no type of Go.
func TestWhatIsNoJournal(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(string(journalOf(t, events())), "\n"), "\n")
	change := func(set string) string {
		return lines[0] + `{"event":"ended","time":"2026-11-29T12:00:00Z","changes":[{"index":0,"set":` + set + "}]}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":                          {"", "line 1: it is empty"},
		"text":                           {"hello\n", "line 1: it is no journal of ksrelease"},
		"an array":                       {"[1]\n", "line 1: it is no journal"},
		"a document":                     {"{\n  \"schema_version\": 1\n}\n", "line 1: it is no journal of ksrelease: its first line has no \"journal\": 1 (it is no JSON at byte"},
		"an event stream":                {`{"event":"run-started","time":"2026-11-29T12:00:00Z","planning":true}` + "\n", `line 1: it is no journal of ksrelease: its first line has no "journal": 1`},
		"of later":                       {`{"journal":2,"event":"run-started"}` + "\n", "line 1: it has form 2"},
		"broken within":                  {lines[0] + "{]\n" + lines[1], "line 2: it is no JSON at byte 2"},
		"another type":                   {change(`{"version":7}`), "line 2: "},
		"an extension that is not there": {lines[0] + `{"changes":[{"index":2,"set":{}}]}` + "\n", "line 2: a change of extension 2, and the run has 2"},
		"one before the first":           {lines[0] + `{"changes":[{"index":-1,"set":{}}]}` + "\n", "line 2: a change of extension -1"},
		"an outcome":                     {change(`{"outcome":"| [x](http://x)"}`), `line 2: "| [x](http://x)" is no outcome`},
		"a severity":                     {change(`{"findings":[{"severity":"<b>"}]}`), `line 2: "<b>" is no severity`},
		"a rule":                         {change(`{"findings":[{"severity":"info","rule":"a\nb"}]}`), `line 2: "a\nb" is no name of a rule`},
		"a code":                         {change(`{"findings":[{"severity":"info","code":"**x**"}]}`), `is no name of a code`},
		"a line":                         {change(`{"findings":[{"severity":"info","line":-1}]}`), "line 2: a line or column is less than 0"},
		"a stage":                        {change(`{"stages":[{"name":"# x"}]}`), `is no name of a stage`},
		"a status":                       {change(`{"stages":[{"name":"push","status":"::error::"}]}`), `is no name of a status`},
		"a stage of an error":            {change(`{"error":{"stage":"** "}}`), `is no name of a stage`},
		"a size":                         {change(`{"package":{"size":-1}}`), "line 2: a size is less than 0"},
		"a command":                      {lines[0] + `{"run":{"command":"## x"}}` + "\n", `is no name of a command`},
		"a problem":                      {lines[0] + `{"run":{"error":{"problems":[{"severity":"x"}]}}}` + "\n", `"x" is no severity`},
		"extensions of the run":          {lines[0] + `{"run":{"extensions":[]}}` + "\n", "line 2: "},
		"a document of later":            {lines[0] + `{"run":{"schema_version":2}}` + "\n", "line 2: a result document of form 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text))
			var at *LineError
			if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			for _, of := range []string{"Go ", "struct", "journal.", "pipeline."} {
				if strings.Contains(err.Error(), of) {
					t.Errorf("%q in %q", of, err)
				}
			}
		})
	}
}

// FuzzRead holds that no file makes Read panic, and that what it takes can be written and
// read again.
func FuzzRead(f *testing.F) {
	f.Add(journalOf(f, events()))
	f.Fuzz(func(t *testing.T, data []byte) {
		replay, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		text, err := Encode(replay.Result)
		if err != nil {
			return // a time that JSON has no form for
		}
		again, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if diff := cmp.Diff(replay.Result, again.Result); diff != "" {
			t.Fatal(diff)
		}
	})
}

func observed(w *Writer, events []results.Event) {
	for _, e := range events {
		w.Observe(e)
		w.Flush()
	}
}

// A file is only appended to, and each Flush leaves whole lines.
func TestWriterAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(path, []byte("of an earlier run"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := NewWriter(path)
	var before []byte
	for _, e := range events() {
		w.Observe(e)
		w.Flush()
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == results.EventWarning {
			continue // the run has not begun
		}
		if !bytes.HasPrefix(now, before) || bytes.Count(now, []byte("\n")) != bytes.Count(before, []byte("\n"))+1 || !bytes.HasSuffix(now, []byte("\n")) {
			t.Fatalf("after %s:\n%s\nbefore:\n%s", e.Kind, now, before)
		}
		before = now
	}
	w.Close()
	if err := w.Err(); err != nil || !bytes.Equal(before, journalOf(t, events())) {
		t.Errorf("%v:\n%s", err, before)
	}
}

// A disk that takes nothing for a while, or a part of a line, leaves no line out.
func TestWriterTriesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	w := NewWriter(path)
	all := events()
	observed(w, all[:4])
	good := w.file
	closed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	w.file = closed
	observed(w, all[4:6])
	if err := w.Err(); err == nil || !strings.HasPrefix(err.Error(), "writing the report "+path+": ") {
		t.Errorf("%v", err)
	}
	w.file = good
	observed(w, all[6:])
	w.Close()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, journalOf(t, all)) {
		t.Errorf("%v:\n%s", err, got)
	}
}

// half is a disk that takes the half of a write.
type half struct{ *os.File }

func (h half) Write(p []byte) (int, error) {
	n, _ := h.File.Write(p[:len(p)/2])
	return n, errors.New("full")
}

// unsynced is a disk that takes a write, and says later that it did not.
type unsynced struct{ *os.File }

func (unsynced) Sync() error { return errors.New("broken") }

// What a disk takes in part is no part of the journal.
func TestWriterLeavesNoHalfLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	w := NewWriter(path)
	all := events()
	observed(w, all[:3])
	good := w.file.(*os.File)
	for i, bad := range []file{half{good}, unsynced{good}} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w.file = bad
		observed(w, all[3+i:4+i]) // the start and the end of a push
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, before) {
			t.Errorf("%v:\n%s", err, got)
		}
		w.file = good
		w.Flush()
	}
	observed(w, all[5:])
	w.Close()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, journalOf(t, all)) || w.Err() == nil {
		t.Errorf("%v, %v:\n%s", err, w.Err(), got)
	}
}

// What is absent from the document again is absent from what the journal says.
func TestFieldsMayGo(t *testing.T) {
	x := results.Extension{Name: "alc", Path: "p", Outcome: results.NotReached, Reason: "r", Assets: []results.Asset{}, Findings: []results.Finding{{Severity: "info"}}}
	start := &results.Document{SchemaVersion: 1, Revision: "1", Extensions: []results.Extension{x}}
	y := x
	y.Reason, y.Findings = "", []results.Finding{}
	end := &results.Document{SchemaVersion: 1, Extensions: []results.Extension{y}}
	end.Recount()
	replay, err := Read(bytes.NewReader(journalOf(t, []results.Event{{Kind: results.EventRunStarted, Result: start}, {Kind: results.EventPlanned, Result: end}})))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(end, replay.Result); diff != "" {
		t.Error(diff)
	}
	// Nor are extensions that the run has no more.
	end.Extensions[0].Path = "q"
	replay, err = Read(bytes.NewReader(journalOf(t, []results.Event{{Kind: results.EventRunStarted, Result: start}, {Kind: results.EventPlanned, Result: end}})))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(end, replay.Result); diff != "" {
		t.Error(diff)
	}
}

// A disk that takes nothing for good ends the journal, whole, and takes no memory.
func TestWriterGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	w := NewWriter(path)
	all := events()
	observed(w, all[:2])
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := w.file
	w.file, _ = os.Open(path) // which cannot be written to
	w.most = 70 << 10
	for i := range 70 {
		w.Observe(results.Event{Kind: results.EventNote, Message: fmt.Sprint(i, strings.Repeat("x", 1<<10))})
		w.Flush()
	}
	_ = w.file.Close()
	w.file = good
	observed(w, all[2:])
	w.Close()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, before) || w.Err() == nil || len(w.pending) > 0 {
		t.Errorf("%v, %v, %d bytes wait:\n%.1000s", err, w.Err(), len(w.pending), got)
	}
}

// What nobody can read is no evidence: another run took the place of the file.
func TestTwoWritersOfOneJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	first, second := NewWriter(path), NewWriter(path)
	all := events()
	observed(first, all[:3])
	observed(second, all)
	observed(first, all[3:])
	first.Close()
	second.Close()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, journalOf(t, all)) || second.Err() != nil {
		t.Errorf("%v, %v:\n%s", err, second.Err(), got)
	}
}
