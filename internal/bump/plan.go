package bump

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/history"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Source is an extension that a project declares: an absolute path, and how users call it.
type Source struct{ Path, Display string }

// Reason is why an extension gets a version.
type Reason string

// The reasons.
const (
	Asked     Reason = "asked"     // it was named
	Dependent Reason = "dependent" // its constraint on another one changes
)

// Request is what is to be done.
type Request struct {
	// Extensions are all that are declared, and Names those that get a version; paths as users
	// call them are taken, too.
	Extensions []Extension
	Names      []string
	Step       Step
	// Dependents has those changed, too, whose constraints do not admit a new version: their
	// constraint, and as that is a change their own version (Patch).
	Dependents bool
	// Subcharts has charts follow that have the version of the extension and that its
	// dependencies do not name by it.
	Subcharts bool
	// Bumped says of a dependent that it has a new version already, which nobody has seen.
	Bumped func(Extension) bool
	// History is asked once for each extension that gets a version.
	History func(Extension) history.Done
	Day     time.Time
}

// Extension is a declared extension, as its extension.yaml says.
type Extension struct {
	Source
	Name, Version string

	doc *yamldoc.Document
	err error
}

// Plan is what comes of a request. Nothing is written yet.
type Plan struct {
	Changes []Change // sorted by name
}

// Change is what is done with one extension.
type Change struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Before string `json:"before"`
	// Version is the new one; that of before where only a constraint changes.
	Version string `json:"version"`
	Why     Reason `json:"why"`
	Files   []File `json:"files"`
	// Since is what the last version is known by, and Commits how many touched it since then.
	Since   string `json:"since,omitempty"`
	Commits int    `json:"commits"`
	// Missing is why commits may be missing.
	Missing string `json:"commits_missing,omitempty"`
	// Notes are what somebody has to do or to know.
	Notes []string `json:"notes,omitempty"`
}

// File is a file with its old and its new content.
type File struct {
	// Path is as users call it.
	Path string `json:"path"`
	// What is done in it, in words.
	What   string `json:"what"`
	Before []byte `json:"-"`
	After  []byte `json:"-"`

	real string // absolute, links resolved
	mode os.FileMode
}

// errPackage is the error for a package, in which no file can be changed.
var errPackage = errors.New("it is a package, which stays as it was made")

// readMost bounds what is read of extension.yaml.
const readMost = 4 << 20

// Read reads what the extension.yaml of each source says. One that cannot be read matters only
// where it is to be changed.
func Read(sources []Source) []Extension {
	all := make([]Extension, len(sources))
	for i, source := range sources {
		all[i] = read(source)
	}
	return all
}

func read(source Source) Extension {
	e := Extension{Source: source, Name: naming.GuessName(source.Path)}
	if info, err := os.Stat(source.Path); err == nil && !info.IsDir() {
		e.err = failure.WithHint(fmt.Errorf("%s: %w", source.Display, errPackage), "give the version to the folder that it is made of, and pack that again")
		return e
	}
	text, err := regularfile.Read(filepath.Join(source.Path, extension.MetadataFile), readMost)
	if err != nil {
		e.err = fmt.Errorf("reading %s: %w", filepath.Join(source.Display, extension.MetadataFile), failure.WithoutPath(err))
		return e
	}
	doc, err := yamldoc.ParseLoose(extension.MetadataFile, text)
	if err != nil {
		e.err = inFolder(err, source.Display)
		return e
	}
	fields, _ := doc.Value().(map[string]any)
	e.doc = doc
	e.Name, _ = fields["name"].(string)
	e.Version, _ = fields["version"].(string)
	if e.Version == "" {
		written, _, _ := doc.Raw("version")
		hint := `write it as "1.0.0"`
		if near, ok := naming.NearestVersion(written); ok {
			hint = fmt.Sprintf("put it in quotes: version: %q", near)
		}
		e.err = inFolder(diagnostic.List{doc.Problem("the version is not text", hint, "version")}, source.Display)
	}
	return e
}

// inFolder says in which extension the file of a problem is.
func inFolder(err error, display string) error {
	var problems diagnostic.List
	if errors.As(err, &problems) {
		return problems.In(display)
	}
	return fmt.Errorf("%s: %w", display, err)
}

// chosen is an extension that is to be changed.
type chosen struct {
	Extension
	next        string
	why         Reason
	constraints map[int]string // new ones of its externalDependencies
	entries     []string       // for the CHANGELOG, besides commits
	notes       []string
}

