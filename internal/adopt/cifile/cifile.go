// Package cifile reads the files in which people keep what a CI system does: workflows and
// actions of GitHub, .gitlab-ci.yml, Jenkinsfile, Makefile and shell scripts. Each becomes a
// list of steps with the shell of each, the lines of the file that it stands on, what starts it,
// and the names of the secrets that it gets.
//
// Nothing is executed, and what the commands mean does not belong here. Files may have been
// written by strangers: their sizes are bounded by the caller (MaxSize), and what cannot be read
// is reported with its place.
package cifile

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// MaxSize is the largest file that is read, in bytes, and maxSteps are the most steps of one.
const (
	MaxSize  = 1 << 20
	maxSteps = 1000
)

// System is what reads a file.
type System string

// The systems.
const (
	GitHub  System = "github"
	GitLab  System = "gitlab"
	Jenkins System = "jenkins"
	Make    System = "make"
	Shell   System = "shell"
)

// Title is the name of a system as people know it.
func (s System) Title() string {
	switch s {
	case GitHub:
		return "GitHub Actions"
	case GitLab:
		return "GitLab CI"
	case Jenkins:
		return "Jenkins"
	case Make:
		return "make"
	}
	return "shell"
}

// File is a file with its steps.
type File struct {
	// Path is relative to the root of the repository, with slashes.
	Path   string
	System System
	// Name is how the file calls itself; may be empty.
	Name     string
	Triggers []Trigger
	Steps    []Step
	// Secrets are all that the file refers to, by name, in the order of the file.
	Secrets []Secret
	// Calls are the paths of other files of the repository that this one includes.
	Calls []string
	// Stages are those that a .gitlab-ci.yml declares.
	Stages []string
	// Odd is what could not be read, or only in part.
	Odd diagnostic.List
}

// Trigger is what starts a file or one of its jobs.
type Trigger struct {
	Kind TriggerKind
	// Patterns are the branches, tags or times (cron) of it; empty for all.
	Patterns []string
	Line     int
}

// TriggerKind is what happens in the repository.
type TriggerKind string

// The kinds of triggers.
const (
	OnChange   TriggerKind = "pull request" // or merge request
	OnMerged   TriggerKind = "merge"        // of a pull request
	OnBranch   TriggerKind = "branch"
	OnTag      TriggerKind = "tag"
	OnSchedule TriggerKind = "schedule"
	OnComment  TriggerKind = "comment"
	OnDemand   TriggerKind = "by hand"
	OnOther    TriggerKind = "other"
)

// Secret is a secret as a file refers to it: its name, never its value.
type Secret struct {
	Name string
	Line int
	// Variable is the environment variable that holds it for a command; may be empty.
	Variable string
}

// Step is a part of a file that does something: a script, or an action of others.
type Step struct {
	// Line is where it begins in the file.
	Line int
	// Job and Name are how the file calls it; may be empty. For a Makefile, Job is the target.
	Job, Name string
	// Uses is the action of GitHub that it uses, with its version, and With its inputs.
	Uses string
	With map[string]string
	// Script is its shell; empty where there is none, or it is no POSIX shell.
	Script string
	// Opaque says that it has a script that is no POSIX shell.
	Opaque bool
	// Lines are the lines of the file on which the lines of Script stand.
	Lines []int
	// Variables are those that the file sets for it.
	Variables map[string]string
	// Folder is the folder in which GitHub starts Script, as written; empty for the root.
	Folder string
	// StopsOnError says that the shell ends at the first command that fails.
	StopsOnError bool
	// Expression finds what the system replaces in Script; nil where there is nothing.
	Expression *lazyregexp.Regexp
	// Repeated says what the system repeats it for: "each job of a matrix"; empty for once.
	Repeated string
	// Condition is when it is taken, as the file says it.
	Condition string
	// Needs are the targets of make that are made first.
	Needs []string
	// RunsOn are the labels of the machine of the job, with commas between; empty where they are
	// computed.
	RunsOn string
}

// LineOf is the line of the file for a line of the script, from 1.
func (s Step) LineOf(line int) int {
	if line < 1 || len(s.Lines) == 0 {
		return s.Line
	}
	return s.Lines[min(line, len(s.Lines))-1]
}

// SystemOf is the system that reads a file of this path; ok is false where it is none that this
// package reads.
func SystemOf(file string) (system System, ok bool) {
	base, dir := path.Base(file), path.Dir(file)
	ending := path.Ext(base)
	isYAML := ending == ".yml" || ending == ".yaml"
	lower := strings.ToLower(base)
	switch {
	case isYAML && (dir == ".github/workflows" || strings.HasSuffix(dir, "/.github/workflows")):
		return GitHub, true
	case isYAML && (base == "action.yml" || base == "action.yaml"):
		return GitHub, true
	case isYAML && (strings.Contains(lower, "gitlab-ci") || slices.Contains(strings.Split(dir, "/"), ".gitlab")):
		return GitLab, true
	case lower == "jenkinsfile" || strings.HasPrefix(lower, "jenkinsfile.") || strings.HasSuffix(lower, ".jenkinsfile"):
		return Jenkins, true
	case lower == "makefile" || lower == "gnumakefile" || ending == ".mk":
		return Make, true
	case ending == ".sh" || ending == ".bash":
		return Shell, true
	}
	return "", false
}

// Read reads a file of a system. Its path is for messages, and for what it includes.
func Read(file string, system System, text []byte) *File {
	f := &File{Path: file, System: system}
	if system != GitHub && system != GitLab { // a parser of YAML does it
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	switch system {
	case GitHub:
		f.readGitHub(text)
	case GitLab:
		f.readGitLab(text)
	case Jenkins:
		f.readJenkins(string(text))
	case Make:
		f.readMake(string(text))
	default:
		f.readShell(string(text))
	}
	if len(f.Steps) > maxSteps {
		f.odd(f.Steps[maxSteps].Line, fmt.Sprintf("the file has %d steps; those from the %dth on were not read", len(f.Steps), maxSteps+1), "")
		f.Steps = f.Steps[:maxSteps]
	}
	return f
}

// odd notes what cannot be read.
func (f *File) odd(line int, message, hint string) {
	f.Odd = append(f.Odd, diagnostic.Diagnostic{
		Code: "adopt/unreadable", Severity: diagnostic.Warning, File: f.Path, Range: diagnostic.At(line, 0), Message: message, Hint: hint,
	})
}

// secret notes a secret once for each variable.
func (f *File) secret(s Secret) {
	for _, known := range f.Secrets {
		if known.Name == s.Name && known.Variable == s.Variable {
			return
		}
	}
	f.Secrets = append(f.Secrets, s)
}

func (f *File) readShell(text string) {
	lines := make([]int, strings.Count(text, "\n")+1)
	for i := range lines {
		lines[i] = i + 1
	}
	f.Steps = []Step{{Line: 1, Script: text, Lines: lines}}
}

// numbered are count lines of a file from one on.
func numbered(from, count int) []int {
	lines := make([]int, count)
	for i := range lines {
		lines[i] = from + i
	}
	return lines
}
