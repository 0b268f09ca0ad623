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
func allOutcomes() *pipeline.Result {
	started := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	finished := started.Add(41300 * time.Millisecond)
	stages := func(failed string) []pipeline.StageResult {
		var all []pipeline.StageResult
		status := pipeline.StageOK
		for _, name := range pipeline.StageNames() {
			if name == failed {
				status = pipeline.StageFailed
			}
			all = append(all, pipeline.StageResult{Name: name, Status: status, Milliseconds: 12})
			if status == pipeline.StageFailed {
				status = pipeline.StageSkipped
			}
		}
		return all
	}
	r := &pipeline.Result{SchemaVersion: 1, Command: "run", Tool: pipeline.Tool{Name: "ksrelease", Version: "1.0.0"}, Started: started, Finished: &finished, Extensions: []pipeline.ExtensionResult{
		{Name: "alc", Version: "1.2.0", Path: "extensions/alc", Outcome: pipeline.Released, AsAsked: true, Stages: stages(""),
			Package: &pipeline.PackageResult{Path: "dist/alc-1.2.0.tgz", Size: 15360, Limit: 1 << 20},
			Assets:  []pipeline.AssetResult{{File: "static/icon.svg"}, {File: "static/a.png"}},
			Findings: []pipeline.FindingResult{{
				Code: "images/unused", Rule: "images", Severity: "warning", Message: "the image docker.io/a|b:1 is listed, and nothing uses it",
				Hint: "take it out of images", File: "extensions/alc/extension.yaml", Line: 12, Column: 5,
				Excerpt: "  12 |   - docker.io/a|b:1\n     |     ^^^^^^^^^^^^^^^",
			}}},
		{Name: "bee", Version: "0.1.0", Outcome: pipeline.Exists, AsAsked: true},
		{Name: "crow", Version: "2.0.0", Outcome: pipeline.Drift, Reason: "2.0.0 is there with other content: bump version in extension.yaml"},
		{Name: "dove", Version: "1.0.0", Outcome: pipeline.Blocked, Reason: "it depends on emu, which is failed"},
		{Name: "emu", Version: "1.0.0", Outcome: pipeline.Failed, Reason: "push: uploading the package: 422", Stages: stages(pipeline.StagePush),
			Error: &pipeline.ErrorResult{Stage: pipeline.StagePush, Message: "uploading the package of emu 1.0.0: 422 Unprocessable Entity: not a chart", Remedy: "fix the chart"}},
		{Name: "fox", Version: "1.0.0", Outcome: pipeline.Unverified, Reason: "not seen within 5m0s: it is not in the Helm repository yet"},
		{Name: "gnu", Version: "1.0.0", Outcome: pipeline.NotReached, Reason: "interrupted before its turn"},
	}}
	r.Recount()
	return r
}

func TestTextTellsEveryOutcome(t *testing.T) {
	var out, err bytes.Buffer
	told := NewText(output.New(&out), output.New(&err), TextOptions{Again: func(names []string) string { return "ksrelease run --only " + strings.Join(names, " --only ") }})
	told.Observe(pipeline.Event{Kind: pipeline.EventRunStarted, Result: allOutcomes()})
	told.Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: allOutcomes()})
	golden(t, "outcomes.txt", out.Bytes())
	if err.Len() != 0 {
		t.Errorf("on standard error: %q", err.String())
	}
}

// Warnings of the rules of a run are counted as those of lint are, and the total says
// where each is to be read.
func TestWarningsAreCounted(t *testing.T) {
	finding := func(rule, severity string) pipeline.FindingResult {
		return pipeline.FindingResult{Code: rule + "/x", Rule: rule, Severity: severity, Message: "message of " + rule, File: "a/extension.yaml"}
	}
	ofLint := finding("images", "warning")
	ofRuns := []pipeline.FindingResult{
		finding(pipeline.RuleVersions, "warning"), finding(pipeline.RuleDependencies, "warning"), finding(pipeline.RuleSize, "warning"),
	}
	for _, c := range []struct {
		name      string
		findings  []pipeline.FindingResult
		all       bool
		row, last string
	}{
		{"none", nil, false, "planned", ""},
		{"only information", []pipeline.FindingResult{finding("images", "info")}, false, "planned", ""},
		{"of lint", []pipeline.FindingResult{ofLint}, false, "1 warning", "1 warning: see ksrelease lint"},
		{"of the run", ofRuns, false, "3 warnings", "3 warnings: see above"},
		{"of both", append(ofRuns[:2:2], ofLint), false, "3 warnings", "3 warnings: see above for 2, see ksrelease lint for 1"},
		{"with an error of lint", []pipeline.FindingResult{finding("images", "error"), ofLint}, false, "1 warning", "1 warning: see ksrelease lint"},
		{"all are shown", []pipeline.FindingResult{ofLint}, true, "1 warning", ""},
	} {
		var out bytes.Buffer
		r := &pipeline.Result{Extensions: []pipeline.ExtensionResult{{Name: "a", Version: "1.0.0", Outcome: pipeline.Planned, AsAsked: true, Findings: c.findings}}}
		r.Recount()
		NewText(output.New(&out), output.New(&out), TextOptions{Findings: c.all}).Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: r})
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		row := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "a ") })
		if row < 0 || !strings.HasSuffix(lines[row], c.row) {
			t.Errorf("%s: the row does not end with %q:\n%s", c.name, c.row, out.String())
		}
		last := lines[len(lines)-1]
		if strings.HasPrefix(last, "1 planned") {
			last = ""
		}
		if last != c.last {
			t.Errorf("%s: last line %q, want %q", c.name, last, c.last)
		}
	}
}

