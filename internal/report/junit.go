package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The JUnit XML that CI systems read: a suite an extension, and in it a case for each
// stage that ran, for each finding, and, where no stage tells of it, for the outcome.
//
// The form is what the schema of Jenkins' xUnit plugin allows (junit-10.xsd, xunit-plugin
// 3.1.7), which refuses the whole file otherwise: no skipped on testsuites, no file on
// testcase, errors on both. Jenkins takes the message of a case from the attribute, and
// GitLab from the text alone, so both have it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string     `xml:"name,attr"`
		Classname string     `xml:"classname,attr"`
		Time      string     `xml:"time,attr"`
		Failure   *junitNote `xml:"failure,omitempty"`
		Skipped   *junitNote `xml:"skipped,omitempty"`
		Output    string     `xml:"system-out,omitempty"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

func junitXML(r *results.Document) ([]byte, error) {
	all := junitSuites{Name: strings.TrimSpace("ksrelease " + r.Command), Time: "0.000"}
	if r.Finished != nil {
		all.Time = seconds(r.Finished.Sub(r.Started).Milliseconds())
	}
	classes := classesOf(r.Extensions)
	for i, x := range r.Extensions {
		all.Suites = append(all.Suites, junitOf(x, classes[i]))
	}
	if len(all.Suites) == 0 {
		all.Suites = []junitSuite{junitOfNone(r)}
	}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Timestamp = r.Started.UTC().Format(time.RFC3339)
		all.Tests += s.Tests
		all.Failures += s.Failures
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

// classesOf are the class names of extensions: readers file cases by class and name, so
// each has one of its own, and the part behind the last dot is the name.
func classesOf(extensions []results.Extension) []string {
	dotless := func(s string) string { return strings.ReplaceAll(oneLine(s), ".", "_") }
	taken := map[string]int{}
	for _, x := range extensions {
		taken[dotless(x.Name)]++
	}
	classes, used := make([]string, len(extensions)), map[string]int{}
	for i, x := range extensions {
		class := dotless(x.Name)
		if taken[class] > 1 && x.Version != "" {
			class += "@" + dotless(x.Version)
		}
		if used[class]++; used[class] > 1 {
			class += fmt.Sprintf(" (%d)", used[class])
		}
		classes[i] = "ksrelease." + class
	}
	return classes
}

// junitOfNone is a suite with one case, for a run without extensions: a file without any
// is taken for no result at all, or for a good one.
func junitOfNone(r *results.Document) junitSuite {
	s := junitSuite{Name: "ksrelease", Time: seconds(0)}
	c := junitCase{Name: "extensions", Classname: "ksrelease"}
	if r.Error == nil {
		c.Skipped = note("", "no extension was selected")
	} else {
		c.Name = "configuration"
		text := []string{r.Error.Message}
		for _, p := range r.Error.Problems {
			text = append(text, findingText(p))
		}
		c.Failure = note("error", r.Error.Message, append(text[1:], r.Error.Hint)...)
	}
	s.add(c, 0)
	return s
}

// add adds a case that took so many milliseconds.
func (s *junitSuite) add(c junitCase, ms int64) {
	c.Time = seconds(ms)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func junitOf(x results.Extension, class string) junitSuite {
	s := junitSuite{Name: oneLine(titleOf(x))}
	var total int64
	failed := map[string]bool{} // which targets have a stage that failed
	stages := func(x results.Extension, target string, stages []results.Stage) {
		for _, stage := range stages {
			c := junitCase{Name: oneLine(stage.Name + ofTarget(target)), Classname: class}
			switch stage.Status {
			case results.StageSkipped:
				continue
			case results.StagePlanned:
				c.Skipped = note("planned", "planned: nothing is sent")
			case results.StageFailed, results.StageStarted:
				c.Failure = failureOf(x)
				failed[target] = true
			}
			total += stage.Milliseconds
			s.add(c, stage.Milliseconds)
		}
	}
	targets := ends(x)
	stages(x, "", slices.DeleteFunc(slices.Clone(x.Stages), func(s results.Stage) bool { return len(targets) > 0 && isOfTargets(s, targets) }))
	for _, t := range targets {
		stages(asIn(x, t), t.Name, t.Stages)
	}
	names := map[string]int{}
	for _, f := range x.Findings {
		s.add(findingCase(f, class, names), 0)
	}
	// What a stage has reported is not reported again: a case that says "failed" and did not
	// fail would be shown green.
	eachEnd(x, func(target string, x results.Extension) {
		outcome := junitCase{Name: oneLine("outcome" + ofTarget(target)), Classname: class}
		reported := failed[target] || failed[""]
		text := string(x.Outcome) + colon(x.Reason)
		switch {
		case !x.AsAsked && !reported:
			outcome.Failure = failureOf(x)
		case x.AsAsked && !didAll(x.Outcome):
			outcome.Skipped = note(string(x.Outcome), text, differsNote(x.Differs))
		case x.AsAsked:
			outcome.Output = lines(text)
		}
		if x.AsAsked || !reported {
			s.add(outcome, 0)
		}
	})
	s.Time = seconds(total)
	return s
}

// isOfTargets says that a stage is one that each target has.
func isOfTargets(stage results.Stage, targets []results.Target) bool {
	return slices.ContainsFunc(targets[0].Stages, func(s results.Stage) bool { return s.Name == stage.Name })
}

// findingCase is a finding as a case: failed where it keeps the extension from being
// released, else skipped, which is seen and breaks nothing.
func findingCase(f results.Finding, class string, names map[string]int) junitCase {
	name := oneLine(strings.TrimSuffix(cmp.Or(f.Code, f.Rule)+": "+f.Diagnostic().Position(), ": "))
	if names[name]++; names[name] > 1 {
		name += fmt.Sprintf(" (%d)", names[name])
	}
	c := junitCase{Name: name, Classname: class}
	said := &junitNote{Message: oneLine(f.Message), Type: oneLine(cmp.Or(f.Code, f.Rule)), Text: lines(f.Severity + ": " + findingText(f))}
	if f.Severity == "error" {
		c.Failure = said
	} else {
		c.Skipped = said
	}
	return c
}

// findingText is a finding in full.
func findingText(f results.Finding) string { return f.Diagnostic().Error() }

// didAll says that an extension went through everything that its command is for;
// the others that ended as asked are shown as skipped.
func didAll(o results.Outcome) bool {
	return o == results.Released || o == results.Linted || o == results.Packed
}

func failureOf(x results.Extension) *junitNote {
	if x.Error == nil {
		return note(string(x.Outcome), string(x.Outcome)+colon(x.Reason), differsNote(x.Differs))
	}
	if x.Outcome != results.Failed { // its reason says more than where it failed
		return note(string(x.Outcome), string(x.Outcome)+colon(x.Reason), x.Error.Message, x.Error.Hint)
	}
	return note(string(x.Outcome), x.Error.Message, x.Error.Hint)
}

// note is what is said of a case: a message, and more below it. Where there is more that
// begins with the message, that is the text.
func note(kind, message string, more ...string) *junitNote {
	text := []string{message}
	for _, m := range more {
		if m != "" {
			text = append(text, m)
		}
	}
	return &junitNote{Message: oneLine(message), Type: oneLine(kind), Text: lines(strings.Join(text, "\n"))}
}

// oneLine and lines are texts of others in an XML report. Control characters, which XML
// has no form for, are shown. GitLab takes "[[ATTACHMENT|path]]" in a text for a file
// of the job to link to (unit_test_reports.md).
func oneLine(s string) string { return withoutAttachments(output.Visible(s)) }

func lines(s string) string { return withoutAttachments(output.VisibleLines(s)) }

func withoutAttachments(s string) string {
	return strings.ReplaceAll(s, "[[ATTACHMENT", "[ [ATTACHMENT")
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(max(0, ms))/1000) }
