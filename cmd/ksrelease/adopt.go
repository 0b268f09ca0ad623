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
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	report, err := adopt.Read(a.Stop, adopt.Options{Root: root, Paths: c.Paths, Accepts: accepts(), Version: pin})
	if err != nil {
		return app.Usage(err, "")
	}
	if c.Write {
		if err := report.Save(root, c.Overwrite); err != nil {
			return app.Usage(err, "")
		}
	}
	report.Print(a.Stdout, c.Output == "json")
	return nil
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
	if version := "v" + strings.TrimPrefix(app.Version(), "v"); pinnable.MatchString(version) && !strings.HasSuffix(version, "-dirty") {
		return version, nil
	}
	a.Warnings.Add("this ksrelease has no version that could be installed again: the new workflow installs the newest one; name one with --pin VERSION")
	return "latest", nil
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
