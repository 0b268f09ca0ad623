package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/pipeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// allOutcomes is a run in which every outcome comes up once.
func allOutcomes() *results.Document {
	started := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	finished := started.Add(41300 * time.Millisecond)
	stages := func(failed string) []results.Stage {
		var all []results.Stage
		status := results.StageOK
		for _, name := range pipeline.StageNames() {
			if name == failed {
				status = results.StageFailed
			}
			all = append(all, results.Stage{Name: name, Status: status, Milliseconds: 12})
			if status == results.StageFailed {
				status = results.StageSkipped
			}
		}
		return all
	}
	r := &results.Document{SchemaVersion: 1, Command: "run", Tool: results.Tool{Name: "ksrelease", Version: "1.0.0"}, Started: started, Finished: &finished, Extensions: []results.Extension{
		{Name: "alc", Version: "1.2.0", Path: "extensions/alc", Outcome: results.Released, AsAsked: true, Stages: stages(""),
			Package: &results.Package{Path: "dist/alc-1.2.0.tgz", Size: 15360, Limit: 1 << 20},
			Assets:  []results.Asset{{File: "static/icon.svg"}, {File: "static/a.png"}},
			Findings: []results.Finding{{
				Code: "images/unused", Rule: "images", Severity: "warning", Message: "the image docker.io/a|b:1 is listed, and nothing uses it",
				Hint: "take it out of images", File: "extensions/alc/extension.yaml", Line: 12, Column: 5, EndColumn: 20,
				Excerpt: "  12 |   - docker.io/a|b:1\n     |     ^^^^^^^^^^^^^^^",
			}}},
		{Name: "bee", Version: "0.1.0", Outcome: results.Exists, AsAsked: true},
		{Name: "crow", Version: "2.0.0", Outcome: results.Drift, Reason: "2.0.0 is there with other content: bump version in extension.yaml"},
		{Name: "dove", Version: "1.0.0", Outcome: results.Blocked, Reason: "it depends on emu, which is failed"},
		{Name: "emu", Version: "1.0.0", Outcome: results.Failed, Reason: "push: uploading the package: 422", Stages: stages(results.StagePush),
			Error: &results.Error{Stage: results.StagePush, Message: "uploading the package of emu 1.0.0: 422 Unprocessable Entity: not a chart", Hint: "fix the chart"}},
		{Name: "fox", Version: "1.0.0", Outcome: results.Unverified, Reason: "not seen within 5m0s: it is not in the Helm repository yet"},
		{Name: "gnu", Version: "1.0.0", Outcome: results.NotReached, Reason: "interrupted before its turn"},
	}}
	r.Recount()
	return r
}

func TestTextTellsEveryOutcome(t *testing.T) {
	var out, err bytes.Buffer
	reporter := NewText(output.New(&out), output.New(&err), TextOptions{Again: func(names []string) string { return "ksrelease run --only " + strings.Join(names, " --only ") }})
	reporter.Observe(results.Event{Kind: results.EventRunStarted, Result: allOutcomes()})
	reporter.Observe(results.Event{Kind: results.EventRunFinished, Result: allOutcomes()})
	golden(t, "outcomes.txt", out.Bytes())
	if err.Len() != 0 {
		t.Errorf("on standard error: %q", err.String())
	}
}

// Warnings of the rules of a run are counted as those of lint are, and the total says
// where each is to be read.
func TestWarningsAreCounted(t *testing.T) {
	finding := func(rule, severity string) results.Finding {
		return results.Finding{Code: rule + "/x", Rule: rule, Severity: severity, Message: "message of " + rule, File: "a/extension.yaml"}
	}
	ofLint := finding("images", "warning")
	ofRuns := []results.Finding{
		finding(results.RuleVersions, "warning"), finding(results.RuleDependencies, "warning"), finding(results.RuleSize, "warning"),
	}
	for _, c := range []struct {
		name      string
		findings  []results.Finding
		all       bool
		row, last string
	}{
		{"none", nil, false, "planned", ""},
		{"only information", []results.Finding{finding("images", "info")}, false, "planned", ""},
		{"of lint", []results.Finding{ofLint}, false, "1 warning", "1 warning: see ksrelease lint"},
		{"of the run", ofRuns, false, "3 warnings", "3 warnings: see above"},
		{"of both", append(ofRuns[:2:2], ofLint), false, "3 warnings", "3 warnings: see above for 2, see ksrelease lint for 1"},
		{"with an error of lint", []results.Finding{finding("images", "error"), ofLint}, false, "1 warning", "1 warning: see ksrelease lint"},
		{"all are shown", []results.Finding{ofLint}, true, "1 warning", ""},
	} {
		var out bytes.Buffer
		r := &results.Document{Extensions: []results.Extension{{Name: "a", Version: "1.0.0", Outcome: results.Planned, AsAsked: true, Findings: c.findings}}}
		r.Recount()
		NewText(output.New(&out), output.New(&out), TextOptions{Findings: c.all}).Observe(results.Event{Kind: results.EventRunFinished, Result: r})
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		row := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "a ") })
		if row < 0 || !strings.HasSuffix(lines[row], c.row) {
			t.Errorf("%s: the row does not end with %q:\n%s", c.name, c.row, out.String())
		}
		last := lines[len(lines)-1]
		if !strings.HasPrefix(last, "1 planned") {
			t.Errorf("%s: the counts are not last: %q", c.name, last)
		}
		last = lines[len(lines)-2]
		if last != c.last {
			t.Errorf("%s: last line %q, want %q", c.name, last, c.last)
		}
	}
}

