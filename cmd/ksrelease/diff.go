package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/replaying"
	"github.com/ksrelease/ksrelease/internal/report/comment"
	"github.com/ksrelease/ksrelease/internal/results"
)

type diffCommand struct {
	app.Reading
	Names   []string `arg:"" optional:"" name:"name" help:"Only these extensions."`
	Against string   `default:"published" placeholder:"WHAT" help:"What to compare with: published (the highest version in the Helm repository), a version such as 1.2.0, a package FILE.tgz, or a commit, branch or tag of git."`
	Output  string   `enum:"text,json,markdown,comment" default:"text" help:"text, json, markdown, or comment: Markdown for a pull request, as long as GitHub takes it."`
	Plan    string   `placeholder:"FILE" help:"With --output comment, begin with the plan that run --dry-run --report FILE.jsonl has made."`
}

// Run shows what an administrator will notice of each extension.
func (c *diffCommand) Run(a *app.App) error {
	var plan *results.Document
	if c.Plan != "" {
		if c.Output != "comment" {
			return app.Usage(errors.New("--plan is for --output comment"), "")
		}
		replay, err := replaying.Read(c.Plan)
		if err != nil {
			return err
		}
		plan = a.Redact.Document(replay.Result)
	}
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
	case c.Output == "comment":
		a.Stdout.Own(comment.Of(plan, diffs))
	default:
		chartdiff.Text(a.Stdout, diffs)
	}
	return err
}
