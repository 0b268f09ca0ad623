// Package chartbuild finds where a workflow builds an upstream chart into an extension before that
// is packed, and removes it afterwards, in commands so plain that they mean the same anywhere in
// the repository: these can become hooks of the extension.
//
// It executes nothing. What is not certain is left out.
package chartbuild

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Build is how an upstream chart gets into an extension, and out of it again.
type Build struct {
	// Extension is the folder of the extension, relative to the root of the repository, in which
	// all commands run.
	Extension string
	// Before and After are commands as they are written.
	Before, After []string
	// Places are where they stand, in all files.
	Places []Place
}

// Place is where a command stands.
type Place struct {
	File *cifile.File
	Step int // index in the file
	Line int // of the file
	Text string
	// After says that it cleans up.
	After bool
}

// Find finds the builds in workflows of GitHub, sorted by extension, whose folders are relative to
// the root of the repository, with slashes. An extension that is built in two ways is left out, and
// so are extensions whose builds could disturb each other, as hooks of several run at once.
//
// there reports whether a file that a path or pattern means is in the repository: commands that
// remove or move such a file would change what is committed, and their builds are left out, too.
func Find(files []*cifile.File, extensions []string, there func(pattern string) bool) []*Build {
	all := map[string]*Build{}
	refused := map[string]bool{}
	for _, f := range files {
		if f.System != cifile.GitHub || path.Dir(f.Path) != ".github/workflows" || len(f.Odd) > 0 {
			continue
		}
		r := &reader{file: f, extensions: extensions, there: there, builds: map[string]*Build{}, refused: refused}
		job := ""
		for i, step := range f.Steps {
			if i == 0 || step.Job != job {
				r.end(all)
				job = step.Job
			}
			r.step(i)
		}
		r.end(all)
	}
	var found []*Build
	for extension, b := range all {
		if !refused[extension] {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b *Build) int { return strings.Compare(a.Extension, b.Extension) })
	return slices.DeleteFunc(slices.Clone(found), func(b *Build) bool {
		return slices.ContainsFunc(found, func(other *Build) bool { return b != other && b.disturbs(other) })
	})
}

// reader reads the jobs of a file, one after the other.
type reader struct {
	file       *cifile.File
	extensions []string
	there      func(string) bool
	builds     map[string]*Build // of the job
	refused    map[string]bool
	pending    []command
	// unsure says that a command of the job may have made what the next ones need.
	unsure bool
}

// end ends a job.
func (r *reader) end(all map[string]*Build) {
	r.flush()
	for extension, b := range r.builds {
		known := all[extension]
		switch {
		case known == nil:
			all[extension] = b
			continue
		case !slices.Equal(known.Before, b.Before), len(known.After) > 0 && len(b.After) > 0 && !slices.Equal(known.After, b.After):
			r.refused[extension] = true
		case len(known.After) == 0:
			known.After = b.After
		}
		known.Places = append(known.Places, b.Places...)
	}
	r.builds, r.unsure = map[string]*Build{}, false
}

var (
	// plain is a command in which nothing but wildcards is for the shell, and quotes around texts.
	plain = lazyregexp.New(`^[\p{L}\p{N}_./:@%+=,*?"' -]+$`)
	// computed are conditions of a step that depend on more than what happened in the repository.
	computed = lazyregexp.New(`\b(inputs|steps|needs|env|vars|matrix|hashFiles|failure)\b`)
	// preparing are actions after which a script finds what it finds without them.
	preparing = []string{"actions/checkout", "actions/cache", "azure/setup-helm", "oras-project/setup-oras"}
	// reading are commands of git that change no file.
	reading = []string{"diff", "log", "show", "status", "tag", "config", "describe", "rev-parse", "fetch", "push", "ls-files"}
)

