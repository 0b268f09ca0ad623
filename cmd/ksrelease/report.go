package main

import (
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/replaying"
)

type reportCommand struct {
	Dir    string   `short:"C" placeholder:"DIR" help:"Go to this directory first."`
	From   []string `arg:"" name:"journal" help:"The journal of a run: FILE.jsonl that --report has written. With merge before them, those of several runs, such as the shards of one release."`
	Output string   `enum:"text,json" default:"text" help:"text, or json: the result document on standard output."`
	All    bool     `help:"Show each finding. Otherwise many are grouped by their cause, and the worst of each is shown."`
	Report []string `placeholder:"FILE" help:"Also write a report: ${reports}. The ending chooses the form, or FORMAT=FILE. May be repeated."`
}

// Run reports on a run as it did itself.
func (c *reportCommand) Run(a *app.App) error {
	command := replaying.Command(*c)
	return command.Run(a)
}
