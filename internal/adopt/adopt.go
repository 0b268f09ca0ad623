// Package adopt reads the files in which a repository calls ksbuilder, helm, oras and their like
// to release extensions, explains what they do and what goes wrong with it, and makes what takes
// their place: a config, and a workflow for the CI system that is in use.
//
// It executes nothing, and changes no file that is there.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/redact"
)

// Options are what is to be read, and what is known besides.
type Options struct {
	// Root is the absolute folder of the repository.
	Root string
	// Paths are files or folders, relative to Root or absolute; empty: the places where CI
	// systems look.
	Paths []string
	// Accepts says whether this version of ksrelease takes a command line.
	Accepts practice.Accepts
	// Version is that of ksrelease which the new workflow installs, as go install takes it.
	Version string
}

// Report is what was found, and what would be written. It is the JSON of the command.
type Report struct {
	SchemaVersion int `json:"schema_version"`
	// Files are those that have to do with releases, sorted by path.
	Files []*File `json:"files"`
	// Secrets are names, never values.
	Secrets []Secret `json:"secrets"`
	// Literals are the places of keys and passwords that stand in files.
	Literals []Literal `json:"literals"`
	// Removable is what can be taken out once the new files are in use, and Stays what not.
	Removable []Part `json:"removable"`
	Stays     []Part `json:"stays"`
	// Unread is what could not be read, or only in part.
	Unread []Unread `json:"unread"`
	// Writes are the new files.
	Writes []*Write `json:"writes"`
	// Notes are what else is to be done or known, a sentence each.
	Notes []string `json:"notes"`
	// LeftOut are directories with an extension.yaml that no release would take.
	LeftOut []discover.LeftOut `json:"-"`
}

// File is a file with the steps of it that have to do with releases.
type File struct {
	Path     string        `json:"path"`
	System   cifile.System `json:"system"`
	Name     string        `json:"name,omitempty"`
	Triggers []string      `json:"triggers"`
	Steps    []*Step       `json:"steps"`
}

// Step is a step of a file.
type Step struct {
	Line int     `json:"line"`
	Job  string  `json:"job,omitempty"`
	Name string  `json:"name,omitempty"`
	Uses []*Used `json:"uses"`
	// Others are the names of commands in it that are unknown here.
	Others []string `json:"others,omitempty"`
}

// Used is one thing that a step does.
type Used struct {
	Practice string   `json:"practice"`
	Line     int      `json:"line"`
	Command  string   `json:"command"`
	Over     string   `json:"over,omitempty"`
	Does     string   `json:"does"`
	Wrong    []string `json:"wrong"`
	// Cover is covered, unneeded, kept or serves.
	Cover practice.Cover `json:"cover"`
	By    string         `json:"by,omitempty"`
	Note  string         `json:"note,omitempty"`
	// At is the place of what is called, as PATH:LINE.
	At string `json:"at,omitempty"`
}

// Secret is a secret that the old files use.
type Secret struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Key says that it holds the API key of the marketplace.
	Key bool `json:"key"`
}

// Literal is a key or password that stands in a file.
type Literal struct {
	File string `json:"file"`
	Line int    `json:"line"`
	// What is the flag or variable that has it.
	What string `json:"what"`
}

// Part is a part of a file: all of it, a job, a step or a line.
type Part struct {
	File string `json:"file"`
	Line int    `json:"line"`
	What string `json:"what"`
	Why  string `json:"why,omitempty"`
}

// Unread is a place that could not be read.
type Unread struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// read is a file with what its steps do.
type read struct {
	file   *cifile.File
	text   string
	uses   [][]practice.Use
	others [][]string
	// targets are the steps of a Makefile by the names of their targets.
	targets map[string]int
}

