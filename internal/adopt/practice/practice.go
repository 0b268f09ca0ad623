// Package practice knows how extensions are released by scripts: what each command of ksbuilder,
// helm, oras and their like does there, what goes wrong with it, and what of ksrelease takes its
// place. It looks at steps that others have read, and executes nothing.
package practice

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
)

// Cover says how far ksrelease does what a step does.
type Cover string

// The covers.
const (
	// Covered is done by ksrelease: the step can go.
	Covered Cover = "covered"
	// Unneeded is there for something that is covered: it can go with it.
	Unneeded Cover = "unneeded"
	// Kept is not done by ksrelease: keep it.
	Kept Cover = "kept"
	// Serves is there for other commands, and stays as long as one of them does.
	Serves Cover = "serves"
)

// Use is one thing that a step does.
type Use struct {
	// ID is the name of the practice, such as ksbuilder-lint.
	ID string
	// Line is the line of the file.
	Line int
	// Command is what is written there, on one line.
	Command string
	// Over is what it is repeated for, such as "for the folder of each changed file"; may be empty.
	Over string
	// Does is what it does, in plain words.
	Does string
	// Wrong is what goes wrong with it.
	Wrong []string
	Cover Cover
	// By is what takes its place: a command line of ksrelease, or a key of the config; may be empty.
	By string
	// Note is what to know of the replacement, or why there is none.
	Note string
	// Tool is what it brings for other commands: a program such as oras, a registry, or changed
	// files.
	Tool string
	// Core says that it is about extensions or charts by itself: a file without such a use is
	// not about releases.
	Core bool
	// Key is the word that holds the API key of a login; may be a literal.
	Key string
	// Server is the address that a login names; may be empty.
	Server string
	// Calls is the target of make, or the script, that is called; Make is the folder of the
	// Makefile, empty for a script.
	Calls, Make string
}

// Accepts says whether this version of ksrelease takes a command line. What it does not take is
// never named as a replacement.
type Accepts func(line string) bool

// first is the first command line that is taken; empty if none is.
func (a Accepts) first(lines ...string) string {
	for _, line := range lines {
		if a(line) {
			return line
		}
	}
	return ""
}

// subject is a command in its step, or a step that uses an action.
type subject struct {
	shellscript.Command
	file    *cifile.File
	step    cifile.Step
	all     []shellscript.Command // of the step
	accepts Accepts
	// packs says that an earlier command of the file leaves archives.
	packs bool
	// commits says that an earlier command of the file commits archives.
	commits bool
}

// of is another command of the same step.
func (s subject) of(c shellscript.Command) subject {
	s.Command = c
	return s
}

// matcher knows one practice; ok is false where a command is something else.
type matcher func(s subject) (use Use, ok bool)

// matchers are the practices, in the order in which they are tried.
var matchers = []matcher{
	ofInstallation, ofKsbuilder, ofHelm, ofImages, ofArchives, ofChanges, ofVersions, ofCollection, ofCluster, ofAnnouncements, ofCalls,
}

// Uses are what the steps of a file do, so far as it is known, in order. others are the names of
// the other commands in each step, by its index, which nobody here knows. A script that is no
// shell script is reported in odd of its step.
func Uses(file *cifile.File, accepts Accepts) (uses [][]Use, others [][]string, odd []*Unread) {
	uses, others = make([][]Use, len(file.Steps)), make([][]string, len(file.Steps))
	packs, commits := false, false
	for i, step := range file.Steps {
		if use, ok := ofAction(subject{file: file, step: step, accepts: accepts, packs: packs}); ok {
			use.Line = max(use.Line, step.Line)
			uses[i] = append(uses[i], use)
		}
		uses[i] = append(uses[i], ofTriggers(file, step, accepts)...)
		if step.Opaque {
			others[i] = append(others[i], NotRead)
		}
		if step.Script == "" {
			continue
		}
		commands, err := shellscript.Read(shellscript.Script{
			Text: step.Script, Variables: step.Variables, Expression: step.Expression, StopsOnError: step.StopsOnError,
		})
		if err != nil {
			odd, others[i] = append(odd, unread(step, err)), append(others[i], NotRead)
			continue
		}
		known := map[string]bool{}
		for _, command := range commands {
			s := subject{Command: command, file: file, step: step, all: commands, accepts: accepts, packs: packs, commits: commits}
			use, ok := match(s)
			packs = packs || isPacking(command)
			commits = commits || use.ID == archivesCommitted
			if !ok {
				if name := otherName(command); name != "" && !known[name] {
					known[name] = true
					others[i] = append(others[i], name)
				}
				continue
			}
			use.Line, use.Command = step.LineOf(command.Line), command.Text
			if use.Over == "" && use.Core {
				use.Over = overOf(step.Repeated, command)
			}
			uses[i] = appendUse(uses[i], use)
		}
		slices.SortStableFunc(uses[i], func(a, b Use) int { return a.Line - b.Line })
	}
	return uses, others, odd
}

