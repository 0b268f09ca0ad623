package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/pipeline"
)

type statusCommand struct {
	place
	Names   []string `arg:"" optional:"" name:"name" help:"Only these extensions."`
	Local   bool     `help:"Ask the local marketplace of this project."`
	Wait    bool     `help:"Wait until nothing of it is submitted and unreviewed."`
	Timeout span     `placeholder:"D" help:"With --wait: give up after this time, such as 2h."`
	Output  string   `enum:"text,json" default:"text" help:"text or json."`
}

// standing is what status tells of one extension.
type standing struct {
	Name       string           `json:"name"`
	Version    string           `json:"version"`
	Market     string           `json:"marketplace"` // status of this version; "none"; "unknown" without an API key
	Snapshot   string           `json:"snapshot_id,omitempty"`
	Repository []string         `json:"repository"` // versions in the Helm repository, newest first
	Would      pipeline.Outcome `json:"would"`      // how a run would end, as far as a plan can tell
	Reason     string           `json:"reason,omitempty"`
}

// The words for what no marketplace says itself.
const (
	marketNone    = "none"
	marketUnknown = "unknown"
)

// Run tells where each extension stands.
func (c *statusCommand) Run(a *app) error {
	p, err := c.open(a)
	if err != nil {
		return err
	}
	links, err := a.dial(p, whereIf(c.Local), p.config.Parallelism)
	if err != nil {
		return err
	}
	defer links.close()
	a.warnOnStderr()
	if c.Wait && links.market == nil {
		return pipeline.ErrNoToken
	}
	ctx := a.stop
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(c.Timeout), fmt.Errorf("the %s of --timeout were up", c.Timeout))
		defer cancel()
	}
	all, err := c.look(ctx, a, p, links)
	if err != nil {
		return err
	}
	if c.Wait {
		if err := c.wait(ctx, a, links, all); err != nil {
			return err
		}
	}
	for i := range all {
		all[i].conceal(&a.conceal)
	}
	if c.Output == "json" {
		a.stdout.JSON(all, "  ")
		return nil
	}
	table := output.NewTable("extension", "version", "marketplace", "helm repository", "a run would end as")
	for _, s := range all {
		would := string(s.Would)
		if s.Reason != "" {
			would += ": " + s.Reason
		}
		table.Row(output.Cell(s.Name), output.Cell(s.Version), output.Cell(s.Market), output.Cell(versions(s.Repository)), output.Cell(would))
	}
	a.stdout.Print("%s", table.Render(a.stdout.Columns()))
	return nil
}

// look plans a run, and asks for what a plan does not need to know.
func (c *statusCommand) look(ctx context.Context, a *app, p *project, links *clients) ([]standing, error) {
	sources, err := p.sources(nil)
	if err != nil {
		return nil, err
	}
	known, err := p.baseline()
	if err != nil {
		return nil, err
	}
	options := pipeline.Options{
		Baseline: known,
		Sources:  sources, Only: c.Names, Marketplace: links.marketplace(), Repository: links.repo, AssetHost: links.assetHost, AssetHostIsSure: links.hostSure,
		Parallelism: p.config.Parallelism, DryRun: true, Stop: a.stop,
	}
	dependencies, err := a.dependencies(p)
	if err != nil {
		return nil, err
	}
	defer dependencies.close()
	options.Resolver = dependencies
	run := pipeline.New(options)
	result, err := run.Do(ctx)
	if err != nil {
		return nil, usage(err, pipeline.Remedy(err))
	}
	if err := run.AuthRefused(); err != nil {
		return nil, err
	}
	index, err := links.repo.Repository.Index(ctx)
	if err != nil {
		return nil, err
	}
	for _, warning := range result.Warnings {
		a.warnings.tell(warning)
	}
	all := make([]standing, len(result.Extensions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, p.config.Parallelism))
	for i, x := range result.Extensions {
		all[i] = standing{
			Name: x.Name, Version: x.Version, Market: marketUnknown,
			Repository: index.Versions(x.Name), Would: x.Outcome, Reason: x.Reason,
		}
		if links.market != nil && x.Version != "" {
			group.Go(func() error { return all[i].ask(ctx, links) })
		}
	}
	return all, group.Wait()
}

// conceal hides secrets in what servers say.
func (s *standing) conceal(from *concealer) {
	s.Market, s.Snapshot, s.Reason = from.text(s.Market), from.text(s.Snapshot), from.text(s.Reason)
	s.Repository = from.texts(s.Repository)
}

func (s *standing) ask(ctx context.Context, links *clients) error {
	got, err := links.market.Snapshot(ctx, s.Name, s.Version)
	if err != nil {
		return err
	}
	s.Market, s.Snapshot = got.Status, got.ID
	if got.Status == pipeline.StatusNone {
		s.Market = marketNone
	}
	return nil
}

// wait asks, ever more patiently, until every version that was submitted has
// been reviewed. A rejection ends it with an error.
func (c *statusCommand) wait(ctx context.Context, a *app, links *clients, all []standing) error {
	const first, last = 2 * time.Second, time.Minute
	told := ""
	for pause := first; ; pause = min(pause*3/2, last) {
		var pending []string
		for _, s := range all {
			if s.Market == pipeline.StatusSubmitted {
				pending = append(pending, s.Name+" "+s.Version)
			}
		}
		if len(pending) == 0 {
			return rejected(all)
		}
		if now := strings.Join(pending, ", "); now != told {
			a.stderr.Print("waiting for the review of %s", now)
			told = now
		}
		if !pipeline.Sleep(ctx, pause) {
			return fmt.Errorf("%w; not reviewed yet: %s", context.Cause(ctx), strings.Join(pending, ", "))
		}
		for i := range all {
			if all[i].Market != pipeline.StatusSubmitted {
				continue
			}
			switch err := all[i].ask(ctx, links); {
			case err == nil:
			case pipeline.Unauthorized(err):
				return err
			default: // a wait of hours outlives a bad minute
				a.stderr.Print("%s; asking again", a.conceal.text(err.Error()))
			}
		}
	}
}

// rejected is the error of a review that did not end well.
func rejected(all []standing) error {
	var errs []error
	for _, s := range all {
		if !slices.Contains([]string{pipeline.StatusActive, pipeline.StatusDraft, marketNone, marketUnknown}, s.Market) {
			errs = append(errs, fmt.Errorf("%s %s was reviewed and is %q", s.Name, s.Version, s.Market))
		}
	}
	return errors.Join(errs...)
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
