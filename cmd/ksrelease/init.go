package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

type initCommand struct {
	Dir           string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
	Gitattributes bool   `help:"Write a .gitattributes, too, by which each checkout has the line ends that were committed; where the config is there already, it alone."`
}

// Run finds the extensions and declares them.
func (c *initCommand) Run(a *app.App) error {
	if err := (app.Place{Dir: c.Dir}).Enter(); err != nil {
		return err
	}
	found, err := findExtensions(a.Stop, ".")
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	for _, message := range config.AbsentSubmodules(".") {
		a.Warnings.Add(message)
	}
	switch {
	case len(found.Extensions) == 0 && len(found.LeftOut) > 0:
		for _, left := range found.LeftOut {
			a.Warnings.Add(left.Path + " is left out: " + left.Why)
		}
		return app.Usage(errors.New("there is no extension here that a release would take"),
			"where you release one of these all the same, write "+config.Name+" with its path: ksrelease schema and docs/configuration.md say how")
	case len(found.Extensions) == 0:
		return app.Usage(errors.New("there is no extension here: no directory with an extension.yaml"),
			"go to the root of the repository, or name it with -C")
	}
	// O_EXCL: a config that is there, even one that just appeared, is never
	// overwritten.
	file, err := os.OpenFile(config.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) && c.Gitattributes {
		return writeAttributes(a, found)
	}
	if errors.Is(err, os.ErrExist) {
		return app.Usage(fmt.Errorf("%s is there already, and is left as it is", config.Name), "ksrelease check reads it")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	_, err = file.WriteString(discover.Config(found))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	a.Stdout.Print("%s declares %s:", config.Name, app.Plural(len(found.Extensions), "extension"))
	for _, dir := range found.Extensions {
		a.Stdout.Print("  %s", dir)
	}
	if len(found.LeftOut) > 0 {
		a.Stdout.Print("left out, as no release would take %s:", pronoun(len(found.LeftOut)))
	}
	for _, left := range found.LeftOut {
		a.Stdout.Print("  %s: %s", left.Path, left.Why)
	}
	if ignored, err := regularfile.Read(".gitignore", 1<<20); err != nil || !strings.Contains(string(ignored), ".ksrelease") {
		a.Stdout.Print("→ put .ksrelease/ and dist/ into .gitignore: local marketplaces and packages are written there")
	}
	if c.Gitattributes {
		if err := writeAttributes(a, found); err != nil {
			return err
		}
	} else if was, err := regularfile.Read(attributesFile, 1<<20); (err != nil || !strings.Contains(string(was), "eol=")) && git.Commit(a.Stop, ".") != "" {
		a.Stdout.Print("→ ksrelease init --gitattributes keeps a checkout from having other line ends than were committed")
	}
	a.Stdout.Print("→ next: ksrelease --dry-run, or ksrelease run --local")
	return nil
}

const attributesFile = ".gitattributes"

// writeAttributes adds the lines that are missing in .gitattributes.
func writeAttributes(a *app.App, found discover.Found) error {
	was, err := regularfile.Read(attributesFile, 1<<20)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return app.Usage(fmt.Errorf("reading %s: %w", attributesFile, err), "put a file in its place, or remove it")
	}
	text, added := discover.Attributes(found, string(was))
	if added == 0 {
		a.Stdout.Print("%s has all lines that it needs", attributesFile)
		return nil
	}
	if err := atomicfile.Write(attributesFile, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", attributesFile, err)
	}
	a.Stdout.Print("%s has %s more: files of extensions have LF in each checkout", attributesFile, app.Plural(added, "line"))
	a.Stdout.Print("→ files that were committed with CR LF: git add --renormalize .")
	return nil
}

func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// findExtensions finds all extensions below root: the first odd place is an error.
func findExtensions(ctx context.Context, root string) (discover.Found, error) {
	found := discover.Extensions(ctx, root)
	if len(found.Odd) > 0 {
		return found, app.Usage(fmt.Errorf("looking for extensions: %s: %s", found.Odd[0].File, found.Odd[0].Message), found.Odd[0].Hint)
	}
	return found, ctx.Err()
}
