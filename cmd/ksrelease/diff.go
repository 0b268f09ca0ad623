package main

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/graceful"
)

type diffCommand struct {
	app.Reading
	Names   []string `arg:"" optional:"" name:"name" help:"Only these extensions."`
	Against string   `default:"published" placeholder:"WHAT" help:"What to compare with: published (the highest version in the Helm repository), a version such as 1.2.0, a package FILE.tgz, or a commit, branch or tag of git."`
	Output  string   `enum:"text,json,markdown" default:"text" help:"text, json, or markdown for a pull request."`
}

// Run shows what an administrator will notice of each extension.
func (c *diffCommand) Run(a *app.App) error {
	ctx, p, end, err := c.Start(a)
	if err != nil {
		return err
	}
	defer end()
	compare, over, err := comparing.Open(ctx, a, p, c.LocalFlags, c.Against, c.Names)
	if err != nil {
		return err
	}
	defer over()
	diffs, err := compare.All(ctx)
	switch {
	case ctx.Err() != nil:
		return &graceful.CutError{Err: fmt.Errorf("%w before all was compared", context.Cause(ctx))}
	case comparing.IsUnknownName(err):
		return app.Usage(err, "")
	case c.Output == "json":
		a.Stdout.JSON(map[string]any{"extensions": diffs}, "  ")
	case c.Output == "markdown":
		a.Stdout.Own(chartdiff.Markdown(diffs))
	default:
		chartdiff.Text(a.Stdout, diffs)
	}
	return err
}
