package main

import (
	"errors"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/adopt"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

type adoptCommand struct {
	Paths     []string `arg:"" optional:"" name:"path" help:"Only these files, or those in these folders: workflows, .gitlab-ci.yml, Jenkinsfile, Makefile, shell scripts."`
	Dir       string   `short:"C" placeholder:"DIR" help:"Go to this directory first: the root of the repository."`
	Write     bool     `help:"Write the new files, which are only shown otherwise."`
	Overwrite bool     `help:"With --write: replace a workflow of an earlier call; never a config."`
	Pin       string   `placeholder:"VERSION" help:"Version of ksrelease that the new workflow installs; default: that of this program."`
	Output    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run explains how the repository releases extensions, and writes what takes its place.
func (c *adoptCommand) Run(a *app.App) error {
	if c.Overwrite && !c.Write {
		return app.Usage(errors.New("--overwrite is for --write"), "without --write nothing is written")
	}
	pin, err := c.pinned(a)
	if err != nil {
		return err
	}
	if err := (app.Place{Dir: c.Dir}).Enter(); err != nil {
		return err
	}
	a.WarnOnStderr()
	options, err := adopting(pin)
	if err != nil {
		return err
	}
	options.Paths = c.Paths
	report, err := adopt.Read(a.Stop, options)
	if err != nil {
		return app.Usage(err, "")
	}
	if c.Write {
		if err := report.Save(options.Root, c.Overwrite); err != nil {
			return app.Usage(err, "")
		}
	}
	report.Print(a.Stdout, c.Output == "json")
	return nil
}

// adopting are the options for this folder. pin is the version of ksrelease that new files
// install.
func adopting(pin string) (adopt.Options, error) {
	root, err := os.Getwd()
	return adopt.Options{Root: root, Accepts: accepts(), Version: pin}, err
}

// pinnable is a version that go install takes.
var pinnable = lazyregexp.New(`^v[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$|^[0-9a-f]{12,40}$`)

// pinned is the version of ksrelease for the new workflow.
func (c *adoptCommand) pinned(a *app.App) (string, error) {
	if c.Pin != "" {
		for _, version := range []string{c.Pin, "v" + c.Pin} {
			if pinnable.MatchString(version) {
				return version, nil
			}
		}
		return "", app.Usage(errors.New("--pin takes a version such as v1.2.3, or a commit"), "")
	}
	return ownVersion(a, "; name one with --pin VERSION"), nil
}

// ownVersion is that of this program as go install takes it, or the newest one; hint ends the
// warning of that.
func ownVersion(a *app.App, hint string) string {
	if version := "v" + strings.TrimPrefix(app.Version(), "v"); pinnable.MatchString(version) && !strings.HasSuffix(version, "-dirty") {
		return version
	}
	a.Warnings.Add("this ksrelease has no version that could be installed again: the new file installs the newest one" + hint)
	return "latest"
}

// accepts says whether this program takes a command line, as far as its grammar goes.
func accepts() func(line string) bool {
	known := map[string]bool{}
	return func(line string) bool {
		taken, ok := known[line]
		if !ok {
			taken = isTaken(line)
			known[line] = taken
		}
		return taken
	}
}

func isTaken(line string) bool {
	parser, err := kong.New(&cli{}, grammar()...)
	if err != nil {
		panic(err) // the grammar is wrong; a test holds it
	}
	words := strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(line))
	if words, err = commandline.Arrange(parser.Model, words[1:]); err != nil {
		return false
	}
	_, err = parser.Parse(words)
	return err == nil
}