// Make makes a plan. Its error is that of the first mistake; nothing is planned then.
func Make(request Request) (*Plan, error) {
	if err := request.Step.Check(); err != nil {
		return nil, err
	}
	picked, err := Pick(request.Extensions, request.Names)
	if err != nil {
		return nil, err
	}
	todo := map[string]*chosen{} // by path
	for _, e := range picked {
		if e.err != nil {
			return nil, e.err
		}
		next, err := request.Step.Next(e.Version)
		if err != nil {
			return nil, inExtension(e, err)
		}
		todo[e.Path] = &chosen{Extension: e, next: next, why: Asked}
	}
	if request.Dependents {
		if err := request.addDependents(todo); err != nil {
			return nil, err
		}
	}
	plan := &Plan{}
	for _, path := range slices.Sorted(maps.Keys(todo)) { // so that the first mistake is always the same
		change, err := request.change(todo[path])
		if err != nil {
			return nil, err
		}
		plan.Changes = append(plan.Changes, change)
	}
	slices.SortFunc(plan.Changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path))
	})
	return plan, nil
}

// inExtension says of which extension an error is.
func inExtension(e Extension, err error) error {
	return failure.WithHint(fmt.Errorf("%s: %w", e.Display, err), "%s", failure.Hint(err))
}

// SelectionError is that of names that mean no extension, or more than one.
type SelectionError struct{ error }

func (e *SelectionError) Unwrap() error { return e.error }

// Pick finds the extensions that are named, by their names or by their paths.
func Pick(all []Extension, names []string) (picked []Extension, err error) {
	for _, name := range names {
		var found []Extension
		for _, e := range all {
			if e.Name == name || e.Display == filepath.Clean(name) {
				found = append(found, e)
			}
		}
		if len(found) > 1 {
			return nil, &SelectionError{failure.WithHint(fmt.Errorf("%d extensions are named %q: %s and %s", len(found), name, found[0].Display, found[1].Display), "name one of them by its path")}
		}
		if len(found) == 0 {
			var known []string
			for _, e := range all {
				known = append(known, e.Name)
			}
			return nil, &SelectionError{request.Unknown([]string{name}, known)}
		}
		picked = append(picked, found[0])
	}
	return picked, nil
}

// addDependents adds the extensions whose constraints do not admit a new version, those whose
// constraints do not admit theirs, and so on.
func (r Request) addDependents(todo map[string]*chosen) error {
	queue := make([]*chosen, 0, len(todo))
	for _, c := range todo {
		queue = append(queue, c)
	}
	slices.SortFunc(queue, func(a, b *chosen) int { return strings.Compare(a.Path, b.Path) })
	for ; len(queue) > 0; queue = queue[1:] {
		for _, dependent := range r.Extensions {
			if dependent.err != nil || dependent.Name == queue[0].Name {
				continue
			}
			added, err := r.adapt(dependent, queue[0], todo)
			if err != nil {
				return err
			}
			if added != nil {
				queue = append(queue, added)
			}
		}
	}
	return nil
}

// adapt changes the constraints of an extension on another one. It gives the extension if that
// gets a version only now.
func (r Request) adapt(dependent Extension, on *chosen, todo map[string]*chosen) (added *chosen, err error) {
	fields, _ := dependent.doc.Value().(map[string]any)
	entries, _ := fields["externalDependencies"].([]any)
	for i, entry := range entries {
		dependency, _ := entry.(map[string]any)
		constraint, isText := dependency["version"].(string)
		if kind, _ := dependency["type"].(string); dependency["name"] != on.Name || kind != "" && kind != "extension" {
			continue
		}
		if written, _, ok := dependent.doc.Raw("externalDependencies", fmt.Sprint(i), "version"); !isText && ok {
			constraint = written // a number
		}
		changed, err := Admitting(constraint, on.next)
		if err != nil {
			return nil, inFolder(diagnostic.List{dependent.doc.Problem(err.Error(), failure.Hint(err), "externalDependencies", fmt.Sprint(i), "version")}, dependent.Display)
		}
		if changed == constraint {
			continue
		}
		c := todo[dependent.Path]
		if c == nil {
			c = &chosen{Extension: dependent, next: dependent.Version, why: Dependent}
			if r.Bumped == nil || !r.Bumped(dependent) {
				if c.next, err = patch.Next(dependent.Version); err != nil {
					return nil, inExtension(dependent, err)
				}
				added = c
			} else {
				c.notes = append(c.notes, "it has a new version already")
			}
			todo[dependent.Path] = c
		}
		if c.constraints == nil {
			c.constraints = map[int]string{}
		}
		c.constraints[i] = changed
		c.entries = append(c.entries, fmt.Sprintf("Require %s %s", on.Name, changed))
	}
	return added, nil
}

// Write writes all files of a plan, or none: where one cannot be written, those before it are
// put back. The error says what could not be put back, if anything.
func (p *Plan) Write() error { return write(p.files()) }

func (p *Plan) files() (all []File) {
	for _, change := range p.Changes {
		for _, f := range change.Files {
			if !bytes.Equal(f.Before, f.After) {
				all = append(all, f)
			}
		}
	}
	return all
}
