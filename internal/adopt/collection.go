package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Limits of what is read.
const (
	maxFiles = 300
	maxDepth = 6 // of folders below one that is named
	// maxCalls is how often it is looked at what a step calls. Beyond that, what calls others is
	// taken for something that stays.
	maxCalls = 1_000_000
)

// collection are the files that were read, by what they call.
type collection struct {
	root    string
	accepts practice.Accepts
	asked   []string // the files to begin with
	named   bool     // by the user
	files   []*read  // sorted by path
	byPath  map[string]*read
	// isRelevant are the files that have to do with releases, by path.
	isRelevant map[string]bool
	isNeeded   map[called]bool     // steps that are about releases, or called by these
	calls      map[called][]called // what next has found
	reach      map[called][]called // what reached has found
	followed   int                 // how many calls were followed
	hooked     map[string]bool     // files with commands that become hooks, by path
	sends      bool                // something in them sends extensions to the marketplace
	values     []string            // of secrets that stand in files
}

// gather finds the files to begin with.
func gather(o Options) (*collection, error) {
	c := &collection{root: o.Root, accepts: o.Accepts, byPath: map[string]*read{}, isRelevant: map[string]bool{}, isNeeded: map[called]bool{}, calls: map[called][]called{}, reach: map[called][]called{}}
	if len(o.Paths) == 0 {
		c.asked = usualPlaces(o.Root)
		return c, nil
	}
	c.named = true
	for _, named := range o.Paths {
		at := named
		if !filepath.IsAbs(at) {
			at = filepath.Join(o.Root, at)
		}
		relative, err := filepath.Rel(o.Root, at)
		if err != nil || !filepath.IsLocal(relative) && relative != "." {
			return nil, failure.WithHint(fmt.Errorf("%s is not in this repository", named), "go to its root, or name it with -C")
		}
		relative = filepath.ToSlash(relative)
		info, err := os.Stat(at)
		switch {
		case err != nil:
			return nil, failure.WithHint(fmt.Errorf("%s: %w", named, failure.WithoutPath(err)), "name a workflow, a .gitlab-ci.yml, a Jenkinsfile, a Makefile, a shell script, or a folder of them")
		case info.IsDir():
			below := filesBelow(o.Root, relative)
			if len(below) == 0 {
				return nil, failure.WithHint(fmt.Errorf("%s has no file of a CI system, no Makefile and no shell script", named), "name a workflow, a .gitlab-ci.yml, a Jenkinsfile, a Makefile, a shell script, or a folder of them")
			}
			c.asked = append(c.asked, below...)
		default:
			if _, ok := systemOf(o.Root, relative); !ok {
				return nil, failure.WithHint(fmt.Errorf("%s is no file that a CI system, make or a shell reads, as far as its name says", named), "name a workflow, a .gitlab-ci.yml, a Jenkinsfile, a Makefile, a shell script, or a folder of them")
			}
			c.asked = append(c.asked, relative)
		}
	}
	return c, nil
}

// usualPlaces are the files that CI systems and make look for, as far as they are there.
func usualPlaces(root string) []string {
	found := filesBelow(root, ".github/workflows")
	entries, err := os.ReadDir(root)
	if err != nil {
		return found
	}
	for _, entry := range entries {
		if system, ok := cifile.SystemOf(entry.Name()); ok && !entry.IsDir() && system != cifile.Shell && system != cifile.GitHub {
			found = append(found, entry.Name())
		}
	}
	return found
}

// filesBelow are the files of known systems in a folder, sorted.
func filesBelow(root, folder string) []string {
	var found []string
	top := filepath.Join(root, filepath.FromSlash(folder))
	_ = filepath.WalkDir(top, func(at string, d fs.DirEntry, err error) error {
		relative, relErr := filepath.Rel(root, at)
		if err != nil || relErr != nil {
			return nil
		}
		relative = filepath.ToSlash(relative)
		if d.IsDir() {
			if name := d.Name(); at != top && (name == ".git" || name == "node_modules" || name == "vendor" || strings.Count(relative, "/")-strings.Count(folder, "/") > maxDepth) {
				return filepath.SkipDir
			}
			return nil
		}
		if len(found) >= maxFiles {
			return filepath.SkipAll
		}
		if _, ok := systemOf(root, relative); ok {
			found = append(found, relative)
		}
		return nil
	})
	slices.Sort(found)
	return found
}

