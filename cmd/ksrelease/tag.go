package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/tagging"
	"github.com/ksrelease/ksrelease/internal/tags"
	"github.com/ksrelease/ksrelease/pipeline"
)

type tagCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.LocalFlags
	Names  []string `arg:"" optional:"" name:"name" help:"Only these extensions; each of them has to have its tag in the end."`
	DryRun bool     `help:"Show which tags are missing, and make none."`
	Push   bool     `help:"Push the tags of released versions, all of them or none; never in the place of others."`
	Remote string   `placeholder:"REMOTE" help:"Where --push sends them; default: remote.pushDefault of git, or origin."`
	Output string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run makes the tags that are missing.
func (c *tagCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if c.Remote != "" && !c.Push {
		return app.Usage(errors.New("--remote says where --push sends tags"), "add --push")
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	// A signal that comes while these are read ends the program at once, so they come before
	// the folder that is to be removed.
	options, unread := p.Start(ctx, nil)
	repository, err := git.Open(ctx, p.GitFolder(ctx, options.Sources))
	if err != nil { // a bare clone has no files, either: what it lacks is said first
		return app.Usage(err, "")
	}
	if unread != nil {
		return unread
	}
	links, err := c.Dial(ctx, a, p)
	if err != nil {
		return err
	}
	defer links.Close()
	options.Targets = links.Targets()
	head, err := tagging.CheckOut(ctx, repository)
	if err != nil {
		return err
	}
	defer head.Remove()
	entries, err := c.plan(ctx, a, p, options, repository, head)
	if err != nil {
		return err
	}
	var failed error
	if !c.DryRun {
		failed = c.write(ctx, a, repository, head, entries)
	}
	c.show(a, entries)
	if failed == nil && c.untagged(entries) {
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return failed
}

// plan takes the extensions of the commit through the plan of a run, and says what becomes of
// the tag of each.
func (c *tagCommand) plan(ctx context.Context, a *app.App, p *app.Project, options pipeline.Options, repository *git.Repository, head *tagging.Head) ([]tagging.Entry, error) {
	sources, missing := head.Sources(options.Sources)
	for _, path := range slices.Sorted(maps.Keys(missing)) {
		a.Warnings.Add(missing[path].Error())
	}
	nested := head.Nested(options.Sources, c.Names)
	only := slices.DeleteFunc(slices.Clone(c.Names), func(name string) bool {
		return slices.ContainsFunc(nested, func(e tagging.Entry) bool { return e.Name == name })
	})
	if len(nested) > 0 && len(only) == 0 && (len(c.Names) > 0 || len(sources) == 0) {
		return nested, nil
	}
	var names []string
	options.Sources, options.Only = sources, only
	options.Skip = []string{results.StageLint} // what is released is not judged again
	options.Choose = func(declared map[string][]string) (*results.Selection, error) {
		names = slices.Collect(maps.Keys(declared))
		return nil, nil
	}
	there := *p // dependencies by file:// are those of the commit, too
	there.Root = head.Root(p.Root)
	run, planned, err := there.DryRun(ctx, options, app.Since{})
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, &graceful.CutError{Err: context.Cause(ctx)}
	case run.AuthRefused() != nil:
		return nil, run.AuthRefused()
	}
	present, err := repository.Tags(ctx)
	if err != nil {
		return nil, err
	}
	merged, err := repository.Merged(ctx, head.Commit)
	if err != nil {
		return nil, err
	}
	return append(tagging.Plan(tags.NewReader(p.Config.Tags, names), planned.Extensions, present, merged, head.Commit), nested...), nil
}

// write makes the tags that are missing, and pushes.
func (c *tagCommand) write(ctx context.Context, a *app.App, repository *git.Repository, head *tagging.Head, entries []tagging.Entry) error {
	var to string
	if c.Push { // a name that is none is said before tags are made
		var err error
		if to, err = repository.PushRemote(ctx, c.Remote); err != nil {
			return err
		}
	}
	if err := repository.MakeTags(ctx, head.Commit, tagging.ToMake(entries)); err != nil {
		return err
	}
	for i := range entries {
		if entries[i].Status == tagging.Missing {
			entries[i].Status = tagging.Made
		}
	}
	if !c.Push {
		return nil
	}
	names := tagging.ToPush(entries)
	err := repository.PushTags(ctx, to, names)
	if err == nil && len(names) > 0 {
		a.Stderr.Print("pushed to %s: %s", to, strings.Join(names, ", "))
	}
	return err
}

// untagged says that what was asked for has no tag, or could not be looked at.
func (c *tagCommand) untagged(entries []tagging.Entry) bool {
	return slices.ContainsFunc(entries, func(e tagging.Entry) bool {
		return e.Status == tagging.Failed || e.Status == tagging.None && len(c.Names) > 0
	})
}

// show prints what became of each tag.
func (c *tagCommand) show(a *app.App, entries []tagging.Entry) {
	for i := range entries {
		e := &entries[i]
		e.Version, e.Reason, e.Hint = a.Redact.Text(e.Version), a.Redact.Text(e.Reason), a.Redact.Text(e.Hint)
	}
	if c.Output == "json" {
		a.Stdout.JSON(entries, "  ")
		return
	}
	tagging.Table(a.Stdout, entries)
}
