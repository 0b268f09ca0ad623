// Package successor writes the files that take the place of release scripts: a workflow for pull
// requests, tags and schedules in the language of a CI system, or targets of make. It knows what
// such files need, and nothing of those that were there before but the facts it is given.
package successor

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Module is what go install builds ksrelease from.
const Module = "github.com/ksrelease/ksrelease/cmd/ksrelease"

// DefaultSecret is the name of the secret, or the ID of the credentials of Jenkins, where the old
// files have none; empty for a system without secrets.
func DefaultSecret(system cifile.System) string {
	switch system {
	case cifile.GitHub, cifile.GitLab:
		return "KSRELEASE_TOKEN"
	case cifile.Jenkins:
		return "ksrelease-token"
	}
	return ""
}

// Facts are what is known of the project and of what it did before. The zero value is a project
// of which nothing is known.
type Facts struct {
	// By is the command that writes the file; empty: ksrelease adopt.
	By string
	// Version is that of ksrelease, as go install takes it: v1.2.3.
	Version string
	// Accepts says whether this version takes a command line; others are not written.
	Accepts func(line string) bool
	// Secret is the name of the secret with the API key, or the ID of the credentials of Jenkins.
	Secret string
	// Branches are those on which extensions were released, or that pull requests went to.
	Branches []string
	// OnBranch says that what is pushed to them is released; ByTitle that merged pull requests
	// release what their titles name, ByComment that comments do.
	OnBranch, ByTitle, ByComment bool
	// Packs says that archives are needed by something that stays.
	Packs bool
	// Tags are patterns of tags that released the whole repository, such as v*; PackTags those
	// on which archives were made, and nothing was released.
	Tags, PackTags []string
	// Single says that the project has one extension, and that the config reads tags without a
	// name, such as v1.2.3, as its versions.
	Single bool
	// Cron is when it is looked at whether what is published is still what is here.
	Cron string
	// RunsOn are the labels, with commas between, of the machine of jobs of GitHub, or the label
	// of an agent of Jenkins; CheckOn those for pull requests, which may hold what strangers wrote.
	RunsOn, CheckOn string
	// Repository is the one on which jobs of GitHub run, and not on its forks: owner/name.
	Repository string
	// Stages are those that a .gitlab-ci.yml declares.
	Stages []string
	// Before are places (file:line) of what has to be done before extensions are read.
	Before []string
	// Hooks says that extensions have hooks without which they are not complete.
	Hooks bool
	// After are places of what stays and needs the archives.
	After []string
}

// File is a file to be written.
type File struct {
	Path string
	Text string
	// Use is what else has to be done so that it is used; may be empty.
	Use string
}

//go:embed templates
var templates embed.FS

// places are where the file for each system is written. None is a file that exists where a
// system is in use already, but for that of GitHub, which reads a folder.
var places = map[cifile.System]File{
	cifile.GitHub:  {Path: ".github/workflows/ksrelease.yml"},
	cifile.GitLab:  {Path: ".gitlab/ksrelease.gitlab-ci.yml", Use: "include it in .gitlab-ci.yml: include: [{local: .gitlab/ksrelease.gitlab-ci.yml}]"},
	cifile.Jenkins: {Path: "Jenkinsfile.ksrelease", Use: "make a multibranch pipeline in Jenkins that has Jenkinsfile.ksrelease for its script path"},
	cifile.Make:    {Path: "ksrelease.mk", Use: "include it in the Makefile: include ksrelease.mk"},
}

// Write makes the file for a system; ok is false where there is none for it.
func Write(system cifile.System, facts Facts) (file File, ok bool) {
	file, ok = places[system]
	if !ok {
		return File{}, false
	}
	facts.clean(system)
	if facts.By == "" {
		facts.By = "ksrelease adopt"
	}
	name := "templates/" + string(system) + ".tmpl"
	parsed, err := template.New(string(system)+".tmpl").Delims("[[", "]]").Funcs(template.FuncMap{
		"quote": quote, "machine": machine, "list": quotedList, "join": strings.Join,
		"takes": facts.takes,
	}).ParseFS(templates, name)
	if err != nil {
		panic(err) // the templates are part of the program; a test holds them
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, facts); err != nil {
		panic(err)
	}
	file.Text = blankLines.ReplaceAllString(b.String(), "\n\n")
	return file, true
}

var blankLines = lazyregexp.New(`\n{3,}`)

// takes says whether a template may write a command line.
func (f Facts) takes(line string) bool { return f.Accepts != nil && f.Accepts(line) }

