package github

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/ksrelease/ksrelease/internal/results"
)

// command is a line of the log as the runner reads it.
type command struct {
	name, data string
	properties map[string]string
}

// readCommand is TryParseV2 of the runner (actions/runner, ActionCommand.cs), with what
// IssueCommandExtension asks of the properties of an annotation.
func readCommand(line string) (command, error) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::")
	if !ok {
		return command{}, fmt.Errorf("%q is no command", line)
	}
	head, text, ok := strings.Cut(rest, "::")
	if !ok {
		return command{}, fmt.Errorf("%q has no end", line)
	}
	name, list, _ := strings.Cut(head, " ")
	c := command{name: name, data: strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(text), properties: map[string]string{}}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return c, fmt.Errorf("%q is no property", pair)
		}
		c.properties[strings.TrimSpace(key)] = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(value)
	}
	number := func(key string) int {
		if c.properties[key] == "" {
			return 0
		}
		n, err := strconv.Atoi(c.properties[key])
		if err != nil || n < 1 {
			return -1
		}
		return n
	}
	line1, endLine, col, endColumn := number("line"), number("endLine"), number("col"), number("endColumn")
	switch {
	case !slices.Contains(levels, name):
		return c, fmt.Errorf("%s is no level", name)
	case min(line1, endLine, col, endColumn) < 0:
		return c, fmt.Errorf("a number of %v", c.properties)
	case line1 == 0 && (endLine > 0 || col > 0), endLine > 0 && endLine < line1:
		return c, fmt.Errorf("the runner drops the lines of %v", c.properties)
	case col > 0 && endLine != line1, endColumn > 0 && endColumn < col:
		return c, fmt.Errorf("the runner drops the columns of %v", c.properties)
	case c.data == "" || len(utf16.Encode([]rune(c.data))) > mostUnits:
		return c, fmt.Errorf("a message of %d", len(c.data))
	}
	for key := range c.properties {
		if !slices.Contains([]string{"title", "file", "line", "endLine", "col", "endColumn"}, key) {
			return c, fmt.Errorf("the property %s", key)
		}
	}
	return c, nil
}

// read reads annotations as the runner does, and holds them to its limits.
func read(t *testing.T, text []byte) []command {
	t.Helper()
	var all []command
	levelsSeen := map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		if line == "" {
			continue
		}
		c, err := readCommand(line)
		if err != nil {
			t.Errorf("%v", err)
		}
		if len(all) > 0 && slices.Index(levels, c.name) < slices.Index(levels, all[len(all)-1].name) {
			t.Errorf("%s comes after %s", c.name, all[len(all)-1].name)
		}
		if levelsSeen[c.name]++; levelsSeen[c.name] > mostOfLevel {
			t.Errorf("%d of %s", levelsSeen[c.name], c.name)
		}
		all = append(all, c)
	}
	return all
}

func inRepository(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{".git", "ext/alc"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ext/alc/extension.yaml"), []byte("name: alc\nversion: 1.2.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "ext"))
}