// Read reads the files, and makes the report. What is wrong with the extensions of the
// repository is no error here, but where there are none nothing can be written.
func Read(ctx context.Context, o Options) (*Report, error) {
	c, err := gather(o)
	if err != nil {
		return nil, err
	}
	found := discover.Extensions(ctx, o.Root)
	if len(found.Odd) > 0 {
		return nil, failure.WithHint(fmt.Errorf("looking for extensions: %s: %s", found.Odd[0].File, found.Odd[0].Message), "%s", found.Odd[0].Hint)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(found.Extensions) == 0 {
		return nil, failure.WithHint(errors.New("there is no extension here that a release would take"), "go to the root of the repository, or name it with -C; ksrelease init says what is left out, and why")
	}
	r := &Report{SchemaVersion: 1, LeftOut: found.LeftOut, Files: []*File{}, Secrets: []Secret{}, Literals: []Literal{}, Removable: []Part{}, Stays: []Part{}, Unread: []Unread{}, Writes: []*Write{}, Notes: []string{}}
	c.readAll(r)
	c.relevant()
	hooks, err := c.hooks(o, found)
	if err != nil {
		return nil, err
	}
	if err := c.plan(r, o, found, hooks); err != nil {
		return nil, err
	}
	c.describe(r)
	c.literals(r)
	r.redact(c.values)
	return r, nil
}

// describe puts into the report what the files do.
func (c *collection) describe(r *Report) {
	for _, f := range c.files {
		if !c.isRelevant[f.file.Path] {
			continue
		}
		file := &File{Path: f.file.Path, System: f.file.System, Name: f.file.Name, Triggers: triggersOf(f.file), Steps: []*Step{}}
		for i, step := range f.file.Steps {
			s := called{f, i}
			if !c.isShown(s) {
				continue
			}
			shown := &Step{Line: step.Line, Job: step.Job, Name: step.Name, Others: f.others[i], Uses: []*Used{}}
			for _, use := range f.uses[i] {
				if use.ID == "call" && len(c.callees(use)) == 0 {
					continue
				}
				shown.Uses = append(shown.Uses, c.used(s, use))
			}
			if len(shown.Uses) > 0 {
				file.Steps = append(file.Steps, shown)
			}
		}
		r.Files = append(r.Files, file)
		c.parts(r, f)
	}
}

// used is a use as it is reported. What serves another command is kept or not with it.
func (c *collection) used(s called, use practice.Use) *Used {
	u := &Used{Practice: use.ID, Line: use.Line, Command: use.Command, Over: use.Over, Does: use.Does, Wrong: use.Wrong, Cover: c.coverOf(s, use), By: use.By, Note: use.Note}
	if u.Wrong == nil {
		u.Wrong = []string{}
	}
	if callees := c.callees(use); len(callees) > 0 {
		first := callees[0]
		u.At = fmt.Sprintf("%s:%d", first.file.file.Path, first.file.file.Steps[first.step].Line)
	}
	switch {
	case use.Cover != practice.Serves:
	case u.Cover == practice.Kept && use.ID == "call":
		u.By, u.Note = "", "parts of it stay"
	case u.Cover == practice.Kept && c.isForHooks(s, use):
		u.By, u.Note = "", hooksNote
	case u.Cover == practice.Kept:
		u.By, u.Note = "", neededNote
	case use.ID == "call":
		u.By = c.instead(use)
	case u.Note == "":
		u.Note = "nothing that stays needs it"
	}
	return u
}

// neededNote and hooksNote are why something stays that does nothing by itself.
const (
	neededNote = "commands that stay need it"
	hooksNote  = "the hooks need it, in the new workflow"
)

// instead are the command lines that take the place of what is called.
func (c *collection) instead(use practice.Use) string {
	var lines []string
	for _, callee := range c.callees(use) {
		for _, inner := range c.allUses(callee) {
			if inner.By != "" && inner.Cover == practice.Covered && !slices.Contains(lines, inner.By) {
				lines = append(lines, inner.By)
			}
		}
	}
	return strings.Join(lines, ", ")
}

// mergeRequests is the key of how GitLab calls proposed changes.
const mergeRequests cifile.TriggerKind = "merge requests"

// triggerWords are what triggers are.
var triggerWords = map[cifile.TriggerKind]string{
	cifile.OnChange: "pull requests", cifile.OnMerged: "merged pull requests", cifile.OnBranch: "pushes", cifile.OnTag: "tags",
	cifile.OnSchedule: "schedule", cifile.OnComment: "comments", cifile.OnDemand: "by hand", cifile.OnOther: "", mergeRequests: "merge requests",
}

// triggersOf are the triggers of a file, in words.
func triggersOf(f *cifile.File) []string {
	list := []string{}
	for _, t := range f.Triggers {
		text := triggerWords[t.Kind]
		if f.System == cifile.GitLab && t.Kind == cifile.OnChange {
			text = triggerWords[mergeRequests]
		}
		switch {
		case len(t.Patterns) == 0:
		case t.Kind == cifile.OnChange || t.Kind == cifile.OnMerged || t.Kind == cifile.OnBranch:
			text += " to " + strings.Join(t.Patterns, ", ")
		default:
			text += " " + strings.Join(t.Patterns, ", ")
		}
		if text = strings.TrimSpace(text); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// redact takes what is secret out of all texts of the report: values that stand in files, and
// users and passwords in addresses. What is longer than anybody reads is cut.
func (r *Report) redact(values []string) {
	known := redact.New(values...)
	clean := func(s *string) { *s = cut(redact.Userinfo(known.Text(*s))) }
	for _, f := range r.Files {
		for _, step := range f.Steps {
			clean(&step.Name)
			for i := range step.Others {
				clean(&step.Others[i])
			}
			for _, use := range step.Uses {
				clean(&use.Command)
				clean(&use.Does)
				for i := range use.Wrong {
					clean(&use.Wrong[i])
				}
			}
		}
	}
	for _, parts := range [][]Part{r.Removable, r.Stays} {
		for i := range parts {
			clean(&parts[i].What)
			clean(&parts[i].Why)
		}
	}
	for i := range r.Unread {
		clean(&r.Unread[i].Message)
	}
	for _, w := range r.Writes {
		w.Text = redact.Userinfo(known.Text(w.Text))
	}
}

// mostShown bounds what is shown of a command or a name, in characters: a line of a file may be as
// long as the file.
const mostShown = 300

func cut(text string) string {
	if runes := []rune(text); len(runes) > mostShown {
		return string(runes[:mostShown]) + "…"
	}
	return text
}