// What may stand in a file that is written: all else comes from files of strangers, and is left
// out.
var (
	variableName   = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credentialName = lazyregexp.New(`^[A-Za-z0-9_.@-]+$`)
	refPattern     = lazyregexp.New(`^[A-Za-z0-9_./*?+\[\]!-]+$`)
	cronTime       = lazyregexp.New(`^[0-9A-Za-z*,/#?-]+( [0-9A-Za-z*,/#?-]+){4}$`)
	machineName    = lazyregexp.New(`^[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*$`)
	repositoryName = lazyregexp.New(`^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$`)
	stageName      = lazyregexp.New(`^[A-Za-z0-9._ -]+$`)
)

// clean leaves out what cannot stand in a file, and fills in what is not known.
func (f *Facts) clean(system cifile.System) {
	names := variableName
	if system == cifile.Jenkins {
		names = credentialName
	}
	if !names.MatchString(f.Secret) {
		f.Secret = DefaultSecret(system)
	}
	f.Branches, f.Stages = matching(f.Branches, refPattern), matching(f.Stages, stageName)
	f.Tags, f.PackTags = matching(f.Tags, refPattern), matching(f.PackTags, refPattern)
	if len(f.Branches) == 0 {
		f.Branches = []string{"main"}
	}
	if !cronTime.MatchString(f.Cron) {
		f.Cron = "23 3 * * 1-5"
		if system == cifile.Jenkins {
			f.Cron = "H 3 * * 1-5"
		}
	}
	if !machineName.MatchString(f.RunsOn) {
		f.RunsOn = ""
		if system == cifile.GitHub {
			f.RunsOn = "ubuntu-latest"
		}
	}
	if !machineName.MatchString(f.CheckOn) {
		f.CheckOn = "ubuntu-latest"
	}
	if !repositoryName.MatchString(f.Repository) {
		f.Repository = ""
	}
	f.Hooks = f.Hooks && f.takes("ksrelease run --dry-run --hooks")
	f.ByTitle = f.ByTitle && f.takes(`ksrelease run --title "$TITLE"`)
	f.ByComment = f.ByComment && f.takes(`ksrelease run --title "$TITLE"`)
}

func matching(list []string, form *lazyregexp.Regexp) []string {
	var kept []string
	for _, s := range list {
		if form.MatchString(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// FirstStage and LastStage are the stages of GitLab for checks and for releases.
func (f Facts) FirstStage() string { return f.stage(0, "test") }

// LastStage is the one for releases.
func (f Facts) LastStage() string { return f.stage(len(f.Stages)-1, "deploy") }

func (f Facts) stage(i int, usual string) string {
	if len(f.Stages) == 0 {
		return usual
	}
	return f.Stages[i]
}

// PushedTags are the patterns of tags of GitHub on which something happens: those of extensions,
// and those of the whole repository.
func (f Facts) PushedTags() []string {
	var all []string
	if f.takes("ksrelease run --tag auto") {
		all = []string{"*/v[0-9]*", "*/[0-9]*", "*-[0-9]*"}
	}
	for _, tag := range append(slices.Clone(f.Tags), f.PackTags...) {
		named := len(all) > 0 && (strings.HasPrefix(tag, "*/") || strings.HasPrefix(tag, "*-")) // among the first
		if tag != "*" && tag != "**" && !named && !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	if len(all) == 0 {
		all = []string{"v[0-9]*"}
	}
	return all
}

// Whole says that tags such as v1.2.3, which name no extension, release all that is not there
// yet; Idle that they release nothing.
func (f Facts) Whole() bool { return !f.Single && f.HasVersionTags() }

// HasVersionTags says that tags such as v1.2.3 released something.
func (f Facts) HasVersionTags() bool { return slices.ContainsFunc(f.Tags, wholeTag.MatchString) }

// Idle is the other way round.
func (f Facts) Idle() bool {
	return !f.HasVersionTags() && slices.ContainsFunc(f.PackTags, wholeTag.MatchString)
}

// wholeTag is a pattern of tags that have a version and no name.
var wholeTag = lazyregexp.New(`^v(\*|\[0-9\]|[0-9.*\[\]+-]+$)`)

// quote writes a text as a scalar of YAML, and as a string of Groovy: it has no quotes.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// machine writes the labels of a machine: one, or a list.
func machine(labels string) string {
	if strings.Contains(labels, ",") {
		return quotedList(strings.Split(labels, ","))
	}
	return quote(labels)
}

func quotedList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return fmt.Sprintf("[%s]", strings.Join(quoted, ", "))
}

// Module is the constant, for templates.
func (Facts) Module() string { return Module }
