package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/bump"
	"github.com/ksrelease/ksrelease/internal/changes"
	"github.com/ksrelease/ksrelease/internal/history"
)

// Bump plans new versions for extensions of the project. A request names them, by name or path;
// with changed, those of them, or of all, whose content changed under the version that they have,
// since a ref or auto. Where one extension is declared it need not be named. The rest of the
// request is filled in here.
func (p *Project) Bump(ctx context.Context, request bump.Request, changed bool, since string) (*bump.Plan, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
	}
	declared := make([]bump.Source, len(sources))
	for i, source := range sources {
		declared[i] = bump.Source{Path: source.Path, Display: source.Display}
	}
	request.Extensions = bump.Read(declared)
	all := request.Extensions
	switch {
	case changed:
		request.Names, err = p.changedUnderOneVersion(ctx, all, request.Names, cmp.Or(since, changes.Auto))
		if err != nil || len(request.Names) == 0 {
			return &bump.Plan{Changes: []bump.Change{}}, err
		}
	case len(request.Names) == 0 && len(all) == 1:
		request.Names = []string{all[0].Display}
	case len(request.Names) == 0:
		return nil, Usage(errors.New("which of the extensions get a new version?"), "name them, or add --changed for those that changed under the version that they have")
	}
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name
	}
	if since == changes.Auto {
		since = "" // which is how the commits of each extension are found
	}
	reader, err := history.Open(ctx, p.GitFolder(ctx, sources), since, p.Config.Tags, names)
	if err != nil {
		return nil, Usage(err, "")
	}
	defer reader.Close()
	past := func(e bump.Extension) history.Extension {
		return history.Extension{Name: e.Name, Version: e.Version, Path: e.Path, Display: e.Display}
	}
	request.Day = time.Now()
	request.History = func(e bump.Extension) history.Done { return reader.Done(ctx, past(e)) }
	request.Bumped = func(e bump.Extension) bool { return reader.IsBumped(ctx, past(e)) }
	plan, err := bump.Make(request)
	var selection *bump.SelectionError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &selection):
		return nil, Usage(err, "")
	}
	return plan, err
}

// changedUnderOneVersion are the paths of those extensions, of all or of those that are named,
// that changed under the version that they have.
func (p *Project) changedUnderOneVersion(ctx context.Context, all []bump.Extension, names []string, since string) (paths []string, err error) {
	found, err := p.Changes(ctx, since, LocalFlags{})
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		if all, err = bump.Pick(all, names); err != nil {
			return nil, Usage(err, "")
		}
	}
	for _, e := range all {
		if slices.ContainsFunc(found.Extensions, func(x changes.Extension) bool { return x.SourcePath() == e.Path && x.NeedsVersion() }) {
			paths = append(paths, e.Display)
		}
	}
	return paths, nil
}
