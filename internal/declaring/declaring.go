// Package declaring writes the config of a repository that has none, and the files that belong
// to it: .gitattributes, and the one by which a CI releases the extensions.
package declaring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/adopt"
	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Command is what is written besides the config. Where a config is there, it alone is written.
type Command struct {
	Gitattributes bool
	CI            cifile.System // empty: no file
	// Adopt says what is known of this program, in the current folder; latest: the version that a
	// new file installs is of no interest.
	Adopt func(latest bool) (adopt.Options, error)
}

// Run finds the extensions of the current folder, and declares them.
func (c Command) Run(a *app.App) error {
	if err := c.atTheTop(a); err != nil {
		return err
	}
	found, err := Find(a.Stop, ".")
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
	if errors.Is(err, os.ErrExist) && (c.Gitattributes || c.CI != "") {
		return c.others(a, found)
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
	switch len(found.LeftOut) {
	case 0:
	case 1:
		a.Stdout.Print("left out, as no release would take it:")
	default:
		a.Stdout.Print("left out, as no release would take them:")
	}
	for _, left := range found.LeftOut {
		a.Stdout.Print("  %s: %s", left.Path, left.Why)
	}
	if !adopt.IgnoresOutput(".") {
		a.Stdout.Print("→ %s", adopt.IgnoreOutput)
	}
	if err := c.others(a, found); err != nil {
		return err
	}
	if was, err := regularfile.Read(attributesFile, 1<<20); !c.Gitattributes && (err != nil || !strings.Contains(string(was), "eol=")) && git.Commit(a.Stop, ".") != "" {
		a.Stdout.Print("→ ksrelease init --gitattributes keeps a checkout from having other line ends than were committed")
	}
	if c.CI == "" {
		c.proposeCI(a)
	}
	a.Stdout.Print("→ next: ksrelease --dry-run, or ksrelease run --local")
	return nil
}

// others writes the files besides the config that are asked for.
func (c Command) others(a *app.App, found discover.Found) error {
	if c.Gitattributes {
		if err := writeAttributes(a, found); err != nil {
			return err
		}
	}
	if c.CI == "" {
		return nil
	}
	options, err := c.Adopt(false)
	if err != nil {
		return err
	}
	file, next, err := adopt.First(c.CI, options)
	if err != nil {
		return app.Usage(err, "")
	}
	switch {
	case file.State == adopt.StateSame:
		a.Stdout.Print("%s is there already, just so", file.Path)
	case c.CI == cifile.Make: // which does nothing by itself
		a.Stdout.Print("%s has targets that check, plan and release the extensions", file.Path)
	default:
		a.Stdout.Print("%s checks the extensions in each proposed change, and releases them for tags", file.Path)
	}
	for _, line := range next {
		a.Stdout.Print("→ %s", line)
	}
	if was, err := adopt.Read(a.Stop, options); err == nil && len(was.Files) > 0 {
		a.Stdout.Print("→ %s releases extensions today, too: ksrelease adopt explains how, and writes the file that takes its place", was.Files[0].Path)
	}
	return nil
}

// atTheTop sees to it that a file for a CI is written where the CI looks for it.
func (c Command) atTheTop(a *app.App) error {
	if _, err := os.Lstat(".git"); c.CI == "" || err == nil || git.Commit(a.Stop, ".") == "" {
		return nil
	}
	return app.Usage(errors.New("--ci writes a file that a CI looks for at the top of the repository, and this folder is below it"), "go to the top, or name it with -C")
}

// proposeCI names the command that writes the file for the CI in use, or explains what releases
// extensions already.
func (c Command) proposeCI(a *app.App) {
	if options, err := c.Adopt(true); err == nil {
		if was, err := adopt.Read(a.Stop, options); err == nil && len(was.Files) > 0 {
			a.Stdout.Print("→ ksrelease adopt explains how %s releases extensions today, and writes what takes its place", was.Files[0].Path)
			return
		}
	}
	if system := adopt.InUse("."); system != "" {
		a.Stdout.Print("→ ksrelease init --ci %s writes the file by which %s releases them", system, system.Title())
		return
	}
	a.Stdout.Print("→ ksrelease init --ci github writes a workflow that releases them; also: gitlab, jenkins, make")
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

// Find finds all extensions below root: the first odd place is an error.
func Find(ctx context.Context, root string) (discover.Found, error) {
	found := discover.Extensions(ctx, root)
	if len(found.Odd) > 0 {
		return found, app.Usage(fmt.Errorf("looking for extensions: %s: %s", found.Odd[0].File, found.Odd[0].Message), found.Odd[0].Hint)
	}
	return found, ctx.Err()
}
