package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

type initCommand struct {
	Dir string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
}

// Run finds the extensions and declares them.
func (c *initCommand) Run(a *app) error {
	if err := (place{Dir: c.Dir}).enter(); err != nil {
		return err
	}
	found, err := findExtensions(".")
	if err != nil {
		return err
	}
	a.warnOnStderr()
	for _, message := range config.AbsentSubmodules(".") {
		a.warnings.Add(message)
	}
	if len(found) == 0 {
		return usage(errors.New("there is no extension here: no directory with an extension.yaml"),
			"go to the root of the repository, or name it with -C")
	}
	// O_EXCL: a config that is there, even one that just appeared, is never
	// overwritten.
	file, err := os.OpenFile(config.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usage(fmt.Errorf("%s is there already, and is left as it is", config.Name), "ksrelease check reads it")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	_, err = file.WriteString(discover.Config(found))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	a.stdout.Print("%s declares %s:", config.Name, plural(len(found), "extension"))
	for _, dir := range found {
		a.stdout.Print("  %s", dir)
	}
	if ignored, err := regularfile.Read(".gitignore", 1<<20); err != nil || !strings.Contains(string(ignored), ".ksrelease") {
		a.stdout.Print("→ put .ksrelease/ and dist/ into .gitignore: local marketplaces and packages are written there")
	}
	a.stdout.Print("→ next: ksrelease --dry-run, or ksrelease run --local")
	return nil
}

// findExtensions finds all extensions below root: the first odd place is an error.
func findExtensions(root string) ([]string, error) {
	found, odd := discover.Extensions(root)
	if len(odd) > 0 {
		return nil, usage(fmt.Errorf("looking for extensions: %s: %s", odd[0].File, odd[0].Message), odd[0].Hint)
	}
	return found, nil
}