func TestAnnotations(t *testing.T) {
	inRepository(t)
	now := time.Now()
	at := func(severity, code, file string, line, column int) results.Finding {
		return results.Finding{Code: code, Severity: severity, Message: "what: 100%\nsecond", Hint: "do that", File: file, Line: line, Column: column, EndColumn: column + 3}
	}
	r := &results.Document{Command: "run", Finished: &now, Warnings: []string{"no TLS"}, Extensions: []results.Extension{
		{Name: "alc", Version: "1.2.0", Path: "alc", Outcome: results.Drift, Reason: "other content"},
		{Name: "bee", Version: "1.0.0", Path: "bee", Outcome: results.Failed, Error: &results.Error{Stage: results.StageLint, Message: "1 error"}, Findings: []results.Finding{
			at("info", "texts/long", "bee/a.yaml", 7, 0),
			at("error", "images/tag", "bee/a,b:%.yaml", 3, 2),
			at("error", "images/tag", "bee/a,b:%.yaml", 9, 2),
			at("error", "images/tag", "bee/a,b:%.yaml", 9, 8),
			at("warning", "images/tag", "bee/a,b:%.yaml", 4, 2),
		}},
		{Name: "cat", Version: "1.0.0", Path: "cat", Outcome: results.Failed, Error: &results.Error{Stage: results.StagePush, Message: "503", Hint: "try again"}},
		{Name: "dog", Version: "1.0.0", Path: "dog", Outcome: results.Released, AsAsked: true},
	}}
	var got []string
	for _, c := range read(t, Annotations(r)) {
		p := c.properties
		got = append(got, fmt.Sprintf("%s %s %s:%s:%s-%s %q", c.name, p["title"], p["file"], p["line"], p["col"], p["endColumn"], c.data))
	}
	want := []string{
		`error alc 1.2.0: drift ext/alc/extension.yaml:2:- "other content"`,
		`error cat 1.0.0: failed ext/cat:1:- "push: 503\n→ try again"`,
		`error images/tag ext/bee/a,b:%.yaml:3:2-5 "what: 100%\nsecond\n→ do that\nThe same in line 9"`,
		`warning images/tag ext/bee/a,b:%.yaml:4:2-5 "what: 100%\nsecond\n→ do that"`,
		`warning ksrelease run ::- "no TLS"`,
		`notice texts/long ext/bee/a.yaml:7:- "what: 100%\nsecond\n→ do that"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Of many the tenth says how many are left out, messages are cut with a mark, and the texts of
// others make no command.
func TestAnnotationsWithinLimits(t *testing.T) {
	inRepository(t)
	now := time.Now()
	x := results.Extension{Name: "alc", Version: "1", Path: "alc", Outcome: results.Failed, Error: &results.Error{Stage: results.StageLint}}
	for i := range 40 {
		x.Findings = append(x.Findings, results.Finding{Code: "a/b", Severity: []string{"error", "warning", "info", "error"}[i%4], Message: strings.Repeat("𝄞", 3000), File: fmt.Sprint(i, ".yaml"), Line: i})
	}
	for i := range 30 {
		x.Findings = append(x.Findings, results.Finding{Code: "a/c", Severity: "info", Message: "m", File: "x.yaml", Line: i + 1})
	}
	all := read(t, Annotations(&results.Document{Finished: &now, Extensions: []results.Extension{x}}))
	if len(all) != 30 || !strings.Contains(all[9].data, "and 11 more errors") || !strings.HasSuffix(all[0].data, "𝄞…") {
		t.Errorf("%d: %+v", len(all), all[9])
	}
	x.Findings = x.Findings[40:]
	if all = read(t, Annotations(&results.Document{Finished: &now, Extensions: []results.Extension{x}})); len(all) != 2 || !strings.Contains(all[1].data, "2, 3, 4, 5, 6, 7, 8, 9 and 21 more") {
		t.Errorf("%+v", all)
	}
	for _, s := range []string{"::error::x", "a\n::set-output name=a::b", "##[error]x", "\r::debug::x", "a,line=9::x", "%0A::error::", "\x1b[2J", ""} {
		r := &results.Document{Command: s, Finished: &now, Warnings: []string{s}, Extensions: []results.Extension{
			{Name: s, Version: s, Path: s, Outcome: results.Failed, Reason: s, Error: &results.Error{Stage: results.StagePush, Message: s, Hint: s}, Findings: []results.Finding{{Code: s, Severity: s, Message: s, Hint: s, File: s}}},
		}}
		text := Annotations(r)
		if s == "" {
			r.Warnings = nil
			text = Annotations(r)
		}
		if len(read(t, text)) > 3 || strings.Contains(string(text), "##[") {
			t.Errorf("%q: %s", s, text)
		}
	}
	// A command that did nothing, and one that was killed.
	failed := &results.Document{Command: "run", Finished: &now, Error: &results.CommandError{Message: "2 mistakes", Problems: []results.Finding{{Code: "configuration/x", Severity: "error", Message: "m", File: ".ksrelease.yaml", Line: 2}}}}
	if all := read(t, Annotations(failed)); len(all) != 1 || all[0].properties["line"] != "2" || all[0].properties["file"] != "ext/.ksrelease.yaml" {
		t.Errorf("%+v", all)
	}
	if all := read(t, Annotations(&results.Document{})); len(all) != 1 || !strings.Contains(all[0].data, "no end") {
		t.Errorf("%+v", all)
	}
}

// readOutputs reads a file as the runner does (FileCommandManager.cs, EnvFileKeyValuePairs).
func readOutputs(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case equals >= 0 && (heredoc < 0 || equals < heredoc):
			all[line[:equals]] = line[equals+1:]
		case heredoc > 0:
			end := slices.Index(lines[i+1:], line[heredoc+2:])
			if end < 0 {
				t.Fatalf("matching delimiter not found: %q", line)
			}
			all[line[:heredoc]] = strings.Join(lines[i+1:i+1+end], "\n")
			i += 1 + end
		default:
			t.Fatalf("invalid format %q", line)
		}
	}
	return all
}

func TestOutputs(t *testing.T) {
	now := time.Now()
	path := filepath.Join(t.TempDir(), "outputs")
	if err := os.WriteFile(path, []byte("before=1\nopen=x"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &results.Document{Command: "run", Finished: &now, Extensions: []results.Extension{
		{Name: "alc", Version: "1.2.0", Path: "ext/alc", Outcome: results.Released, AsAsked: true, Findings: []results.Finding{{Severity: "warning"}, {Severity: "info"}}},
		{Name: "b\nx=1\n", Version: "1\r", Path: "<b>", Outcome: results.Failed, Findings: []results.Finding{{Severity: "error"}}},
	}}
	if err := AppendOutputs(path, Outputs(r)); err != nil {
		t.Fatal(err)
	}
	got := readOutputs(t, path)
	for name, want := range map[string]string{
		"before": "1", "open": "x", "as-asked": "false", "command": "run", "released-count": "1", "failed-count": "1", "planned": "[]", "planned-count": "0", "exists-count": "0",
		"released": `[{"name":"alc","version":"1.2.0","path":"ext/alc"}]`, "matrix": `{"include":[{"name":"alc","version":"1.2.0","path":"ext/alc"}]}`, "matrix-count": "1", "errors": "1", "warnings": "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.Contains(got["totals"], `"released":1`) || got["x"] != "" {
		t.Errorf("%+v", got)
	}
	// Within what GitHub takes, whatever there is.
	r = &results.Document{Finished: &now, DryRun: true}
	for i := range 20_000 {
		r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprint("extension-of-some-length-", i), Version: "1.0.0", Path: "extensions/of/some/length", Outcome: results.Planned, AsAsked: true})
	}
	size := 0
	for _, o := range Outputs(r) {
		size += len(o.Value)
		if o.Name == "matrix" {
			var matrix struct{ Include []map[string]string }
			if err := json.Unmarshal([]byte(o.Value), &matrix); err != nil || len(matrix.Include) != 256 || strings.Contains(o.Value, "\n") {
				t.Errorf("%d jobs, %v", len(matrix.Include), err)
			}
		}
		if o.Name == "planned-count" && o.Value != "20000" || o.Name == "as-asked" && o.Value != "true" {
			t.Errorf("%+v", o)
		}
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(o.Name) {
			t.Errorf("the name %q", o.Name)
		}
	}
	if size > 500_000 {
		t.Errorf("%d characters", size)
	}
	if err := AppendOutputs(filepath.Join(path, "none"), nil); err == nil {
		t.Error("a file in a file was written")
	}
}

func TestSummaryGrowsWithTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(path, []byte("# of another tool"), 0o644); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var s *Summary
	content := func() string {
		s.Flush()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s = NewSummary(path)
	alc := results.Extension{Name: "alc", Version: "1.2.0", Outcome: results.Released, AsAsked: true}
	bee := results.Extension{Name: "bee", Version: "1.0.0", Outcome: results.Failed, Error: &results.Error{Stage: results.StagePush, Message: "503"}}
	r := &results.Document{Command: "run", Warnings: []string{"no TLS"}, Extensions: []results.Extension{{Name: "alc"}, {Name: "bee"}}}
	s.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
	if got := content(); got != "# of another tool\n\n## ksrelease run\n\n- warning: no TLS\n\n" {
		t.Errorf("%q", got)
	}
	s.Observe(results.Event{Kind: results.EventEnded, Extension: &bee})
	if got := content(); !strings.HasSuffix(got, "| --- | --- | --- | ---: | --- |\n| bee | `1.0.0` | ❌ failed |  |  |\n") && !strings.HasSuffix(got, "| bee | 1.0.0 | ❌ failed |  |  |\n") {
		t.Errorf("%q", got)
	}
	s.Observe(results.Event{Kind: results.EventEnded, Extension: &alc})
	if got := content(); !strings.HasSuffix(got, "❌ failed |  |  |\n| alc | 1.2.0 | released |  |  |\n") { // a run that is killed leaves this
		t.Errorf("%q", got)
	}
	done := *r
	done.Finished, done.Extensions = &now, []results.Extension{alc, bee}
	done.Recount()
	s.Observe(results.Event{Kind: results.EventRunFinished, Result: &done})
	got := content()
	for _, want := range []string{"| --- |\n| alc | 1.2.0 | released |  |  |\n| bee | 1.0.0 | ❌ failed |  |  |\n\n**1 released, 1 failed**\n\n### bee", "```text\n503\n```"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Count(got, "| extension | version |") != 1 || s.Err() != nil {
		t.Errorf("%v\n%s", s.Err(), got)
	}
}

// Whatever there is to say, and whatever others have written: the runner keeps the summary.
func TestSummaryWithinLimits(t *testing.T) {
	now := time.Now()
	for _, before := range []int{0, 300_000, 980_000, 998_900, 1_100_000} {
		path := filepath.Join(t.TempDir(), "summary")
		if err := os.WriteFile(path, make([]byte, before), 0o644); err != nil {
			t.Fatal(err)
		}
		s := NewSummary(path)
		r := &results.Document{Command: "run", Finished: &now}
		s.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
		for i := range 9000 {
			x := results.Extension{Name: fmt.Sprint("alc-", i), Version: "1.2.0", Outcome: results.Failed, Reason: strings.Repeat("r", 50), Error: &results.Error{Stage: results.StageLint, Message: strings.Repeat("m", 300)},
				Findings: []results.Finding{{Severity: []string{"info", "error"}[i%2], Code: "a/b", Rule: "a", Message: strings.Repeat("f", 200)}}}
			r.Extensions = append(r.Extensions, x)
			s.Observe(results.Event{Kind: results.EventEnded, Extension: &x})
			if i%100 == 0 {
				s.Flush()
			}
		}
		r.Recount()
		s.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
		s.Flush()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if before < mostSummary {
			for _, want := range []string{"| extension | version |", "| and ", "**9000 failed", "sections left out", " more |\n\n</details>"} {
				if !strings.Contains(string(data), want) {
					t.Errorf("%q is missing after %d bytes: …%s", want, before, data[len(data)-300:])
				}
			}
			if s.Err() != nil {
				t.Error(s.Err())
			}
		} else if s.Err() == nil {
			t.Errorf("nothing is said of what is missing after %d bytes", before)
		}
		if most := max(mostSummary, before); len(data) > most {
			t.Errorf("%d bytes after %d", len(data), before)
		}
	}
	// A command that did nothing may have many mistakes to tell of.
	failed := &results.Document{Command: "run", Error: &results.CommandError{Message: "mistakes"}}
	for range 5000 {
		failed.Error.Problems = append(failed.Error.Problems, results.Finding{Severity: "error", Message: strings.Repeat("m", 300)})
	}
	path := filepath.Join(t.TempDir(), "summary")
	s := NewSummary(path)
	s.Failed(failed)
	if data, err := os.ReadFile(path); err != nil || s.Err() != nil || len(data) > mostSummary || !strings.Contains(string(data), "sections left out") {
		t.Errorf("%v, %v, %d bytes", err, s.Err(), len(data))
	}
}
