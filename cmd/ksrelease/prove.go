package main

import (
	"errors"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/proof"
	"github.com/ksrelease/ksrelease/internal/proving"
)

type proveCommand struct {
	app.Reading
	What      []string `arg:"" optional:"" name:"what" help:"What is published: NAME@VERSION, NAME (its highest version), a package FILE.tgz, or a target (a name of the config, an address, a FOLDER/) with all declared extensions; without it, all declared extensions."`
	Target    string   `placeholder:"TARGET" help:"Look versions up in this target: a name of the config, an address or a folder; default: the first one that can be read."`
	Revision  string   `placeholder:"COMMIT" help:"The commit, tag or branch in place of the one that the package names."`
	Hooks     bool     `help:"Run the hooks that the config of the commit has before: commands of the repository."`
	Keyring   string   `placeholder:"FILE" help:"Ask for a provenance file, too, by one of the OpenPGP keys in FILE, as helm verify does."`
	Key       string   `placeholder:"FILE" help:"Ask for a signature, too, by this public key (PEM), as cosign verify does."`
	Statement string   `placeholder:"FILE" help:"Write what is proved as in-toto statements with the provenance of SLSA, a line for each package; signed, where the config has sign.key_file."`
	Output    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run builds what is published again, and compares.
func (c *proveCommand) Run(a *app.App) error {
	ctx, p, end, err := c.Start(a)
	if err != nil {
		return err
	}
	defer end()
	proofs, err := proving.Open(ctx, a, p, proving.Options{
		Local: c.LocalFlags, What: c.What, Target: c.Target, Revision: c.Revision, Hooks: c.Hooks,
		Keyring: c.Keyring, Key: c.Key, Statement: c.Statement,
	})
	if err != nil {
		return err
	}
	defer proofs.Close()
	all, unpublished, err := proofs.All(ctx)
	if err != nil {
		return err
	}
	for _, line := range unpublished {
		a.Stderr.Print("%s", line)
	}
	proof.Redact(all, a.Redact.Text)
	if c.Output == "json" {
		a.Stdout.JSON(map[string]any{"packages": all}, "  ")
	} else {
		proof.Text(a.Stdout, all)
	}
	if c.Statement != "" {
		if err := proofs.State(all, app.Version()); err != nil {
			return err
		}
	}
	if len(all) == 0 { // a job that looks in the wrong place has proved nothing
		return failure.WithHint(errors.New("nothing of this project is published there, so nothing is proved"), "ksrelease status shows what is where; --target names another place")
	}
	for _, r := range all {
		if !r.Holds() {
			return &app.OutcomeError{Code: app.ExitNotReleased}
		}
	}
	return nil
}
