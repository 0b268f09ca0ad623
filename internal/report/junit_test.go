package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
)

// xunit are the rules of junit-10.xsd (jenkinsci/xunit-plugin 3.1.7) that our form comes
// near: of each element the attributes that it must have, those that it may have, and the
// elements in it. Whatever is not listed is refused there, and with it the whole file.
var xunit = map[string]struct{ must, may, holds []string }{
	"testsuites": {nil, []string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
	"testsuite": {[]string{"name", "tests", "failures", "errors"}, []string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
		[]string{"testsuite", "properties", "testcase", "system-out", "system-err"}},
	"testcase":   {[]string{"name"}, []string{"time", "classname", "group"}, []string{"skipped", "error", "failure", "system-out", "system-err"}},
	"failure":    {nil, []string{"type", "message"}, nil},
	"skipped":    {nil, []string{"type", "message"}, nil},
	"system-out": {nil, nil, nil},
}

var surefireTime = regexp.MustCompile(`^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?$`)

// holdToXUnit says what of a file the schema refuses, and what else a reader would stumble
// over: cases with one name, cases without a reason, sums that do not add up.
func holdToXUnit(data []byte) (wrong []string) {
	tell := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	decoder := xml.NewDecoder(bytes.NewReader(data))
	stack := []string{""}
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return append(wrong, err.Error())
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			rule, known := xunit[name]
			if parent := stack[len(stack)-1]; !known || parent != "" && !slices.Contains(xunit[parent].holds, name) || parent == "" && name != "testsuites" {
				tell("%s in %q", name, parent)
			}
			var has []string
			for _, a := range e.Attr {
				has = append(has, a.Name.Local)
				if !slices.Contains(append(rule.must, rule.may...), a.Name.Local) {
					tell("%s has %s", name, a.Name.Local)
				}
				if a.Name.Local == "time" && (a.Value == "" || !surefireTime.MatchString(a.Value)) {
					tell("%s has the time %q", name, a.Value)
				}
			}
			for _, must := range rule.must {
				if !slices.Contains(has, must) {
					tell("%s has no %s", name, must)
				}
			}
			stack = append(stack, name)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
	var all junitSuites
	if err := xml.Unmarshal(data, &all); err != nil {
		return append(wrong, err.Error())
	}
	if len(all.Suites) == 0 {
		tell("no suite")
	}
	seen, tests, failures := map[string]bool{}, 0, 0
	for _, s := range all.Suites {
		if _, err := time.Parse(time.RFC3339, s.Timestamp); err != nil {
			tell("%v", err)
		}
		skipped, failed := 0, 0
		for _, c := range s.Cases {
			if c.Name == "" || c.Classname == "" || seen[c.Classname+"\x00"+c.Name] {
				tell("the case %q of %q is not alone", c.Name, c.Classname)
			}
			seen[c.Classname+"\x00"+c.Name] = true
			for _, n := range []*junitNote{c.Failure, c.Skipped} {
				if n != nil && (n.Message == "" || n.Text == "") {
					tell("the case %q has no reason", c.Name)
				}
			}
			if c.Failure == nil && c.Skipped == nil && regexp.MustCompile(`failed|blocked|drift|unverified|not-reached`).MatchString(c.Output) {
				tell("the case %q is green and says %q", c.Name, c.Output)
			}
			if c.Failure != nil {
				failed++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failed || s.Skipped != skipped || len(s.Cases) == 0 {
			tell("the suite %q has wrong sums", s.Name)
		}
		tests, failures = tests+s.Tests, failures+s.Failures
	}
	if all.Tests != tests || all.Failures != failures {
		tell("wrong sums")
	}
	return wrong
}

func TestJUnitIsWhatXUnitTakes(t *testing.T) {
	finished := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	several := allOutcomes()
	for i := range several.Extensions {
		several.Extensions[i].Name, several.Extensions[i].Path = "alc", "x"
	}
	several.Extensions[0].Version, several.Extensions[1].Version = "", ""
	long := allOutcomes()
	long.Started = long.Started.Add(-30 * time.Hour)
	begun := allOutcomes()
	begun.Finished = nil
	results := map[string]*results.Document{
		"all outcomes": allOutcomes(), "several of one name": several, "a long run": long, "a run that was killed": begun,
		"no extensions": {Started: finished, Finished: &finished},
		"a usage error": {Command: "run", Started: finished, Finished: &finished, Error: &results.CommandError{Message: "two mistakes", Hint: "see there", Problems: []results.Finding{
			{Rule: results.RuleConfig, Message: "first", File: ".ksrelease.yaml", Line: 2}, {Message: "second", File: ".ksrelease.yaml"},
		}}},
	}
	for _, s := range hostileTexts {
		results[s] = hostileResult(s)
	}
	for name, r := range results {
		data, err := junitXML(r)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if wrong := holdToXUnit(data); len(wrong) > 0 {
			t.Errorf("%q: %q\n%s", name, wrong, data)
		}
		if bytes.Contains(data, []byte("[[ATTACHMENT")) {
			t.Errorf("%q names a file to GitLab", name)
		}
	}
	data, _ := junitXML(results["a usage error"])
	for _, want := range []string{`failures="1"`, ".ksrelease.yaml:2: first", ".ksrelease.yaml: second", "see there"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("a usage error lacks %s:\n%s", want, data)
		}
	}
}

// Every finding is a case: failed if it is an error, else skipped with what it says.
func TestJUnitHasEveryFinding(t *testing.T) {
	x := results.Extension{Name: "alc", Version: "1.0.0", Outcome: results.Failed, Stages: []results.Stage{{Name: results.StageLint, Status: results.StageFailed}}}
	for i, severity := range []string{"error", "warning", "info", "error", "warning"} {
		x.Findings = append(x.Findings, results.Finding{Rule: "images", Severity: severity, Message: fmt.Sprintf("finding %d", i), Hint: "do that", File: "a.yaml", Line: 1 + i/4})
	}
	x.Findings = append(x.Findings, results.Finding{Rule: "images", Severity: "warning", Message: "[[ATTACHMENT|/etc/passwd]]", File: "a.yaml", Line: 1})
	s := junitOf(x, "ksrelease.alc")
	if s.Tests != 7 || s.Failures != 3 || s.Skipped != 4 {
		t.Errorf("%+v", s)
	}
	for i, c := range s.Cases[1:6] {
		said := c.Failure
		if said == nil {
			said = c.Skipped
		}
		if said == nil || said.Message != fmt.Sprintf("finding %d", i) || !strings.Contains(said.Text, "do that") {
			t.Errorf("%+v", c)
		}
	}
	if text := s.Cases[6].Skipped.Text; !strings.Contains(text, "[ [ATTACHMENT|") {
		t.Error(text)
	}
}

// What the schema refuses is found: the test of the tests above.
func TestXUnitRules(t *testing.T) {
	const sound = `<testsuites name="a" tests="1" failures="0" errors="0" time="0.000"><testsuite name="b" tests="1" failures="0" errors="0" skipped="0" time="0.1" timestamp="2026-11-22T10:00:00Z"><testcase name="c" classname="d" time="0.000"></testcase></testsuite></testsuites>`
	if wrong := holdToXUnit([]byte(sound)); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for _, change := range [][2]string{
		{`time="0.000"><testsuite `, `time="0.000" skipped="0"><testsuite `}, {` errors="0" skipped`, ` skipped`}, {`classname="d"`, `classname="d" file="x"`},
		{`time="0.1"`, `time="1e-3"`}, {`time="0.1"`, `time="0.1234"`}, {`</testcase>`, `<properties></properties></testcase>`}, {`</testcase>`, `<skipped message="x"></skipped></testcase>`},
		{`</testcase>`, `<system-out>failed: x</system-out></testcase>`}, {`tests="1" failures="0" errors="0" skipped`, `tests="2" failures="0" errors="0" skipped`},
	} {
		if wrong := holdToXUnit([]byte(strings.Replace(sound, change[0], change[1], 1))); len(wrong) == 0 {
			t.Errorf("%s passes", change[1])
		}
	}
}
