// Package projectcache has the commands that show and remove what commands keep for later ones.
package projectcache

import (
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Commands are those of `ksrelease cache`. Package main has them in its grammar.
type Commands struct {
	Info  InfoCommand  `cmd:"" help:"Show where what commands keep is, how large it is, and whether it can be used."`
	Clean CleanCommand `cmd:"" help:"Remove what commands have kept on this machine."`
}

// InfoCommand is the command cache info.
type InfoCommand struct {
	app.Place
	Output string `enum:"text,json" default:"text" help:"text or json."`
}

// Run shows what is kept. That it cannot be used is no failure: commands go on without it.
func (c *InfoCommand) Run(a *app.App) error {
	p, err := c.Open(a.Stop, a)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	s, err := p.CacheStatus(a.Stop)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		a.Stdout.JSON(s, "  ")
		return nil
	}
	if s.Folder == "" {
		a.Stdout.Print("nothing is kept on this machine: there is no folder for it, or KSRELEASE_CACHE_DIR is off")
	} else {
		a.Stdout.Print("%s %s", output.Word("folder").Fit(7), s.Folder)
		a.Stdout.Print("%s %s", output.Word("size").Fit(7), output.Format("%s (at most %s without charts and platforms)", sizeText(s.Bytes), sizeText(s.Limit)))
	}
	if s.Problem != "" {
		a.Stdout.Print("        not used: %s", s.Problem)
	}
	if s.Remote != nil {
		a.Stdout.Print("%s %s (%s)", output.Word("remote").Fit(7), s.Remote.Address, s.Remote.Mode)
	}
	if s.Remote != nil && s.Remote.Problem != "" {
		a.Stdout.Print("        not used: %s", s.Remote.Problem)
	}
	if len(s.Parts) == 0 {
		return nil
	}
	table := output.NewTable("part", "entries", "size", "last used").Numbers(3)
	for _, part := range s.Parts {
		table.Row(output.Name(part.Name), output.Cell(humanize.Comma(int64(part.Entries))), output.Cell(sizeText(part.Bytes)), output.Cell(part.LastUsed.Format(time.DateOnly)))
	}
	a.Stdout.Print("\n%s", table.Render(a.Stdout.Columns()))
	return nil
}

// CleanCommand is the command cache clean.
type CleanCommand struct{}

// Run removes what is kept, and nothing else that is in the folder.
func (c *CleanCommand) Run(a *app.App) error {
	folder, removed, err := a.CleanCache(a.Stop)
	if folder != "" {
		a.Stdout.Print("removed %s in %s from %s", sizeText(removed.Bytes), app.Plural(removed.Entries, "file"), folder)
	} else if err == nil {
		a.Stdout.Print("nothing is kept on this machine")
	}
	return err
}

func sizeText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
