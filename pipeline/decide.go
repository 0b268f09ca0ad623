package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// decide looks at the index first, which costs one request for the whole run,
// and asks the marketplace only for versions that are not in it:
//
//	marketplace    index      then
//	-              there      exists or drift
//	nothing        nothing    release
//	draft          nothing    release: a draft is replaced
//	submitted …    nothing    wait until it is seen, then exists or drift
//
// A version exists by string equality. What cannot be read is an error, never
// "nothing".
func decide(ctx context.Context, w *world, r *release) error {
	now, err := w.repo.since(ctx, time.Time{})
	if err != nil {
		return err
	}
	switch entry, ok, err := now.lookup(r.result.Name, r.result.Version); {
	case err != nil:
		return err
	case ok:
		return compare(ctx, w, r, entry)
	}
	if w.unasked {
		r.note = "not in the repository; the marketplace was not asked"
		return nil
	}
	// The folder is asked for first: it proves the key once for all, and a
	// release needs it in any case.
	if _, err := w.market.AssetFolder(ctx); err != nil {
		return err
	}
	snapshot, err := w.market.Snapshot(ctx, r.result.Name, r.result.Version)
	if err != nil {
		return err
	}
	switch snapshot.Status {
	case StatusNone:
	case StatusDraft:
		r.note = "goes on from the draft in the marketplace"
		r.result.SnapshotID = snapshot.ID
	case StatusSubmitted, StatusActive:
		r.action = actVerify
		r.note = fmt.Sprintf("%s before, not in the repository yet", snapshot.Status)
		r.result.SnapshotID = snapshot.ID
	default:
		r.result.SnapshotID = snapshot.ID
		// A rejection, for one. Nobody can install it, so all is not well.
		return &ended{outcome: Exists, short: true, reason: fmt.Sprintf(
			"the marketplace has it as %q, and it is not in the repository: bump version in extension.yaml, or take it back with ksrelease withdraw", snapshot.Status)}
	}
	return nil
}

// compare tells exists from drift for a version in the index. It always ends
// the extension.
func compare(ctx context.Context, w *world, r *release, entry Entry) error {
	if entry.ContentDigest != "" {
		if entry.ContentDigest == r.ext.ContentDigest() {
			return &ended{outcome: Exists}
		}
		return drift(r, "")
	}
	archive, err := w.repo.Fetch(ctx, entry)
	if err != nil {
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	}
	published, err := extension.Read(entry.Name, archive, extension.Limits{})
	if err != nil {
		return drift(r, fmt.Sprintf("what is there cannot be read: %v", err))
	}
	same, difference, err := extension.Same(r.ext, published, func(url string) ([]byte, error) {
		return w.repo.FetchAsset(ctx, url)
	})
	switch {
	case err != nil:
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	case same:
		return &ended{outcome: Exists}
	default:
		return drift(r, difference)
	}
}

func drift(r *release, difference string) error {
	reason := r.result.Version + " is there with other content"
	if difference != "" {
		reason += " (" + difference + ")"
	}
	return &ended{outcome: Drift, reason: reason + ": bump version in extension.yaml"}
}
