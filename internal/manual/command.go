package manual

import (
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Command is the command man.
type Command struct {
	Folder string `arg:"" name:"DIR" help:"The folder to write to, such as ~/.local/share/man/man1. It is made where it is not there."`
}

// Run writes the manual pages.
func (c *Command) Run(a *app.App, parser *kong.Kong) error {
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return app.Usage(err, "name another folder")
	}
	pages := Pages(parser.Model, app.Version(), sections())
	for name, page := range pages {
		if err := atomicfile.Write(filepath.Join(c.Folder, name), page, 0o644); err != nil {
			return err
		}
	}
	a.Stdout.Print("%d manual pages are in %s", len(pages), app.Display(c.Folder))
	if filepath.Base(c.Folder) == "man1" { // where man looks for them below a folder of manual pages
		a.Stdout.Print("→ to read them: man -M %s ksrelease", shellword.Quote(app.Display(filepath.Dir(c.Folder))))
	}
	return nil
}

// sections are what holds for all commands.
func sections() []Section {
	return []Section{
		{"EXIT STATUS", []Entry{
			{"0", "All is well: every extension is released as asked, or there was nothing to do."},
			{"1", "At least one extension is not released as asked, or something could not be written."},
			{"2", "Usage or configuration: nothing was sent."},
			{"3", "Authentication: there is no API key where one is needed, or it was refused."},
			{"4", "Nothing to do: with run --detailed-exit-code alone."},
			{"129, 130, 143", "Interrupted by SIGHUP, SIGINT or SIGTERM."},
		}},
		{"ENVIRONMENT", []Entry{
			{"KSRELEASE_TOKEN", "The API key of the marketplace, in place of the one that ksrelease login keeps."},
			{"KSRELEASE_REPOSITORY_USERNAME, KSRELEASE_REPOSITORY_PASSWORD", "For a Helm repository that asks for them."},
			{"KSRELEASE_CACHE_DIR", "Where commands keep what later ones need."},
			{"KSRELEASE_LANG", "The language of text, en or zh, in place of that of the locale."},
			{"CI", "If it is true, nothing is redrawn, and packages that are not as committed fail."},
			{"NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE", "No colours; colours also where there is no terminal."},
			{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The proxy of requests."},
		}},
		{"FILES", []Entry{
			{".ksrelease.yaml", "The config, here or in the nearest directory above."},
		}},
	}
}
