package report

import (
	"encoding/xml"
	"fmt"

	"github.com/ksrelease/ksrelease/pipeline"
)

// The JUnit XML that CI systems read: a suite an extension, a case a stage
// that ran, and a case "outcome" for what no stage tells.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitFailure `xml:"failure,omitempty"`
		Skipped   *junitSkipped `xml:"skipped,omitempty"`
		Output    string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

func junitXML(r *pipeline.Result) ([]byte, error) {
	all := junitSuites{Name: "ksrelease " + r.Command, Time: "0.000"}
	if r.Finished != nil {
		all.Time = fmt.Sprintf("%.3f", r.Finished.Sub(r.Started).Seconds())
	}
	for _, x := range r.Extensions {
		s := junitOf(x)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

func junitOf(x pipeline.ExtensionResult) junitSuite {
	s := junitSuite{Name: titleOf(x)}
	var total int64
	add := func(c junitCase, ms int64) {
		c.Classname, c.Time = "ksrelease."+x.Name, seconds(ms)
		total += ms
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	told := false
	for _, stage := range x.Stages {
		c := junitCase{Name: stage.Name}
		switch stage.Status {
		case pipeline.StageSkipped:
			continue
		case pipeline.StageFailed, pipeline.StageStarted:
			c.Failure = failureOf(x)
			told = true
		}
		add(c, stage.Milliseconds)
	}
	outcome := junitCase{Name: "outcome", Output: string(x.Outcome) + colon(x.Reason)}
	switch {
	case x.AsAsked && !didAll(x.Outcome):
		outcome.Skipped = &junitSkipped{Message: outcome.Output}
	case !x.AsAsked && !told:
		outcome.Failure = failureOf(x)
	}
	add(outcome, 0)
	s.Time = seconds(total)
	return s
}

// didAll says that an extension went through everything that its command is for;
// the others that ended as asked are shown as skipped.
func didAll(o pipeline.Outcome) bool {
	return o == pipeline.Released || o == pipeline.Linted || o == pipeline.Packed
}

func failureOf(x pipeline.ExtensionResult) *junitFailure {
	f := &junitFailure{Message: x.Reason, Type: string(x.Outcome), Text: x.Reason}
	if x.Error != nil {
		f.Message = x.Error.Message
		f.Text = x.Error.Message
		if x.Error.Remedy != "" {
			f.Text += "\n" + x.Error.Remedy
		}
	}
	return f
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