func TestTextFoldsTheLastColumnToTheTerminal(t *testing.T) {
	var out bytes.Buffer
	NewText(output.New(&out), output.New(&out), TextOptions{Width: 72}).Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: allOutcomes()})
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
		NewText(output.New(&out), output.New(&out), TextOptions{Color: color}).Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: allOutcomes()})
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

// The status line is wiped before every other line, and at the end.
func TestLiveStatusLeavesNothingBehind(t *testing.T) {
	var screen bytes.Buffer
	told := NewText(output.New(&bytes.Buffer{}), output.New(&screen), TextOptions{Live: 40})
	r := allOutcomes()
	alc := &r.Extensions[0]
	told.Observe(pipeline.Event{Kind: pipeline.EventRunStarted, Result: r, Planning: true})
	told.Observe(pipeline.Event{Kind: pipeline.EventStageStarted, Extension: alc, Stage: "lint", Planning: true})
	told.Observe(pipeline.Event{Kind: pipeline.EventNote, Extension: alc, Message: "trying again in 1s"})
	told.Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: r})
	if !strings.Contains(screen.String(), "planning 0 of 7: alc 1.2.0 lint") {
		t.Errorf("no status: %q", screen.String())
	}
	var left []string
	for line := range strings.Lines(screen.String()) {
		_, last, wiped := cutLast(line, "\r\x1b[K")
		if wiped {
			line = last
		}
		left = append(left, line)
	}
	if got := strings.Join(left, ""); got != "alc 1.2.0: trying again in 1s\n" {
		t.Errorf("left on the screen: %q", got)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

func TestReportFiles(t *testing.T) {
	dir := t.TempDir()
	result := allOutcomes()
	for _, ending := range []string{".json", ".xml", ".md", ".sarif"} {
		file, err := NewFile(filepath.Join(dir, "deep", "report"+ending), Tool{Version: "1.0.0", URL: "https://example.com"})
		if err != nil {
			t.Fatal(err)
		}
		file.Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: result})
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

func TestReportThatCannotBeWrittenIsToldBeforeTheRun(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(blocked, "report.json"): "not a directory",
		"report.html":                         `the ending chooses the form, and ".html" is none of .json, .xml, .md, .sarif`,
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
	read := func() (r pipeline.Result) {
		if err := json.Unmarshal(must(os.ReadFile(path)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	start := allOutcomes()
	start.Finished = nil
	alc := start.Extensions[0]
	alc.Outcome = pipeline.NotReached
	alc.Stages = []pipeline.StageResult{{Name: "push", Status: pipeline.StageSkipped}}
	start.Extensions = []pipeline.ExtensionResult{alc}
	file.Observe(pipeline.Event{Kind: pipeline.EventRunStarted, Result: start})
	alc.Stages = []pipeline.StageResult{{Name: "push", Status: pipeline.StageStarted}}
	file.Observe(pipeline.Event{Kind: pipeline.EventStageStarted, Extension: &alc, Stage: "push", Writes: true})
	if got := read(); got.Extensions[0].Stages[0].Status != pipeline.StageStarted || got.Finished != nil || got.Totals[pipeline.NotReached] != 1 {
		t.Errorf("before the push: %+v", got)
	}
	alc.Stages = []pipeline.StageResult{{Name: "push", Status: pipeline.StageOK}}
	alc.Outcome = pipeline.Released
	file.Observe(pipeline.Event{Kind: pipeline.EventStageFinished, Extension: &alc, Stage: "push", Writes: true})
	if got := read(); got.Extensions[0].Stages[0].Status != pipeline.StageOK || got.Totals[pipeline.Released] != 1 {
		t.Errorf("after the push: %+v", got)
	}
}

func TestEventsAreOneLineEach(t *testing.T) {
	var out bytes.Buffer
	told := Events(output.New(&out))
	r := allOutcomes()
	told.Observe(pipeline.Event{Kind: pipeline.EventRunStarted, Result: r})
	told.Observe(pipeline.Event{Kind: pipeline.EventNote, Message: "line one\nline two <&>"})
	told.Observe(pipeline.Event{Kind: pipeline.EventEnded, Extension: &r.Extensions[4]})
	told.Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Result: r})
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
	for _, o := range pipeline.Outcomes() {
		if outcomeColor[o] == 0 {
			t.Errorf("%s has no colour", o)
		}
		x := pipeline.ExtensionResult{Name: "alc", Outcome: o, AsAsked: true}
		skipped := o != pipeline.Released && o != pipeline.Linted && o != pipeline.Packed
		if s := junitOf(x, "c"); s.Tests != 1 || s.Failures != 0 || (s.Skipped == 1) != skipped {
			t.Errorf("%s: %+v", o, s)
		}
	}
}

func TestCountsSayWhatIsThere(t *testing.T) {
	if got := counts(allOutcomes()); got != "1 released, 1 exists, 1 drift, 1 blocked, 1 failed, 1 unverified, 1 not-reached" {
		t.Error(got)
	}
	if got := counts(&pipeline.Result{}); got != "no extensions" {
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
		r.Extensions[i].Outcome, r.Extensions[i].AsAsked, r.Extensions[i].Stages = pipeline.NotReached, false, nil
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
		file.Observe(pipeline.Event{Kind: pipeline.EventRunStarted, Result: r})
		if data := must(os.ReadFile(path)); file.Err() != nil || !bytes.Contains(data, []byte(want)) {
			t.Errorf("%v, %s lacks %s:\n%s", file.Err(), ending, want, data)
		}
	}
}
