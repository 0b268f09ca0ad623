// Package previewing finds out how the extensions of a project are shown, and makes a page of it:
// nothing is written anywhere, and nobody is asked but the place that they are compared with.
package previewing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/page"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Asked is what somebody wants to look at.
type Asked struct {
	Names   []string // of the extensions; empty is all
	Against string   // what they are compared with, as bases.KindOf reads it
	Local   app.LocalFlags
}

// Preview is a page, and what could not be found out for it.
type Preview struct {
	Page page.Page
	// Unasked is why nothing is compared: what is published cannot be asked. The page says so.
	Unasked error
	// Uncompared are the errors of the extensions that could not be read or compared.
	Uncompared error
}

// Of looks at the extensions of a project.
func Of(ctx context.Context, a *app.App, p *app.Project, asked Asked) (*Preview, error) {
	result, err := examine(ctx, a, p, asked.Names)
	if err != nil {
		return nil, err
	}
	made := &Preview{Page: page.Page{Result: result, Language: string(language.Current())}}
	var seen gathered
	diffs, err := seen.compare(ctx, len(result.Extensions), func() (*comparing.Comparison, func(), error) {
		return comparing.Open(ctx, a, p, asked.Local, asked.Against, asked.Names)
	})
	if err != nil && !isEnd(ctx, err) && bases.KindOf(asked.Against) <= bases.KindVersion && diffs == nil && !seen.began {
		// No network, or no such marketplace yet: what is here can be looked at all the same.
		made.Unasked = err
		made.Page.Notes = append(made.Page.Notes, a.Redact.Text("Nothing is compared: "+err.Error()))
		diffs, err = seen.compare(ctx, len(result.Extensions), func() (*comparing.Comparison, func(), error) {
			return comparing.Alone(ctx, p, asked.Names)
		})
	}
	switch {
	case ctx.Err() != nil:
		return nil, &graceful.CutError{Err: fmt.Errorf("%w before all was looked at", context.Cause(ctx))}
	case comparing.IsUnknownName(err):
		return nil, app.Usage(err, "")
	case err != nil && !seen.began:
		return nil, err
	}
	made.Uncompared = err
	for _, x := range result.Extensions {
		made.Page.Extensions = append(made.Page.Extensions, seen.extension(x, diffs, made.Unasked != nil))
	}
	return made, nil
}

// isEnd says whether an error is about more than what is published: the command line, or its end.
func isEnd(ctx context.Context, err error) bool {
	var usage *app.UsageError
	return ctx.Err() != nil || errors.As(err, &usage)
}

// examine has the extensions linted and packed, and keeps no package. What does not hold to the
// rules has a size all the same.
func examine(ctx context.Context, a *app.App, p *app.Project, names []string) (*results.Document, error) {
	result, err := pack(ctx, p, names)
	if err != nil {
		return nil, err
	}
	var refused []string
	for _, x := range result.Extensions {
		if x.Error != nil && x.Error.Stage == results.StageLint {
			refused = append(refused, x.Name)
		}
	}
	if len(refused) > 0 {
		packed, err := pack(ctx, p, refused, results.StageLint)
		if err != nil {
			return nil, err
		}
		addPackages(result, packed)
	}
	return a.Redact.Document(result), nil
}

// pack takes extensions up to their packages, without some stages.
func pack(ctx context.Context, p *app.Project, names []string, skip ...string) (*results.Document, error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, err
	}
	options.Command, options.Only, options.Through, options.Sizes, options.Skip = page.Preview, names, results.StagePackage, true, skip
	options.Targets = []target.Place{target.Marketplace(kscloud.Unconnected(p.Config.Cloud.Server))}
	_, result, err := p.DryRun(ctx, options, app.Since{})
	return result, err
}

// addPackages adds the packages of another result, and the stages that made them.
func addPackages(to, from *results.Document) {
	for i := range to.Extensions {
		x := &to.Extensions[i]
		for _, other := range from.Extensions {
			if other.Name != x.Name || other.Path != x.Path || x.Package != nil {
				continue
			}
			x.Package = other.Package
			for _, stage := range other.Stages {
				at := slices.IndexFunc(x.Stages, func(s results.Stage) bool { return s.Name == stage.Name })
				switch {
				case stage.Name == results.StageLint:
				case at < 0:
					x.Stages = append(x.Stages, stage)
				default:
					x.Stages[at] = stage
				}
			}
		}
	}
}

// gathered is how extensions are shown, by the path of their source.
type gathered struct {
	began bool
	mu    sync.Mutex
	all   map[string]page.Extension
}

// compare makes a comparison of so many extensions, and keeps how both versions of each are shown.
func (g *gathered) compare(ctx context.Context, extensions int, open func() (*comparing.Comparison, func(), error)) ([]chartdiff.Diff, error) {
	compared, over, err := open()
	if err != nil {
		return nil, err
	}
	defer over()
	g.began, g.all = true, map[string]page.Extension{}
	find := compared.Base
	compared.Base = func(ctx context.Context, source config.Source, ext *extension.Extension) (*bases.Base, error) {
		base, err := find(ctx, source, ext)
		shown := shownOf(ctx, ext, base, compared.Picture, extensions)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.all[source.Display] = shown
		return base, err
	}
	return compared.All(ctx)
}

// shownOf is how an extension is shown, and the version that it is compared with.
func shownOf(ctx context.Context, ext *extension.Extension, base *bases.Base, fetch func(context.Context, string) ([]byte, error), extensions int) page.Extension {
	budget, _ := page.BudgetOf(extensions)
	shown := page.Extension{Now: showing.Of(ext, budget, nil)}
	if base != nil {
		showBase(ctx, &shown, ext, base, fetch, extensions)
	}
	return shown
}

// showBase adds how the version is shown that an extension is compared with. Its icon is fetched where it
// is not that of the extension.
func showBase(ctx context.Context, shown *page.Extension, ext *extension.Extension, base *bases.Base, fetch func(context.Context, string) ([]byte, error), extensions int) {
	_, budget := page.BudgetOf(extensions)
	pictures := map[string][]byte{}
	icon := base.Extension.Metadata.Icon
	if fetch != nil && !showing.IsOf(ext.Assets, icon) && (strings.HasPrefix(icon, "http://") || strings.HasPrefix(icon, "https://")) {
		if data, err := fetch(ctx, icon); err == nil { // else the page has a letter in its place
			pictures[icon] = data
		}
	}
	shown.Published, shown.Against = showing.Of(base.Extension, budget, pictures), base.Label
	shown.Published.Borrow(ext.Assets, shown.Now)
	if versions.Compare(shown.Published.Version, shown.Now.Version) > 0 {
		shown.Notes = append(shown.Notes, fmt.Sprintf("KubeSphere shows the name, icon and texts of the highest version, which is %s and not %s.", shown.Published.Version, shown.Now.Version))
	}
}

// extension is what the page has of one.
func (g *gathered) extension(x results.Extension, diffs []chartdiff.Diff, unasked bool) page.Extension {
	shown := g.all[x.Path]
	shown.Result = x
	if unasked {
		shown.Alone = "What is published could not be asked."
		return shown
	}
	for i, d := range diffs {
		if d.Name == x.Name && d.Path == x.Path {
			shown.Diff = &diffs[i]
		}
	}
	return shown
}
