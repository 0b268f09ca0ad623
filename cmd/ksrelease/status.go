package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/pipeline"
)

type statusCommand struct {
	app.Place
	app.Deadline
	app.LocalFlags
	app.Since
	app.HookFlags
	Names  []string `arg:"" optional:"" name:"name" help:"Only these extensions."`
	Wait   bool     `help:"Wait until nothing of it is submitted and unreviewed."`
	Output string   `enum:"text,json" default:"text" help:"text or json."`
}

// extensionStatus is what status reports of one extension.
type extensionStatus struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Market   string `json:"marketplace"` // status of this version; "none"; "unknown" where it could not be asked
	Snapshot string `json:"snapshot_id,omitempty"`
	// ReviewMessage is what the reviewer said of a version that was not approved.
	ReviewMessage string          `json:"review_message,omitempty"`
	Repository    []string        `json:"repository"` // versions in the Helm repository, newest first
	Would         results.Outcome `json:"would"`      // how a run would end, as far as a plan knows
	Reason        string          `json:"reason,omitempty"`
}

// The words for what no marketplace says itself.
const (
	marketNone    = "none"
	marketUnknown = "unknown"
)

// Run prints the status of each extension.
func (c *statusCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "status", DryRun: true}); err != nil {
		return err
	}
	links, err := a.Dial(ctx, p, app.WhereIf(c.IsLocal()), c.Folder(p), p.Config.Parallelism)
	if err != nil {
		return err
	}
	defer links.Close()
	a.WarnOnStderr()
	all, err := c.look(ctx, a, p, links)
	if all == nil {
		return err
	}
	switch {
	case err != nil && ctx.Err() != nil && !failure.Unauthorized(err):
		err = &graceful.CutError{Err: fmt.Errorf("%w before all was looked at", context.Cause(ctx))}
	case err != nil || !c.Wait:
	case !links.HasKey():
		err = target.ErrNoToken
	default:
		err = c.wait(ctx, a, links, all)
	}
	// What is known is shown, whatever ended the command.
	return errors.Join(c.show(a, all), err)
}

// show prints what is known.
func (c *statusCommand) show(a *app.App, all []extensionStatus) error {
	for i := range all {
		all[i].redact(&a.Redact)
	}
	if c.Output == "json" {
		a.Stdout.JSON(all, "  ")
		return nil
	}
	if len(all) == 0 && c.Ref != "" {
		a.Stderr.Print("nothing changed since %s", c.Ref)
		return nil
	}
	table := output.NewTable("extension", "version", "marketplace", "helm repository", "a run would end as")
	for _, s := range all {
		would := string(s.Would)
		if s.Reason != "" {
			would += ": " + s.Reason
		}
		table.Row(output.Cell(s.Name), output.Cell(s.Version), output.Cell(s.Market+s.said()), output.Cell(versions(s.Repository)), output.Cell(would))
	}
	a.Stdout.Print("%s", table.Render(a.Stdout.Columns()))
	return nil
}

// look plans a run, and asks for what a plan does not need to know. Where something
// could not be asked it returns what is known with the first error; nothing where
// there is no project.
func (c *statusCommand) look(ctx context.Context, a *app.App, p *app.Project, links *app.Clients) ([]extensionStatus, error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, err
	}
	options.Only, options.Target, options.DryRun = c.Names, links.Target, true
	giveBack, err := p.Equip(&options)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	if err := c.Since.Apply(ctx, a, p, &options); err != nil {
		return nil, err
	}
	run := pipeline.New(options)
	result, err := run.Do(ctx)
	if err != nil {
		return nil, app.Usage(err, failure.Hint(err))
	}
	refused := run.AuthRefused()
	index, unread := links.Index(ctx)
	for _, warning := range result.Warnings {
		a.Warnings.Add(warning)
	}
	all := make([]extensionStatus, len(result.Extensions))
	for i, x := range result.Extensions {
		all[i] = extensionStatus{
			Name: x.Name, Version: x.Version, Market: marketUnknown, ReviewMessage: x.ReviewMessage,
			Repository: []string{}, Would: x.Outcome, Reason: x.Reason,
		}
		if unread == nil {
			all[i].Repository, unread = index.Versions(ctx, x.Name)
		}
	}
	if refused != nil {
		return all, refused
	}
	if !links.HasKey() {
		return all, unread
	}
	return all, cmp.Or(askAll(ctx, links, all, p.Config.Parallelism), unread)
}