// systemOf is the system of a file by its name, or a shell by its first line.
func systemOf(root, file string) (cifile.System, bool) {
	if system, ok := cifile.SystemOf(file); ok || path.Ext(file) != "" {
		return system, ok
	}
	text, err := regularfile.ReadWithin(root, filepath.Join(root, filepath.FromSlash(file)), cifile.MaxSize)
	if err != nil || !strings.HasPrefix(string(text), "#!") {
		return "", false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return cifile.Shell, strings.Contains(first, "sh")
}

// readAll reads the files, and what they call.
func (c *collection) readAll(r *Report) {
	type asked struct {
		file     string
		called   bool
		included *read // by this file; nil where none includes it
	}
	var queue []asked
	for _, file := range c.asked {
		queue = append(queue, asked{file: file})
	}
	for len(queue) > 0 && len(c.files) < maxFiles {
		next := queue[0]
		queue = queue[1:]
		if c.byPath[next.file] != nil {
			continue
		}
		system, ok := systemOf(c.root, next.file)
		if !ok && next.included == nil {
			continue
		}
		if !ok {
			system = next.included.file.System
		}
		text, err := regularfile.ReadWithin(c.root, filepath.Join(c.root, filepath.FromSlash(next.file)), cifile.MaxSize)
		if err != nil {
			if !next.called || !errors.Is(err, fs.ErrNotExist) {
				r.Unread = append(r.Unread, Unread{File: next.file, Message: "it was not read: " + err.Error()})
			}
			continue
		}
		f := &read{file: cifile.Read(next.file, system, text), text: string(text)}
		var odd []*practice.Unread
		f.uses, f.others, odd = practice.Uses(f.file, c.accepts)
		if !mentionsTools.Match(text) { // then it does not matter what could not be read
			odd, f.file.Odd = nil, nil
		}
		for _, d := range f.file.Odd {
			r.Unread = append(r.Unread, Unread{next.file, d.Range.Start.Line, d.Message, d.Hint})
		}
		for _, o := range odd {
			message := "this script cannot be read as one for bash"
			var wrong *shellscript.SyntaxError
			if errors.As(o.Err, &wrong) {
				message += ": " + wrong.Cause
			} else {
				message = o.Err.Error()
			}
			r.Unread = append(r.Unread, Unread{File: next.file, Line: o.Line, Message: message, Hint: "look yourself at what it does"})
		}
		f.index()
		c.files = append(c.files, f)
		c.byPath[next.file] = f
		for _, file := range f.file.Calls {
			if filepath.IsLocal(filepath.FromSlash(file)) {
				queue = append(queue, asked{file: path.Clean(file), called: true, included: f})
			} else if mentionsTools.Match(text) {
				r.Unread = append(r.Unread, Unread{File: next.file, Message: "it includes " + excerpt.OneLine(file) + ", which is not in this repository", Hint: "look yourself at what it does"})
			}
		}
		for _, uses := range f.uses {
			for _, use := range uses {
				for _, file := range calledFiles(use) {
					queue = append(queue, asked{file: file, called: true})
				}
			}
		}
	}
	slices.SortFunc(c.files, func(a, b *read) int { return strings.Compare(a.file.Path, b.file.Path) })
}

// mentionsTools finds what files about releases have in them.
var mentionsTools = lazyregexp.New(`\b(ksbuilder|helm|oras|crane|skopeo|regctl|extension\.yaml)\b`)

// calledFiles are the files that a call may mean.
func calledFiles(use practice.Use) []string {
	var files []string
	add := func(file string) {
		if filepath.IsLocal(filepath.FromSlash(file)) && !strings.ContainsAny(file, "$*?") {
			files = append(files, path.Clean(file))
		}
	}
	switch {
	case use.ID != "call":
	case use.Make != "":
		for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
			add(path.Join(use.Make, name))
		}
	default:
		if path.Ext(use.Calls) == "" {
			add(path.Join(use.Calls, "action.yml"))
			add(path.Join(use.Calls, "action.yaml"))
		}
		add(use.Calls)
	}
	return files
}

// called is a step that another one calls.
type called struct {
	file *read
	step int
}

// callees are the steps that a use calls; none where they are not known. A target of make is a
// step; a script and an action are all of their steps.
func (c *collection) callees(use practice.Use) []called {
	if use.ID != "call" {
		return nil
	}
	for _, file := range calledFiles(use) {
		f := c.byPath[file]
		switch {
		case f == nil:
		case use.Make == "":
			return f.all()
		case use.Calls == "" && len(f.file.Steps) > 0: // the first target
			return []called{{f, 0}}
		default:
			if step, ok := f.targets[use.Calls]; ok {
				return []called{{f, step}}
			}
		}
	}
	if use.Make == "" {
		return nil
	}
	for _, f := range c.files { // a file that the Makefile includes
		if step, ok := f.targets[use.Calls]; ok {
			return []called{{f, step}}
		}
	}
	return nil
}

