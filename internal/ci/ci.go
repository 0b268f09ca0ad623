// Package ci knows the CI service that a command runs in, and writes by itself what that service
// shows: annotations, a summary and outputs on GitHub, and reports at fixed places for GitLab and
// Jenkins, which take files that their jobs name.
//
// What cannot be written is a warning: a release does not fail because nobody can be shown it.
package ci

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/report/github"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Service is a CI service; as a value of --ci also Auto.
type Service string

// The services.
const (
	Auto    Service = "auto" // the one whose variables are set
	GitHub  Service = "github"
	GitLab  Service = "gitlab"
	Jenkins Service = "jenkins"
	Off     Service = "off" // none
)

// Folder is where reports lie that nobody gave a place, below the top of the work tree of the job.
const Folder = ".ksrelease/ci"

// Flag is the flag by which another service is meant than the one that is found.
type Flag struct {
	CI Service `name:"ci" enum:"auto,github,gitlab,jenkins,off" default:"auto" placeholder:"SERVICE" help:"The CI service that is shown results: github, gitlab, jenkins or off; default: the one whose variables are set."`
}

// Asked is the service that the words of a command line ask for, which may have a mistake.
func Asked(args []string) Service {
	asked := Auto
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if value, ok := strings.CutPrefix(args[i], "--ci="); ok {
			asked = Service(value)
		} else if args[i] == "--ci" && i+1 < len(args) {
			asked = Service(args[i+1])
		}
	}
	return asked
}

// Job is a job of a service, as far as reports need it.
type Job struct {
	Service Service
	env     func(string) (string, bool)
	// warn says what cannot be written.
	warn func(message string)
}

// In is the job that a command runs in. asked is the value of the flag; what is none, as in a
// command line with a mistake, is taken for Auto. env gives variables of the environment.
func In(asked Service, env func(string) (string, bool), warn func(message string)) Job {
	j := Job{asked, env, warn}
	switch asked {
	case GitHub, GitLab, Jenkins, Off:
		return j
	}
	// GitHub Docs, "Variables reference"; GitLab Docs, "Predefined CI/CD variables reference";
	// Jenkins, "Using environment variables" (jenkins.io/doc/book/pipeline/jenkinsfile), which has
	// JENKINS_URL only where its address is configured.
	switch {
	case j.value("GITHUB_ACTIONS") == "true":
		j.Service = GitHub
	case j.value("GITLAB_CI") == "true":
		j.Service = GitLab
	case j.value("JENKINS_URL") != "", strings.HasPrefix(j.value("BUILD_TAG"), "jenkins-"):
		j.Service = Jenkins
	default:
		j.Service = Off
	}
	return j
}

func (j Job) value(name string) string {
	value, _ := j.env(name)
	return value
}

// Reports are the reports that are written for the job, as values of --report: for each command
// others, so that they do not replace each other.
func (j Job) Reports(command string) []string {
	var top string
	var forms []string
	switch j.Service {
	case GitLab:
		top, forms = j.value("CI_PROJECT_DIR"), []string{"junit=junit.xml", "codequality=code-quality.json", "dotenv=variables.env"}
	case Jenkins:
		top, forms = j.value("WORKSPACE"), []string{"junit=junit.xml"}
	default:
		return nil
	}
	if info, err := os.Stat(top); err != nil || !info.IsDir() {
		top = "." // outside of a job, with --ci
	}
	folder := filepath.Join(top, filepath.FromSlash(Folder))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		j.warn(fmt.Sprintf("%s gets no reports: %v", j.Service, err))
		return nil
	}
	var all []string
	for _, form := range forms {
		name, file, _ := strings.Cut(form, "=")
		all = append(all, name+"="+filepath.Join(folder, command+"-"+file))
	}
	return all
}

// Files are the reports on a run that it shows to the service: those of files, which Reports names, and
// on GitHub what goes elsewhere. Annotations go to standard error, which the service reads as well, so
// that results stay what they are.
func (j Job) Files(files []report.Destination, tool report.Tool, to *output.Stream) (all []report.File) {
	for _, d := range files {
		if file, err := d.Open(tool); err != nil {
			j.Lacks(err)
		} else {
			all = append(all, &optional{file, j.Lacks})
		}
	}
	if j.Service != GitHub {
		return all
	}
	all = append(all, &atEnd{write: func(r *results.Document) { j.end(r, to) }})
	if path := j.value("GITHUB_STEP_SUMMARY"); path != "" {
		all = append(all, &optional{github.NewSummary(path), j.unwritten})
	}
	return all
}

// Lacks warns that a report cannot be written.
func (j Job) Lacks(err error) {
	var at *report.PathError
	if errors.As(err, &at) { // nobody has typed --report
		err = fmt.Errorf("%s: %w", at.Path, at.Err)
	}
	j.warn(fmt.Sprintf("%s lacks a report: %v", j.Service, err))
}

// Failed reports that a command did nothing.
func (j Job) Failed(r *results.Document, to *output.Stream) {
	if j.Service != GitHub {
		return
	}
	j.end(r, to)
	if path := j.value("GITHUB_STEP_SUMMARY"); path != "" {
		s := github.NewSummary(path)
		s.Failed(r)
		if err := s.Err(); err != nil {
			j.unwritten(err)
		}
	}
}

func (j Job) unwritten(err error) { j.warn(err.Error()) }

// end writes what is written at the end of a run.
func (j Job) end(r *results.Document, to *output.Stream) {
	to.Own(github.Annotations(r))
	if path := j.value("GITHUB_OUTPUT"); path != "" {
		if err := github.AppendOutputs(path, github.Outputs(r)); err != nil {
			j.warn(fmt.Sprintf("writing the outputs of the step: %v", err))
		}
	}
}

// atEnd keeps the result of a run until all else is printed.
type atEnd struct {
	write func(*results.Document)
	last  *results.Document
}

// Observe takes the result.
func (a *atEnd) Observe(e results.Event) {
	if e.Kind == results.EventRunFinished {
		a.last = e.Result
	}
}

// Close writes it. A run without a result is reported where it failed.
func (a *atEnd) Close() {
	if a.last != nil {
		a.write(a.last)
	}
}

// Err is nil: what cannot be written is a warning.
func (a *atEnd) Err() error { return nil }

// optional is a report whose error is a warning.
type optional struct {
	report.File
	warn func(error)
}

// Flush writes what came at once, where the report has something to do then.
func (o *optional) Flush() {
	if b, ok := o.File.(interface{ Flush() }); ok {
		b.Flush()
	}
}

// Close says what could not be written.
func (o *optional) Close() {
	if err := o.File.Err(); err != nil {
		o.warn(err)
	}
}

// Err is nil.
func (o *optional) Err() error { return nil }
