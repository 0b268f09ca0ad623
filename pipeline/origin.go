package pipeline

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/worktree"
)

// originStep reports which files of the package are not as they were committed, and ends what
// is not to be sent so. A package that is sent says of which commit it is made. One that only
// lies in the output directory does not: the same content gives the same bytes there.
func originStep(ctx context.Context, _ *planning, r *release) error {
	if r.run.WorkTree == nil {
		return nil
	}
	tree, err := graceful.Await(ctx, func() (WorkTree, error) { return r.run.WorkTree(), nil })
	if err != nil || tree == nil {
		return err
	}
	if known := r.read.known; r.parcel.Ext == nil && known != nil && known.ArchiveDigest != "" {
		return nil // it is a package, of which nobody knows
	}
	if err := readContent(ctx, r); err != nil {
		return err
	}
	dir, ext := r.source.Path, r.parcel.Ext
	found, err := graceful.Await(ctx, func() (worktree.Found, error) { return tree.Uncommitted(ctx, dir, ext) })
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.run.Warn(fmt.Sprintf("git does not say which files are not committed: %v", err))
		return nil
	case !found.Known:
		return nil
	}
	committed := len(found.Files) == 0
	r.change(func() { r.result.Committed, r.result.Uncommitted = &committed, found.Files })
	if r.run.sends() && r.run.Revision.Get() != "" {
		r.parcel.Ext = extension.WithOrigin(ext, extension.Origin{Revision: r.run.Revision.Get(), Committed: committed})
	}
	policy := cmp.Or(r.source.Settings.Push.Dirty, r.run.Dirty, config.WarnDirty)
	if policy == config.AllowDirty {
		return nil
	}
	fails := policy == config.FailDirty && r.run.sends()
	r.add(worktree.Findings(found.Files, fails, r.source.Display)...)
	return worktree.Refusal(found.Files, fails)
}