// askAll asks the marketplace for all versions, until it refuses the key; the error
// is the refusal, or else the first of all.
func askAll(ctx context.Context, links *app.Clients, all []extensionStatus, parallelism int) error {
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	var group errgroup.Group
	group.SetLimit(max(1, parallelism))
	for i := range all {
		if all[i].Version == "" {
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			err := all[i].ask(ctx, links)
			if failure.Unauthorized(err) {
				refuse(err)
			}
			return err
		})
	}
	first := group.Wait()
	if err := context.Cause(ctx); failure.Unauthorized(err) {
		return err
	}
	return first
}

// redact takes secrets out of what servers say.
func (s *extensionStatus) redact(from *secrets.Redactor) {
	s.Market, s.Snapshot, s.Reason = from.Text(s.Market), from.Text(s.Snapshot), from.Text(s.Reason)
	s.ReviewMessage = from.Text(s.ReviewMessage)
	s.Repository = from.Texts(s.Repository)
}

func (s *extensionStatus) ask(ctx context.Context, links *app.Clients) error {
	got, err := links.Snapshot(ctx, s.Name, s.Version)
	if err != nil {
		return err
	}
	s.Market, s.Snapshot, s.ReviewMessage = got.Status, got.ID, got.Message
	if got.Status == target.StatusNone {
		s.Market = marketNone
	}
	return nil
}

// wait asks, ever more patiently, until every version that was submitted has
// been reviewed. A rejection ends it with an error.
func (c *statusCommand) wait(ctx context.Context, a *app.App, links *app.Clients, all []extensionStatus) error {
	const last = time.Minute
	printed := ""
	for pause := cmp.Or(a.ReviewWait, 2*time.Second); ; pause = min(pause*3/2, last) {
		var pending []string
		for _, s := range all {
			if s.Market == target.StatusSubmitted {
				pending = append(pending, s.Name+" "+s.Version)
			}
		}
		if len(pending) == 0 {
			return rejected(all)
		}
		if now := strings.Join(pending, ", "); now != printed {
			a.Stderr.Print("waiting for the review of %s", now)
			printed = now
		}
		if !graceful.Sleep(ctx, pause) {
			return fmt.Errorf("%w; not reviewed yet: %s", context.Cause(ctx), strings.Join(pending, ", "))
		}
		for i := range all {
			if all[i].Market != target.StatusSubmitted {
				continue
			}
			switch err := all[i].ask(ctx, links); {
			case err == nil:
			case failure.Unauthorized(err):
				return err
			default: // a wait of hours outlives a bad minute
				a.Stderr.Print("%s; asking again", a.Redact.Text(err.Error()))
			}
		}
	}
}

// rejected is the error of a review that did not end well.
func rejected(all []extensionStatus) error {
	var errs []error
	for _, s := range all {
		if !slices.Contains([]string{target.StatusActive, target.StatusDraft, marketNone, marketUnknown}, s.Market) {
			errs = append(errs, fmt.Errorf("%s %s was reviewed and is %q%s", s.Name, s.Version, s.Market, s.said()))
		}
	}
	return errors.Join(errs...)
}

// said is what the reviewer has to say.
func (s *extensionStatus) said() string {
	if s.ReviewMessage == "" {
		return ""
	}
	return " (" + s.ReviewMessage + ")"
}

// versions shows the newest few.
func versions(all []string) string {
	const shown = 3
	switch {
	case len(all) == 0:
		return "-"
	case len(all) > shown:
		return strings.Join(all[:shown], ", ") + fmt.Sprintf(" and %d more", len(all)-shown)
	}
	return strings.Join(all, ", ")
}