func (r *reader) step(i int) {
	step := r.file.Steps[i]
	if step.Uses != "" {
		action, _, _ := strings.Cut(step.Uses, "@")
		known := slices.Contains(preparing, action) || strings.HasPrefix(action, "actions/setup-")
		if !known {
			r.flush()
		}
		r.unsure = r.unsure || !known || step.With["path"] != "" && action == "actions/checkout" || step.With["repository"] != "" || step.With["submodules"] != ""
		return
	}
	if step.Script == "" {
		if step.Opaque {
			r.flush()
			r.unsure = true
		}
		return
	}
	commands, err := shellscript.Read(shellscript.Script{Text: step.Script, Variables: step.Variables, Expression: step.Expression, StopsOnError: step.StopsOnError})
	if err != nil {
		r.flush()
		r.unsure = true
		return
	}
	isPlain := step.Folder == "" && step.Repeated == "" && !computed.MatchString(step.Condition) && !strings.Contains(step.Script, "HELM_")
	for name, value := range step.Variables {
		isPlain = isPlain && !strings.HasPrefix(name, "HELM_") && !strings.Contains(value, "secrets.")
	}
	for _, c := range commands {
		switch {
		case r.moves(c):
			r.pending = append(r.pending, command{c, i, isPlain})
		case slices.Contains(printing, c.Name()) || c.Name() == "set" && c.Alone:
		default:
			r.flush()
			r.unsure = r.unsure || !r.isHarmless(c)
		}
	}
}

// printing are commands that show something.
var printing = []string{"echo", "printf", "true", ":", "ls", "cat", "date", "pwd"}

// command is one of a build, in a step of the file.
type command struct {
	shellscript.Command
	step    int
	isPlain bool // the step is
}

// moves reports whether a command may be one of a build: it builds, brings, moves or removes files.
func (r *reader) moves(c shellscript.Command) bool {
	args := c.Plain()
	switch c.Name() {
	case "cp", "mv", "rm", "mkdir", "tar":
		return !strings.Contains(c.Text, "ksbuilder")
	case "helm":
		if len(args) < 3 {
			return false
		}
		switch args[1] {
		case "dependency", "dep", "package", "pull", "fetch":
			return !slices.ContainsFunc(args[2:], func(arg string) bool { return slices.Contains(r.extensions, path.Clean(arg)) })
		case "repo":
			return args[2] == "add" || args[2] == "update"
		}
	}
	return false
}

// isHarmless reports whether what comes next finds what it finds without this command.
func (r *reader) isHarmless(c shellscript.Command) bool {
	args := c.Plain()
	switch c.Name() {
	case "test", "[", "grep", "ksbuilder", "kubectl", "oras", "crane", "chmod":
		return true
	case "git":
		return len(args) > 1 && slices.Contains(reading, args[1])
	case "helm":
		return len(args) > 1 && !slices.Contains([]string{"registry", "repo", "plugin"}, args[1])
	case "curl", "wget", "go", "tar", "mv", "install":
		return strings.Contains(c.Text+c.Origin, "ksbuilder")
	}
	return false
}

// flush takes the commands that stand next to each other in the job.
func (r *reader) flush() {
	// What removes a chart that was built before cleans up.
	rest := r.pending
	r.pending = nil
	for len(rest) > 0 && rest[0].Name() == "rm" {
		b := r.builds[r.removedFrom(rest[0].Command)]
		if b == nil {
			break
		}
		if !r.isFit(rest[0]) {
			r.refused[b.Extension] = true
			return
		}
		r.add(b, rest[0], true)
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return
	}
	var into []string
	for _, c := range rest {
		if extension := r.extensionOf(destination(c.Command)); extension != "" && !slices.Contains(into, extension) {
			into = append(into, extension)
		}
	}
	if len(into) == 0 {
		r.unsure = true // what these are for is not known
		if slices.ContainsFunc(rest, func(c command) bool { return c.Name() == "rm" }) {
			for extension := range r.builds { // nor whether they clean up
				r.refused[extension] = true
			}
		}
		return
	}
	if len(into) > 1 || r.unsure || r.builds[into[0]] != nil || slices.ContainsFunc(rest, func(c command) bool { return !r.isFit(c) }) {
		for _, extension := range into {
			r.refused[extension] = true
		}
		r.unsure = true
		return
	}
	b := &Build{Extension: into[0]}
	r.builds[b.Extension] = b
	for _, c := range rest {
		r.add(b, c, false)
	}
}

func (r *reader) add(b *Build, c command, after bool) {
	if after {
		b.After = append(b.After, c.Text)
	} else {
		b.Before = append(b.Before, c.Text)
	}
	b.Places = append(b.Places, Place{File: r.file, Step: c.step, Line: r.file.Steps[c.step].LineOf(c.Line), Text: c.Text, After: after})
}

