package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/planfile"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/pipeline"
)

// mayPlan says that the flags go together with a plan that is to be carried out: it says what is
// released and how, so nothing else may.
func (c *runCommand) mayPlan() error {
	if c.Plan == "" || c.DryRun {
		return nil
	}
	for _, other := range []struct {
		name  string
		given bool
	}{
		{"a path", len(c.Paths) > 0}, {"--only", len(c.Only) > 0}, {"--tag or --title", c.Any()}, {"--shard", !c.Shard.IsWhole()}, {"--since", c.Ref != ""}, {"--skip", len(c.Skip) > 0},
		{"--target", len(c.Target) > 0},
		{"--all-or-nothing", c.AllOrNothing}, {"--allow-missing-dependencies", c.AllowMissingDependencies},
	} {
		if other.given {
			return app.Usage(fmt.Errorf("the plan in %s says what is released, so %s cannot", c.Plan, other.name),
				"leave it out, or make another plan with it: ksrelease run --dry-run --plan FILE")
		}
	}
	return nil
}

// approved is the plan that the run is to carry out; nil where there is none, or where one is to
// be written. The file is part of no extension.
func (c *runCommand) approved(a *app.App, options *pipeline.Options) (*planfile.File, error) {
	if c.Plan == "" {
		return nil, nil
	}
	file, err := filepath.Abs(c.Plan)
	if err != nil {
		return nil, err
	}
	options.Ignore = append(options.Ignore, file)
	if c.DryRun {
		return nil, c.mayWritePlan(a, file, options.Sources)
	}
	plan, err := planfile.Read(c.Plan)
	var problems diagnostic.List
	if err == nil || errors.As(err, &problems) {
		return plan, err
	}
	return nil, app.Usage(err, "ksrelease run --dry-run --plan FILE writes one")
}

// mayWritePlan finds out before a dry run whether its plan can be written, and warns of a place
// where others would pack it.
func (c *runCommand) mayWritePlan(a *app.App, file string, sources []config.Source) error {
	err := atomicfile.Replaceable(file)
	if err == nil {
		err = atomicfile.ProbeBelow(filepath.Dir(file), placeOf)
	}
	if err != nil {
		return app.Usage(fmt.Errorf("no plan can be written to %s: %w", c.Plan, err), "name a file in a folder that can be written to")
	}
	reports, err := report.ParseDestinations(c.Report)
	if err != nil {
		return app.Usage(err, "")
	}
	for _, r := range reports {
		if there, err := filepath.Abs(r.Path); err == nil && there == file {
			return app.Usage(fmt.Errorf("%s cannot be the plan and a report", c.Plan), "name two files")
		}
	}
	for _, s := range sources {
		if extension.WouldPack(s.Path, file, extension.Options{Ignore: []string{s.Settings.Package.Output}}) {
			a.Warnings.Add(fmt.Sprintf("the plan %s lies in the extension %s and would be packed by a run without it: write it elsewhere, or leave it out with .helmignore", c.Plan, s.Display))
		}
	}
	return nil
}

// made is what a plan is made of now.
func (c *runCommand) made(ctx context.Context, p *app.Project, options pipeline.Options) (planfile.Made, error) {
	target := p.ReleasesTo(options.Targets)
	if c.IsLocal() { // a dry run may find none yet
		target = "the local marketplace in " + c.Folder(p)
		if below, err := filepath.Rel(p.Root, c.Folder(p)); err == nil { // the same from wherever it is run
			target = "the local marketplace in " + filepath.ToSlash(below)
		}
	}
	made := planfile.Made{Tool: app.MadeBy(), Revision: git.Commit(graceful.Finish(ctx), p.GitFolder(graceful.Finish(ctx), options.Sources)), Target: target}
	if p.Config.File != "" {
		text, err := os.ReadFile(p.Config.File)
		if err != nil {
			return made, err
		}
		made.Config = fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	}
	return made, nil
}

// moved is the error of a plan that does not hold any more.
func (c *runCommand) moved(what []string) error {
	return failure.WithHint(fmt.Errorf("the plan in %s does not hold any more, and nothing is sent: %s", c.Plan, strings.Join(what, "; ")),
		"go back to what the plan was made of, or make it anew: ksrelease run --dry-run --plan %s", shellword.Quote(c.Plan))
}

// keepTo has a run do what a plan says, or nothing.
func (c *runCommand) keepTo(ctx context.Context, a *app.App, p *app.Project, plan *planfile.File, options pipeline.Options, text report.TextOptions) error {
	now, err := c.made(ctx, p, options)
	if err != nil {
		return err
	}
	if moved := plan.MadeOfOther(now); len(moved) > 0 {
		return c.moved(moved)
	}
	if len(plan.Extensions) == 0 {
		a.Stdout.Print("the plan in %s has no extension, so there is nothing to do", c.Plan)
		return c.ended(&results.Document{}, nil)
	}
	options.Only, options.Skip = plan.Names(), plan.Skip
	options.AllOrNothing, options.AllowMissing = plan.AllOrNothing, plan.AllowMissing
	options.Agreed = plan.Moved
	result, err := c.Perform(ctx, a, p, options, text)
	if err != nil {
		return err
	}
	if gone := plan.Gone(result.Extensions); len(gone) > 0 { // nothing was blocked that says so
		return c.moved(gone)
	}
	return c.ended(result, nil)
}

// writePlan writes the plan of a dry run.
func (c *runCommand) writePlan(ctx context.Context, a *app.App, p *app.Project, options pipeline.Options, text report.TextOptions) error {
	made, err := c.made(ctx, p, options)
	if err != nil {
		return err
	}
	result, ended := c.Perform(ctx, a, p, options, text)
	plan, err := planfile.Of(made, planfile.Options{Targets: c.Target, Skip: c.Skip, AllOrNothing: c.AllOrNothing, AllowMissing: c.AllowMissingDependencies}, result)
	if err == nil {
		err = plan.Write(c.Plan)
	}
	if err != nil {
		return errors.Join(ended, fmt.Errorf("the plan is not written to %s: %w", c.Plan, err))
	}
	a.Stderr.Print("the plan is in %s", c.Plan)
	return c.ended(result, ended)
}
