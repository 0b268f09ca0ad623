package reliability

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/journal"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// report reads a report in a place and holds that it is whole, as a parser of
// its form sees it; nil where there is none.
func (p *place) report(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(p.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = whole(filepath.Ext(name), data)
	}
	if err != nil {
		t.Errorf("%s is not whole: %v\n%s", name, err, data)
	}
	return data
}

func whole(ending string, data []byte) error {
	switch ending {
	case ".json", ".sarif":
		var any map[string]any
		return json.Unmarshal(data, &any)
	case ".xml":
		decoder := xml.NewDecoder(bytes.NewReader(data))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				return nil
			} else if err != nil { // an element that is not closed is one
				return err
			}
		}
	case ".jsonl":
		_, err := journal.Read(bytes.NewReader(data))
		return err
	case ".md": // its last line is one of text
		if !bytes.HasSuffix(data, []byte("\n")) {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// journal is what a journal in a place says; nil where there is none.
func (p *place) journal(t testing.TB, name string) *results.Document {
	t.Helper()
	data, err := os.ReadFile(p.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	replay, err := journal.Read(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s is not whole: %v\n%s", name, err, data)
		return nil
	}
	return replay.Result
}

// Promise P11: of a run that was killed at any request, `ksrelease report` makes from the
// journal what the result document says, and every other report.
func TestReportOfAKilledRun(t *testing.T) {
	repo := writeMonorepo(t, members(8))
	all := points(t, repo)
	short := 6
	if testing.Short() {
		short = 2
	}
	chosen := spreadWrites(all, soak.Cases(t, short, len(all)))
	inTurn(len(chosen), 4, func(i int) {
		at := chosen[i]
		t.Run(at.String(), func(t *testing.T) {
			m, place := openMarket(t), newPlace(t, repo)
			victim, address := place.release(t, m, "first")
			m.through(at.killing(victim))
			if victim.run() >= 0 {
				t.Fatalf("the release has no such request: %s", victim.output())
			}
			m.settle(address)
			document := place.document(t, "first.json")
			report := place.newProcess(t, address, "report", place.file("first.jsonl"), "--output", "json", "--report", place.file("again.json"),
				"--report", place.file("again.md"), "--report", place.file("again.xml"), "--report", place.file("again.sarif"))
			if code := report.run(); code != 1 {
				t.Fatalf("a run that was killed has not released what it should: %s", report.output())
			}
			var printed results.Document
			if err := json.Unmarshal(report.stdout.Bytes(), &printed); err != nil {
				t.Fatal(err)
			}
			again := place.document(t, "again.json")
			if diff := cmp.Diff(&printed, again); diff != "" {
				t.Errorf("what it prints is not what it writes: %s", diff)
			}
			for _, ending := range []string{".md", ".xml", ".sarif"} {
				if place.report(t, "again"+ending) == nil {
					t.Errorf("no report with the ending %s", ending)
				}
			}
			if document == nil || again == nil || document.Finished != nil || again.Finished != nil || len(document.Extensions) != len(again.Extensions) {
				t.Fatalf("the document: %+v\nfrom the journal: %+v", document, again)
			}
			if diff := cmp.Diff([]any{document.Command, document.Tool, document.Started, document.Warnings}, []any{again.Command, again.Tool, again.Started, again.Warnings}); diff != "" {
				t.Error(diff)
			}
			for i, x := range document.Extensions {
				y := again.Extensions[i]
				if x.Name == at.extension { // it waited for both before the request went out
					if diff := cmp.Diff(x, y); diff != "" {
						t.Errorf("%s: %s", x.Name, diff)
					}
				}
				if x.Name != y.Name || x.Version != y.Version || x.Path != y.Path {
					t.Errorf("%s %s in %s is %s %s in %s", x.Name, x.Version, x.Path, y.Name, y.Version, y.Path)
				}
				for k, stage := range x.Stages { // one of them may be an event ahead of the other
					if other := y.Stages[k]; stage.Name != other.Name || (stage.Name == results.StagePush || stage.Name == results.StageUpload) &&
						!anEventApart(stage.Status, other.Status) {
						t.Errorf("%s: %+v, from the journal %+v", x.Name, stage, other)
					}
				}
			}
		})
	})
}

// anEventApart says that one event makes one status of a stage of the other. The first event of
// applying takes back what the plan has only estimated.
func anEventApart(a, b results.StageStatus) bool {
	pair := []results.StageStatus{a, b}
	return a == b || slices.Contains(pair, results.StageStarted) ||
		slices.Contains(pair, results.StagePlanned) && slices.Contains(pair, results.StageSkipped)
}

// spreadWrites is spread over the points at which a write was sent.
func spreadWrites(all []point, count int) []point {
	var writes []point
	for _, p := range all {
		if p.class.writes() {
			writes = append(writes, p)
		}
	}
	return spread(writes, min(count, len(writes)))
}