// removedFrom is the extension whose charts rm removes, and nothing else; empty if there is none.
func (r *reader) removedFrom(c shellscript.Command) string {
	extension := ""
	for i, arg := range c.Plain()[1:] {
		of := r.extensionOf(arg)
		if of == "" || i > 0 && of != extension {
			return ""
		}
		extension = of
	}
	return extension
}

// extensionOf is the extension in whose folder charts a path is, or whose folder charts it is;
// empty if there is none.
func (r *reader) extensionOf(place string) string {
	if place == "" {
		return ""
	}
	place = path.Clean(place)
	for _, extension := range r.extensions {
		if place == path.Join(extension, "charts") || strings.HasPrefix(place, path.Join(extension, "charts")+"/") {
			return extension
		}
	}
	return ""
}

// destination is where a command puts files; empty where it is not said, and for rm.
func destination(c shellscript.Command) string {
	args := c.Plain()
	switch c.Name() {
	case "cp", "mv":
		if into, ok := c.Flag("-t", "--target-directory"); ok {
			return into
		}
		if len(args) > 2 {
			return args[len(args)-1]
		}
	case "tar":
		into, _ := c.Flag("-C", "--directory")
		return into
	case "helm":
		into, _ := c.Flag("-d", "--destination", "--untardir")
		return into
	}
	return ""
}

// isFit reports whether a command may become a hook.
func (r *reader) isFit(c command) bool {
	var taken []string
	switch args := c.Plain(); c.Name() {
	case "rm":
		taken = args[1:]
	case "mv":
		taken = args[1:max(1, len(args)-1)]
	}
	return c.isPlain && isLocal(c.Command) && !slices.ContainsFunc(taken, r.there)
}

// isLocal reports whether a command is plain, and names only what is in the repository, or
// addresses that anybody may read.
func isLocal(c shellscript.Command) bool {
	if !c.Alone || !plain.MatchString(c.Text) {
		return false
	}
	for _, word := range c.Words[1:] {
		if word == "" || strings.ContainsRune(word, ' ') { // the text has one space for several
			return false
		}
		flag, value, valued := strings.Cut(word, "=")
		if strings.HasPrefix(word, "-") {
			if flag == "-p" && c.Name() == "helm" || strings.Contains(flag, "user") || strings.Contains(flag, "pass") || strings.Contains(flag, "key") || strings.Contains(flag, "cert") {
				return false
			}
			if !valued {
				continue
			}
			word = value
		}
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "oci://") {
			if strings.ContainsAny(word, "@*") {
				return false
			}
			continue
		}
		if address := strings.TrimPrefix(word, "file://"); address != "" && !filepath.IsLocal(filepath.FromSlash(address)) {
			return false
		}
	}
	return true
}

// disturbs reports whether two builds that run at once may touch the same files outside of their
// extensions.
func (b *Build) disturbs(other *Build) bool {
	mine, theirs := b.shared(), other.shared()
	return slices.ContainsFunc(mine, func(m string) bool {
		return slices.ContainsFunc(theirs, func(t string) bool { return strings.HasPrefix(m, t) || strings.HasPrefix(t, m) })
	})
}

// shared are the beginnings of the paths that a build names outside of its extension, up to the
// first wildcard.
func (b *Build) shared() []string {
	var all []string
	for _, command := range slices.Concat(b.Before, b.After) {
		words := strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(command))
		skip := 1
		if words[0] == "helm" {
			skip = min(2, len(words))
			if len(words) > 1 && (words[1] == "dependency" || words[1] == "dep") {
				skip = min(3, len(words))
			}
			if len(words) > 1 && words[1] == "repo" {
				all = append(all, "helm repo")
				continue
			}
		}
		for _, word := range words[skip:] {
			if strings.HasPrefix(word, "-") || strings.Contains(word, "://") {
				continue
			}
			if word = path.Clean(word); word == b.Extension || strings.HasPrefix(word, b.Extension+"/") {
				continue
			}
			if at := strings.IndexAny(word, "*?"); at >= 0 {
				word = word[:at]
			}
			all = append(all, word)
		}
	}
	return all
}
