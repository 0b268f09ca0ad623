package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/jobs"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/pipeline"
)

type planCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.LocalFlags
	app.TargetFlags
	app.HookFlags
	Only          []string  `placeholder:"NAME" help:"Only the extensions of these names."`
	Shards        jobsCount `default:"4" placeholder:"N" help:"How many jobs there may be at most."`
	Output        string    `enum:"text,json,github-matrix,gitlab" default:"text" help:"text, json, github-matrix (one line of JSON for strategy.matrix), or gitlab (a child pipeline)."`
	GitlabInclude string    `placeholder:"FILE" help:"With --output gitlab: a file of the repository with a job .ksrelease, which the jobs extend."`
	Paths         []string  `arg:"" optional:"" name:"path" help:"Only the extensions in these paths."`
}

// jobsCount is how many jobs there are at most.
type jobsCount int

// UnmarshalText reads a flag.
func (n *jobsCount) UnmarshalText(text []byte) error {
	count, err := strconv.Atoi(string(text))
	if err != nil || count < 1 || count > shards.Most {
		return fmt.Errorf("it must be a whole number from 1 to %d, not %q", shards.Most, text)
	}
	*n = jobsCount(count)
	return nil
}

// Run plans as a dry run does, and divides what is to be released.
func (c *planCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "plan", DryRun: true}); err != nil {
		return err
	}
	links, err := c.DialAll(ctx, a, p, c.TargetFlags)
	if err != nil {
		return err
	}
	defer links.Close()
	a.WarnOnStderr()
	options, err := p.Start(ctx, c.Paths)
	if err != nil {
		return err
	}
	options.Only, options.Targets, options.Divide = c.Only, links.Targets(), int(c.Shards)
	run, result, err := p.DryRun(ctx, options, app.Since{})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return &graceful.CutError{Err: fmt.Errorf("%w before all was planned", context.Cause(ctx))}
	}
	for _, warning := range result.Warnings {
		a.Warnings.Add(warning)
	}
	if err := c.print(a, run.Parts(), result.AsAsked()); err != nil {
		return err
	}
	c.reasons(a, result)
	switch refused := run.AuthRefused(); {
	case result.AsAsked():
		return nil
	case refused != nil:
		return &app.OutcomeError{Code: app.ExitAuth}
	}
	return &app.OutcomeError{Code: app.ExitNotReleased}
}

// reasons prints why extensions are in no job though they should be, each reason once.
func (c *planCommand) reasons(a *app.App, result *results.Document) {
	type cause struct{ said, hint string }
	var causes []cause
	titles := map[cause][]string{}
	for _, x := range result.Extensions {
		if x.AsAsked {
			continue
		}
		of := cause{said: report.Ended(x)}
		if x.Error != nil {
			of.hint = x.Error.Hint
		}
		if titles[of] == nil {
			causes = append(causes, of)
		}
		titles[of] = append(titles[of], strings.TrimSpace(x.Name+" "+x.Version))
	}
	for _, of := range causes {
		said := output.Format("%s: %s", output.Name(strings.Join(titles[of], ", ")), a.Redact.Text(of.said))
		a.Stderr.Print("%s", said.Fold("", "  ", a.Stderr.Columns()))
		if of.hint != "" {
			a.Stderr.Print("%s", output.Hint("  ", a.Redact.Text(of.hint), a.Stderr.Columns()))
		}
	}
}

// print prints the jobs.
func (c *planCommand) print(a *app.App, parts []pipeline.Part, asAsked bool) error {
	var extensions [][]jobs.Extension
	var weights []int64
	for _, part := range parts {
		var in []jobs.Extension
		for _, x := range part.Extensions {
			in = append(in, jobs.Extension{Name: x.Name, Version: x.Version, Path: x.Path})
		}
		extensions, weights = append(extensions, in), append(weights, part.Weight)
	}
	all := jobs.New(extensions, weights)
	switch c.Output {
	case "json":
		a.Stdout.JSON(struct {
			Shards []jobs.Job `json:"shards"`
		}{all}, "  ")
	case "github-matrix":
		matrix, err := jobs.GitHubMatrix(all)
		if err != nil {
			return err
		}
		a.Stdout.Print("%s", matrix)
	case "gitlab":
		a.Stdout.Own([]byte(jobs.GitLab(all, c.command(), c.GitlabInclude)))
	default:
		c.table(a, all, asAsked)
	}
	return nil
}

// command is what a job runs for its extensions.
func (c *planCommand) command() string {
	return strings.Join(slices.Concat([]string{"ksrelease", "run"}, c.Place.Words(), c.LocalFlags.Words(), c.TargetFlags.Words()), " ")
}

func (c *planCommand) table(a *app.App, all []jobs.Job, asAsked bool) {
	switch {
	case len(all) == 0 && asAsked:
		a.Stdout.Print("there is nothing to release")
		return
	case len(all) == 0:
		a.Stdout.Print("there is nothing that can be released")
		return
	}
	table := output.NewTable("shard", "work", "extensions")
	count := 0
	for _, j := range all {
		var names []string
		for _, x := range j.Extensions {
			names = append(names, x.Name+" "+x.Version)
		}
		count += len(names)
		table.Row(output.Cell(j.Shard), output.Cell(humanize.IBytes(uint64(j.Weight))), output.Cell(strings.Join(names, ", ")))
	}
	a.Stdout.Print("%s", table.Render(a.Stdout.Columns()))
	a.Stdout.Print("%s in %s", app.Plural(count, "extension"), app.Plural(len(all), "job"))
}