func TestTextFoldsTheLastColumnToTheTerminal(t *testing.T) {
	var out bytes.Buffer
	NewText(output.New(&out), output.New(&out), TextOptions{Width: 72}).Observe(results.Event{Kind: results.EventRunFinished, Result: allOutcomes()})
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "uploading") || strings.Contains(line, "docker.io") || strings.HasPrefix(line, "1 released") {
			continue // only the table is folded
		}
		if width := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); width > 72 {
			t.Errorf("%d columns: %q", width, line)
		}
	}
	if !strings.Contains(out.String(), "extension.yaml") {
		t.Errorf("folding lost words:\n%s", out.String())
	}
}

func TestTextColoursOnlyWhenAsked(t *testing.T) {
	render := func(color bool) string {
		var out bytes.Buffer
		NewText(output.New(&out), output.New(&out), TextOptions{Color: color}).Observe(results.Event{Kind: results.EventRunFinished, Result: allOutcomes()})
		return out.String()
	}
	plain, coloured := render(false), render(true)
	if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b[") {
		t.Errorf("plain %q\ncoloured %q", plain, coloured)
	}
	if text.StripEscape(coloured) != plain {
		t.Errorf("colour changes more than colour:\n%s", text.StripEscape(coloured))
	}
}

// What was said to be seen, or approved, is not said again when its stage ends.
func TestAppearedIsSaidOnce(t *testing.T) {
	var screen bytes.Buffer
	reporter := NewText(output.New(&bytes.Buffer{}), output.New(&screen), TextOptions{})
	alc, other := &allOutcomes().Extensions[0], &allOutcomes().Extensions[1]
	reporter.Observe(results.Event{Kind: results.EventNote, Extension: alc, Message: "seen in the Helm repository; waiting for the review", Appeared: true})
	reporter.Observe(results.Event{Kind: results.EventNote, Extension: alc, Message: "approved", Appeared: true})
	for _, x := range []*results.Extension{alc, other} {
		reporter.Observe(results.Event{Kind: results.EventStageFinished, Extension: x, Stage: results.StageVerify, Status: results.StageOK})
	}
	want := "alc 1.2.0: seen in the Helm repository; waiting for the review\nalc 1.2.0: approved\n" + titleOf(*other) + ": seen in the Helm repository\n"
	if got := screen.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReportFiles(t *testing.T) {
	dir := t.TempDir()
	result := allOutcomes()
	for _, ending := range []string{".json", ".xml", ".md", ".sarif"} {
		file, err := NewFile(filepath.Join(dir, "deep", "report"+ending), Tool{Version: "1.0.0", URL: "https://example.com"})
		if err != nil {
			t.Fatal(err)
		}
		file.Observe(results.Event{Kind: results.EventRunFinished, Result: result})
		if err := file.Err(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "deep", "report"+ending))
		if err != nil {
			t.Fatal(err)
		}
		if ending == ".sarif" {
			// Its list of rules grows; what is said of a finding stays.
			var log sarif
			if err := json.Unmarshal(data, &log); err != nil || len(log.Runs[0].Results) != 1 || len(log.Runs[0].Tool.Driver.Rules) == 0 {
				t.Errorf("%v: %s", err, data)
			}
			got := log.Runs[0].Results[0]
			where := got.Locations[0].Physical
			if got.Level != "warning" || got.RuleID != "images" || got.Properties.Code != "images/unused" || where.Artifact.URI != "internal/report/extensions/alc/extension.yaml" && where.Artifact.URI != "extensions/alc/extension.yaml" || where.Region.StartLine != 12 {
				t.Errorf("%+v", got)
			}
			continue
		}
		golden(t, "report"+ending, data)
	}
	if err := xml.Unmarshal(must(os.ReadFile(filepath.Join(dir, "deep", "report.xml"))), new(junitSuites)); err != nil {
		t.Error(err)
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

func TestReportThatCannotBeWrittenIsRefusedBeforeTheRun(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(blocked, "report.json"): "not a directory",
		"report.pdf":                          `the ending chooses the form, and ".pdf" is none of .json, .xml, .md, .html, .sarif`,
		"report":                              `and "" is none of`,
	} {
		if _, err := NewFile(path, Tool{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What is about to be sent is on disk before the run goes on.
func TestDocumentIsWrittenBeforeEveryWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	file, err := NewFile(path, Tool{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (r results.Document) {
		if err := json.Unmarshal(must(os.ReadFile(path)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	start := allOutcomes()
	start.Finished = nil
	alc := start.Extensions[0]
	alc.Outcome = results.NotReached
	alc.Stages = []results.Stage{{Name: "push", Status: results.StageSkipped}}
	start.Extensions = []results.Extension{alc}
	file.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	alc.Stages = []results.Stage{{Name: "push", Status: results.StageStarted}}
	file.Observe(results.Event{Kind: results.EventStageStarted, Extension: &alc, Stage: "push", Writes: true})
	if got := read(); got.Extensions[0].Stages[0].Status != results.StageStarted || got.Finished != nil || got.Totals[results.NotReached] != 1 {
		t.Errorf("before the push: %+v", got)
	}
	alc.Stages = []results.Stage{{Name: "push", Status: results.StageOK}}
	alc.Outcome = results.Released
	file.Observe(results.Event{Kind: results.EventStageFinished, Extension: &alc, Stage: "push", Writes: true})
	if got := read(); got.Extensions[0].Stages[0].Status != results.StageOK || got.Totals[results.Released] != 1 {
		t.Errorf("after the push: %+v", got)
	}
}

func TestEventsAreOneLineEach(t *testing.T) {
	var out bytes.Buffer
	reporter := Events(output.New(&out))
	r := allOutcomes()
	reporter.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
	reporter.Observe(results.Event{Kind: results.EventNote, Message: "line one\nline two <&>"})
	reporter.Observe(results.Event{Kind: results.EventEnded, Extension: &r.Extensions[4]})
	reporter.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, line := range lines {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("line %d: %v", i+1, err)
		}
	}
	if !strings.Contains(lines[1], `"line one\nline two <&>"`) || !strings.Contains(lines[2], `"stage":"push"`) || !strings.Contains(lines[3], `"schema_version":1`) {
		t.Errorf("%s", out.String())
	}
}

// Every outcome has a colour, and those that mean that all was done are no skipped
// cases of JUnit.
func TestEveryOutcomeIsShown(t *testing.T) {
	for _, o := range results.Outcomes() {
		if outcomeColor[o] == 0 {
			t.Errorf("%s has no colour", o)
		}
		x := results.Extension{Name: "alc", Outcome: o, AsAsked: true}
		skipped := o != results.Released && o != results.Linted && o != results.Packed
		if s := junitOf(x, "c"); s.Tests != 1 || s.Failures != 0 || (s.Skipped == 1) != skipped {
			t.Errorf("%s: %+v", o, s)
		}
	}
}

func TestCountsSayWhatIsThere(t *testing.T) {
	if got := counts(allOutcomes()); got != "1 released, 1 exists, 1 drift, 1 blocked, 1 failed, 1 unverified, 1 not-reached" {
		t.Error(got)
	}
	if got := counts(&results.Document{}); got != "no extensions" {
		t.Error(got)
	}
	for d, want := range map[time.Duration]string{212 * time.Millisecond: "212 ms", 41300 * time.Millisecond: "41.3 s", 3*time.Minute + 400*time.Millisecond: "3m0s"} {
		if got := duration(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

// A run that is killed does not leave the report of an earlier one behind.
func TestReportsAreReplacedWhenTheRunBegins(t *testing.T) {
	dir := t.TempDir()
	r := allOutcomes()
	r.Finished = nil
	for i := range r.Extensions {
		r.Extensions[i].Outcome, r.Extensions[i].AsAsked, r.Extensions[i].Stages = results.NotReached, false, nil
	}
	r.Recount()
	for ending, want := range map[string]string{
		".json": `"finished": null`, ".xml": `tests="8" failures="7"`, ".md": "7 not-reached", ".sarif": `"executionSuccessful": false`,
	} {
		path := filepath.Join(dir, "r"+ending)
		if err := os.WriteFile(path, []byte("all is well"), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := NewFile(path, Tool{})
		if err != nil {
			t.Fatal(err)
		}
		file.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
		if data := must(os.ReadFile(path)); file.Err() != nil || !bytes.Contains(data, []byte(want)) {
			t.Errorf("%v, %s lacks %s:\n%s", file.Err(), ending, want, data)
		}
	}
}
