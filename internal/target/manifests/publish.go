package manifests

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Publish adds the documents of a version to the file of its extension. What is published while a
// change is under way is in the next one, together.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if err := t.publications.Do(ctx, pkg); err != nil {
		return target.Snapshot{}, fmt.Errorf("publishing %s: %w", pkg.Filename, err)
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// Fits says why the API server would refuse what becomes of a package.
func (t *Target) Fits(_ context.Context, pkg *extension.Package) error {
	_, err := versionOf(pkg)
	return err
}

// publishAll publishes packages in one change, and gives an error for each.
func (t *Target) publishAll(ctx context.Context, packages []*extension.Package) []error {
	made := make([]*version, len(packages))
	own := make([]error, len(packages)) // what is wrong with a package, wherever it goes
	for i, pkg := range packages {
		made[i], own[i] = versionOf(pkg)
	}
	errs := sharedfiles.ChangeFor(ctx, t.store, len(packages), func(ctx context.Context, view sharedfiles.View, errs []error) (sharedfiles.Change, error) {
		files := map[string]*file{}
		var order, titles []string
		for i, v := range made {
			if own[i] == nil {
				errs[i] = t.take(ctx, view, files, v, &order, &titles)
			}
		}
		if len(order) == 0 {
			return sharedfiles.Change{}, nil
		}
		change := sharedfiles.Change{Message: sharedfiles.MessageOf(t.message, titles)}
		for _, name := range order {
			change.Files = append(change.Files, sharedfiles.File{Name: name, Data: files[name].bytes()})
		}
		return change, nil
	})
	for i, err := range own {
		if err != nil {
			errs[i] = err
		}
	}
	return errs
}

// take puts a version into its file.
func (t *Target) take(ctx context.Context, view sharedfiles.View, files map[string]*file, v *version, order, titles *[]string) error {
	name := t.fileOf(v.name)
	f := files[name]
	if f == nil {
		var err error
		if f, err = t.read(ctx, view, name); err != nil {
			return err
		}
	}
	if there := f.versionsOf(v.name, v.version); len(there) > 0 {
		if last := there[len(there)-1]; last.Spec.Digest == v.digest {
			return nil
		}
		return failure.WithHint(fmt.Errorf("%s of %s has %s %s already, of another package, which is not overwritten", name, t.shown, v.name, v.version), "release another version")
	}
	if f.chart(&v.spec.Spec.ChartDataRef) != nil {
		return failure.WithHint(fmt.Errorf("%s of %s has a ConfigMap %s, and no ExtensionVersion for it", name, t.shown, v.chart.Metadata.Name), "remove it from the file")
	}
	more, err := f.with(v)
	if err != nil {
		return fmt.Errorf("making the manifests of %s %s: %w", v.name, v.version, err)
	}
	if size := len(more.bytes()); size > fileLimit {
		return failure.WithHint(fmt.Errorf("%s of %s would have %d MiB", name, t.shown, size>>20), "take old versions out of it, or have a file for each extension")
	}
	files[name] = more
	if !slices.Contains(*order, name) {
		*order = append(*order, name)
	}
	*titles = append(*titles, strings.TrimSpace(v.name+" "+v.version))
	return nil
}
