package previewing

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/page"
)

// Command is the command preview.
type Command struct {
	app.Reading
	app.HookFlags
	Names   []string `arg:"" optional:"" name:"name" help:"Only these extensions."`
	Against string   `default:"published" placeholder:"WHAT" help:"What to show them next to: published (the highest version in the Helm repository), a version such as 1.2.0, a package FILE.tgz, or a commit, branch or tag of git."`
	File    string   `short:"o" placeholder:"FILE" help:"The page to write; default: preview.html in package.output of the config, or dist."`
}

// Run writes a page of how the extensions are shown, and prints its path.
func (c *Command) Run(a *app.App) error {
	ctx, p, end, err := c.Start(a)
	if err != nil {
		return err
	}
	defer end()
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "preview", DryRun: true}); err != nil {
		return err
	}
	made, err := Of(ctx, a, p, Asked{Names: c.Names, Against: c.Against, Local: c.LocalFlags})
	if err != nil {
		return err
	}
	data, err := page.Bytes(made.Page)
	if err != nil {
		return err
	}
	file := cmp.Or(c.File, app.Display(filepath.Join(p.Config.Defaults.Package.Output, "preview.html")))
	if err := write(file, data); err != nil {
		return app.Usage(fmt.Errorf("writing the page: %w", err), "name a file in a folder that can be written to: -o FILE")
	}
	if made.Unasked != nil {
		a.Warnings.Add("nothing is compared: " + made.Unasked.Error())
	}
	a.Stdout.Print("%s", file)
	a.Stderr.Print("%s, %s: open it in a browser", app.Plural(len(made.Page.Extensions), "extension"), humanize.IBytes(uint64(len(data))))
	return made.Uncompared
}

func write(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(file, data, 0o644)
}
