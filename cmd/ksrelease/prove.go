package main

import (
	"bytes"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/proof"
	"github.com/ksrelease/ksrelease/internal/proving"
)

type proveCommand struct {
	app.Place
	app.Deadline
	app.LocalFlags
	What      []string `arg:"" optional:"" name:"what" help:"What is published: NAME@VERSION, NAME (its highest version) or a package FILE.tgz; all declared extensions where nothing is named."`
	Revision  string   `placeholder:"COMMIT" help:"The commit, tag or branch in place of the one that the package names."`
	Hooks     bool     `help:"Run the hooks that the config of the commit has before: commands of the repository."`
	Statement string   `placeholder:"FILE" help:"Write what is proved as in-toto statements with the provenance of SLSA, a line for each package."`
	Output    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run builds what is published again, and compares.
func (c *proveCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	proofs, err := proving.Open(ctx, a, p, proving.Options{Local: c.LocalFlags, What: c.What, Revision: c.Revision, Hooks: c.Hooks})
	if err != nil {
		return err
	}
	defer proofs.Close()
	all, unpublished, err := proofs.All(ctx)
	if err != nil {
		return err
	}
	for _, name := range unpublished {
		a.Stderr.Print("%s is not published", name)
	}
	proof.Redact(all, a.Redact.Text)
	if c.Output == "json" {
		a.Stdout.JSON(map[string]any{"packages": all}, "  ")
	} else {
		proof.Text(a.Stdout, all)
	}
	if c.Statement != "" {
		if err := c.state(a, all, proofs.Remote); err != nil {
			return err
		}
	}
	for _, r := range all {
		if !r.Holds() {
			return &app.OutcomeError{Code: app.ExitNotReleased}
		}
	}
	return nil
}

// state writes the statements of what was reproduced to the byte.
func (c *proveCommand) state(a *app.App, all []proof.Result, remote string) error {
	var lines bytes.Buffer
	for _, r := range all {
		if r.Verdict != proof.Reproduced {
			a.Stderr.Print("no statement of %s %s: only what is reproduced to the byte is stated", r.Name, r.Version)
			continue
		}
		statement, err := r.State(remote, app.Version())
		if err != nil {
			return err
		}
		line, err := statement.Line()
		if err != nil {
			return err
		}
		lines.Write(line)
	}
	if lines.Len() == 0 {
		return nil
	}
	if err := atomicfile.Write(c.Statement, lines.Bytes(), 0o644); err != nil {
		return failure.WithHint(fmt.Errorf("writing the statements: %w", err), "name a file that can be written with --statement")
	}
	return nil
}