// NotRead stands among the commands that nobody here knows for a script that cannot be read.
const NotRead = "what was not read"

// Unread is a script that cannot be read.
type Unread struct {
	Line int
	Err  error
}

func unread(step cifile.Step, err error) *Unread {
	line := step.Line
	if wrong, ok := err.(*shellscript.SyntaxError); ok {
		line = step.LineOf(wrong.Line)
	}
	return &Unread{line, err}
}

func match(s subject) (Use, bool) {
	for _, m := range matchers {
		if use, ok := m(s); ok {
			return use, true
		}
	}
	return Use{}, false
}

// appendUse adds a use. The same practice several times in a step, as of three lines that
// install a tool, is one use with all that is wrong with it.
func appendUse(uses []Use, use Use) []Use {
	for i, known := range uses {
		if known.ID != use.ID || known.Does != use.Does || known.Over != use.Over || known.Calls != use.Calls || known.Make != use.Make || use.ID == "ksbuilder-login" {
			continue
		}
		for _, wrong := range use.Wrong {
			if !slices.Contains(known.Wrong, wrong) {
				uses[i].Wrong = append(uses[i].Wrong, wrong)
			}
		}
		return uses
	}
	return append(uses, use)
}

// plumbing are commands that only prepare or show something.
var plumbing = strings.Fields(`: . [ [[ awk basename break cat cd chmod chown continue cp curl cut date declare dirname echo eval exit export
	expr false find getopts git go grep gunzip gzip head help hostname id jq local ls mapfile mkdir mktemp mv popd printf pushd pwd read
	readarray readlink realpath return rm rmdir sed seq set shift shopt sleep sort source stat tac tail tar tee test touch tr trap true
	tput uname uniq unset unzip wait wc wget whoami which xargs yq zip`)

// otherName is the name of a command that nobody here knows, and that changes something; empty
// for others.
func otherName(c shellscript.Command) string {
	name, args := c.Name(), c.Plain()
	switch {
	case name == "git" && len(args) > 1 && (args[1] == "push" || args[1] == "commit"):
		return "git " + args[1]
	case name == "curl" && has(c.Text, " -d", "--data", " -X", "--request", " -T", " -F"):
		return name
	case name == "" || slices.Contains(plumbing, name) || strings.HasPrefix(name, "$"):
		return ""
	}
	return name
}

// isPacking reports whether a command leaves an archive.
func isPacking(c shellscript.Command) bool {
	name, args := c.Name(), c.Plain()
	return (name == "ksbuilder" || name == "helm") && len(args) > 1 && args[1] == "package"
}

// has reports whether a text has one of the parts.
func has(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// Needs reports whether a use in a step needs what another one brings.
func (u Use) Needs(other Use, step cifile.Step) bool {
	switch other.Tool {
	case registryTool:
		return slices.ContainsFunc([]string{"image", "chart", "museum", "helm"}, func(kind string) bool { return strings.HasPrefix(u.ID, kind) })
	case changesTool:
		return strings.Contains(u.Over, "changed file")
	case "":
		return false
	}
	return strings.Contains(step.Script, other.Tool)
}

// registryTool is a registry or repository that commands can write to.
const registryTool = "registry"
