package app

import (
	"context"
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/changes"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/history"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// earlier is what the extensions that changed were before, by the paths of their sources, for
// rules that compare.
func (p *Project) earlier(ctx context.Context, found *changes.Changes) (known map[string]*lint.Earlier, err error) {
	known = map[string]*lint.Earlier{}
	var names []string
	for _, e := range found.Extensions {
		names = append(names, e.Name)
		of := e.Base.String()
		if commit := e.Base.Commit; commit != "" && e.Base.Ref == commit {
			of = "commit " + git.Short(commit)
		}
		if source := e.SourcePath(); source != "" && e.IsChanged() && e.Base.Kind != changes.BaseNone {
			known[source] = &lint.Earlier{Of: of, Version: e.BaseVersion, Differs: contentOf(e)}
		}
	}
	var past *history.Reader
	for _, e := range found.Extensions {
		was := known[e.SourcePath()]
		if was == nil || e.Version == "" || e.Version == e.BaseVersion {
			continue // its version is not a new one
		}
		if past == nil {
			if past, err = p.past(ctx, found, names); err != nil {
				return nil, err
			}
			defer past.Close()
		}
		between, before, err := past.Versions(ctx, history.Extension{Name: e.Name, Version: e.Version, Path: e.SourcePath(), Display: e.Path}, e.Base.Commit)
		if err != nil {
			return nil, err
		}
		was.Between = between
		for _, version := range before {
			was.Before = append(was.Before, lint.Past{Version: version.Version, Where: version.String()})
		}
	}
	return known, nil
}

// past reads the history of extensions.
func (p *Project) past(ctx context.Context, found *changes.Changes, names []string) (*history.Reader, error) {
	if repository := found.Repository(); repository != nil {
		return history.Of(ctx, repository, "", p.Config.Tags, names)
	}
	return history.Open(ctx, p.Root, "", p.Config.Tags, names)
}

// contentOf are the files of a package that differ: settings of ksrelease are none.
func contentOf(e changes.Extension) []string {
	if !e.Content || e.Status == changes.Added {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.Files), func(file string) bool { return file == config.Name })
}
