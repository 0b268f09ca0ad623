package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Limits of what is read.
const (
	maxFiles = 300
	maxDepth = 6 // of folders below one that is named, and of calls
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
	sends      bool     // something in them sends extensions to the marketplace
	values     []string // of secrets that stand in files
}

// gather finds the files to begin with.
func gather(o Options) (*collection, error) {
	c := &collection{root: o.Root, accepts: o.Accepts, byPath: map[string]*read{}, isRelevant: map[string]bool{}}
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
		file   string
		called bool
	}
	var queue []asked
	for _, file := range c.asked {
		queue = append(queue, asked{file, false})
	}
	for len(queue) > 0 && len(c.files) < maxFiles {
		next := queue[0]
		queue = queue[1:]
		if c.byPath[next.file] != nil {
			continue
		}
		system, ok := systemOf(c.root, next.file)
		if !ok {
			continue
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
		c.files = append(c.files, f)
		c.byPath[next.file] = f
		for _, file := range f.file.Calls {
			if filepath.IsLocal(filepath.FromSlash(file)) {
				queue = append(queue, asked{path.Clean(file), true})
			}
		}
		for _, uses := range f.uses {
			for _, use := range uses {
				for _, file := range c.calledFiles(use) {
					queue = append(queue, asked{file, true})
				}
			}
		}
	}
	slices.SortFunc(c.files, func(a, b *read) int { return strings.Compare(a.file.Path, b.file.Path) })
}

// mentionsTools finds what files about releases have in them.
var mentionsTools = regexp.MustCompile(`\b(ksbuilder|helm|oras|crane|skopeo|regctl|extension\.yaml)\b`)

// calledFiles are the files that a call may mean.
func (c *collection) calledFiles(use practice.Use) []string {
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
		add(use.Calls)
	}
	return files
}

// called is a step that another one calls.
type called struct {
	file *read
	step int
}

// callee is the step that a use calls; nil where it is not known.
func (c *collection) callee(from *read, use practice.Use) *called {
	if use.ID != "call" {
		return nil
	}
	candidates := c.calledFiles(use)
	if use.Make != "" {
		for _, f := range c.files { // included files have targets, too
			if f.file.System == cifile.Make && !slices.Contains(candidates, f.file.Path) {
				candidates = append(candidates, f.file.Path)
			}
		}
	}
	for _, file := range candidates {
		f := c.byPath[file]
		if f == nil || f == from && use.Make == "" {
			continue
		}
		for i, step := range f.file.Steps {
			if use.Make == "" || use.Calls == "" || slices.Contains(strings.Fields(step.Job), use.Calls) {
				return &called{f, i}
			}
		}
	}
	return nil
}

// next are the steps that a step calls, or makes first.
func (c *collection) next(f *read, i int) []*called {
	var all []*called
	for _, use := range f.uses[i] {
		if callee := c.callee(f, use); callee != nil {
			all = append(all, callee)
		}
	}
	for _, target := range f.file.Steps[i].Needs {
		if callee := c.callee(f, practice.Use{ID: "call", Calls: target, Make: path.Dir(f.file.Path)}); callee != nil {
			all = append(all, callee)
		}
	}
	return all
}

// isAbout reports whether a step has to do with releases by itself, or by what it calls.
func (c *collection) isAbout(f *read, i, depth int) bool {
	for _, use := range f.uses[i] {
		if use.Core {
			return true
		}
	}
	if depth >= maxDepth {
		return false
	}
	for _, callee := range c.next(f, i) {
		if c.isAbout(callee.file, callee.step, depth+1) {
			return true
		}
	}
	return false
}

// relevant finds the files that have to do with releases.
func (c *collection) relevant() {
	for _, f := range c.files {
		for i := range f.file.Steps {
			if c.isAbout(f, i, 0) {
				c.isRelevant[f.file.Path] = true
			}
		}
	}
}

// isShown reports whether a step is explained. Targets of a Makefile that have nothing to do
// with releases are left out; the steps of a workflow around those that have, are not.
func (c *collection) isShown(f *read, i int) bool {
	if len(f.uses[i]) == 0 {
		return false
	}
	if f.file.System != cifile.Make {
		return true
	}
	if c.isAbout(f, i, 0) {
		return true
	}
	for j := range f.file.Steps { // needed by one that is
		if j != i && c.isAbout(f, j, 0) {
			for _, callee := range c.next(f, j) {
				if callee.file == f && callee.step == i {
					return true
				}
			}
		}
	}
	return false
}

// coverOf is the cover of a use. What serves others has that of what it serves.
func (c *collection) coverOf(f *read, step int, use practice.Use, depth int) practice.Cover {
	if use.Cover != practice.Serves {
		return use.Cover
	}
	if use.ID == "call" {
		callee := c.callee(f, use)
		if callee == nil || depth >= maxDepth {
			return practice.Kept
		}
		return c.coverOfStep(callee, depth+1)
	}
	for i, uses := range f.uses {
		for _, other := range uses {
			if other.Cover == practice.Kept && other.Needs(use, f.file.Steps[i]) {
				return practice.Kept
			}
		}
		if slices.Contains(f.others[i], use.Tool) {
			return practice.Kept
		}
	}
	return practice.Unneeded
}

// coverOfStep is covered where all that a step does is, by itself and by what it calls.
func (c *collection) coverOfStep(s *called, depth int) practice.Cover {
	f, i := s.file, s.step
	if len(f.others[i]) > 0 {
		return practice.Kept
	}
	for _, use := range f.uses[i] {
		if c.coverOf(f, i, use, depth) == practice.Kept {
			return practice.Kept
		}
	}
	if depth < maxDepth {
		for _, callee := range c.next(f, i) {
			if c.coverOfStep(callee, depth+1) == practice.Kept {
				return practice.Kept
			}
		}
	}
	return practice.Covered
}