// all are the steps of a file.
func (f *read) all() []called {
	all := make([]called, len(f.file.Steps))
	for i := range all {
		all[i] = called{f, i}
	}
	return all
}

// index notes the targets of a Makefile.
func (f *read) index() {
	if f.file.System != cifile.Make {
		return
	}
	f.targets = map[string]int{}
	for i, step := range f.file.Steps {
		for _, target := range strings.Fields(step.Job) {
			f.targets[target] = i
		}
	}
}

// next are the steps that a step calls, or makes first.
func (c *collection) next(s called) []called {
	if known, ok := c.calls[s]; ok {
		return known
	}
	var all []called
	for _, use := range s.file.uses[s.step] {
		all = append(all, c.callees(use)...)
	}
	for _, target := range s.file.file.Steps[s.step].Needs {
		all = append(all, c.callees(practice.Use{ID: "call", Calls: target, Make: path.Dir(s.file.file.Path)})...)
	}
	c.calls[s] = all
	return all
}

// reached are the steps that are taken with a step: itself first, then what it calls, and what
// these call.
func (c *collection) reached(s called) []called {
	if known, ok := c.reach[s]; ok {
		return known
	}
	all := []called{s}
	seen := map[called]bool{s: true}
	for i := 0; i < len(all) && c.followed < maxCalls; i++ {
		for _, next := range c.next(all[i]) {
			if c.followed++; !seen[next] {
				seen[next] = true
				all = append(all, next)
			}
		}
	}
	c.reach[s] = all
	return all
}

// isAbout reports whether a step has to do with releases by itself, or by what it calls.
func (c *collection) isAbout(s called) bool {
	return slices.ContainsFunc(c.reached(s), func(s called) bool {
		return slices.ContainsFunc(s.file.uses[s.step], func(use practice.Use) bool { return use.Core })
	})
}

// relevant finds the files that have to do with releases, and those that these call.
func (c *collection) relevant() {
	for _, f := range c.files {
		for _, s := range f.all() {
			if !c.isAbout(s) {
				continue
			}
			c.isRelevant[f.file.Path] = true
			for _, other := range c.reached(s) {
				c.isNeeded[other] = true
			}
		}
	}
	for _, f := range c.files {
		if !c.isRelevant[f.file.Path] || f.file.System == cifile.Make {
			continue
		}
		for _, s := range f.all() { // such as an action that installs tools
			for _, other := range c.reached(s) {
				c.isNeeded[other] = true
			}
		}
	}
	for s := range c.isNeeded {
		if len(s.file.uses[s.step]) > 0 {
			c.isRelevant[s.file.file.Path] = true
		}
	}
}

// isShown reports whether a step is explained. Targets of a Makefile that have nothing to do
// with releases are left out; the steps of a workflow around those that have, are not.
func (c *collection) isShown(s called) bool {
	return len(s.file.uses[s.step]) > 0 && (s.file.file.System != cifile.Make || c.isNeeded[s])
}

// coverOf is the cover of a use. What serves others has that of what it serves.
func (c *collection) coverOf(s called, use practice.Use) practice.Cover {
	if use.Cover != practice.Serves {
		return use.Cover
	}
	if c.isForHooks(s, use) {
		return practice.Kept
	}
	if use.ID == "call" {
		callees := c.callees(use)
		if len(callees) == 0 || c.followed >= maxCalls {
			return practice.Kept
		}
		for _, callee := range callees {
			for _, reached := range c.reached(callee) {
				if c.keeps(reached) {
					return practice.Kept
				}
			}
		}
		return practice.Covered
	}
	if slices.Contains(s.file.tools(), use.Tool) {
		return practice.Kept
	}
	for i, uses := range s.file.uses {
		for _, other := range uses {
			if other.Cover == practice.Kept && other.Needs(use, s.file.file.Steps[i]) {
				return practice.Kept
			}
		}
	}
	return practice.Unneeded
}

// tools are the commands of a file that nobody here knows.
func (f *read) tools() (all []string) {
	for _, others := range f.others {
		all = append(all, others...)
	}
	return all
}

// keeps reports whether something of a step stays, apart from what it calls.
func (c *collection) keeps(s called) bool {
	if len(s.file.others[s.step]) > 0 {
		return true
	}
	return slices.ContainsFunc(s.file.uses[s.step], func(use practice.Use) bool {
		return (use.ID != "call" || len(c.callees(use)) == 0) && c.coverOf(s, use) == practice.Kept
	})
}
