package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Decide looks at the index first, which costs one request for the whole run,
// and asks the target itself only for versions that are not in it:
//
//	target         index      then
//	-              there      exists or drift
//	nothing        nothing    release
//	draft          nothing    release: a draft is replaced
//	submitted …    nothing    wait until it is seen, then exists or drift
//	rejected …     nothing    failed: there is nothing to wait for or to compare
//
// A version exists by string equality. What cannot be read is an error, never
// "nothing". An [Ending] is the error of a version that is there.
func (d *Delivery) Decide(ctx context.Context, to *Asking) (lifecycle.Decision, string, error) {
	now, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return 0, "", err
	}
	switch entry, ok, err := now.Lookup(ctx, d.Name, d.Version); {
	case err != nil:
		return 0, "", err
	case ok:
		d.see(to, entry)
		return 0, "", compare(ctx, to, d, entry)
	}
	return inTarget(ctx, to, d)
}

// Exists reports whether the index says that the version is there with this very content: by the
// digest of its package, or that of its content. So nothing is downloaded, and nothing but the
// index is asked. False is no verdict, and an index that cannot be read is none either: Decide has
// them. It is not sure where Ext is nil and would have to be there. The error is that of ctx.
func (d *Delivery) Exists(ctx context.Context, to *Asking) (exists, sure bool, err error) {
	now, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return false, false, err
	}
	entry, ok, err := now.Lookup(ctx, d.Name, d.Version)
	if err != nil || !ok {
		return false, true, ctx.Err()
	}
	verdict, sure, err := listedAs(ctx, d, entry)
	if err != nil || verdict != extension.DigestSame {
		return false, sure, err
	}
	d.see(to, entry)
	d.Entry = &entry
	return true, true, nil
}

// IsListed reports whether the version is in the index, with whatever content. The error is that of ctx.
func (d *Delivery) IsListed(ctx context.Context, to *Asking) (bool, error) {
	now, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return false, err
	}
	_, ok, err := now.Lookup(ctx, d.Name, d.Version)
	return ok && err == nil, ctx.Err()
}

// see notes that the version is in the index. How its review is stays unknown where that costs a request.
func (d *Delivery) see(to *Asking, entry target.Entry) {
	d.status = to.Target.StatusAtHand(d.Name, d.Version)
	d.Learn(func(known *results.Target) {
		known.Seen.Listed, known.Seen.Digest, known.Seen.ContentDigest = true, entry.Digest, entry.ContentDigest
	})
	d.sayTwice(entry)
}

// listedAs is what the digests of a version in the index say. It is not sure where Ext is nil and
// would have to be there.
func listedAs(ctx context.Context, d *Delivery, entry target.Entry) (verdict extension.DigestVerdict, sure bool, err error) {
	archive := ""
	switch {
	case d.Ext != nil:
		archive = d.Ext.ArchiveDigest
	case d.Known != nil:
		archive = d.Known.ArchiveDigest
	}
	// The very package that was sent, which an earlier run left in its output
	// directory: its pictures are addresses, so that its content looks like another.
	if sent := strings.TrimPrefix(archive, "sha256:"); sent != "" && sent == strings.TrimPrefix(entry.Digest, "sha256:") {
		return extension.DigestSame, true, nil
	}
	switch {
	case d.Ext != nil:
		verdict, err = published.CompareDigest(ctx, d.Ext, entry.ContentDigest)
		return verdict, true, err
	case d.Known != nil:
		verdict, sure = d.Known.CompareDigest(entry.ContentDigest)
	}
	return verdict, sure, nil
}

// inTarget decides by what the target has of a version that is not in the index.
func inTarget(ctx context.Context, to *Asking, d *Delivery) (lifecycle.Decision, string, error) {
	if to.Unasked {
		d.Learn(func(known *results.Target) { known.Seen.Status = results.StatusUnknown })
		if to.Brief == to.Noun { // there is no index apart that says anything
			return lifecycle.Send, fmt.Sprintf("%s was not asked", to.Noun), nil
		}
		return lifecycle.Send, fmt.Sprintf("not in %s; %s was not asked", to.Brief, to.Noun), nil
	}
	snapshot, err := d.asked(ctx, to)
	if err != nil {
		return 0, "", err
	}
	d.Learn(func(known *results.Target) {
		known.Seen.Status, known.Seen.SnapshotID = snapshot.Status, snapshot.ID
	})
	return decideByState(to, d, snapshot, fmt.Sprintf("before, not in %s yet", to.Brief))
}

// decideByState decides by what the target says of a version that is not in the
// index. since says when it came about, in the words of the note.
func decideByState(to *Asking, d *Delivery, state target.Snapshot, since string) (decision lifecycle.Decision, note string, err error) {
	d.status = state.Status
	if state.Status == target.StatusNone {
		return lifecycle.Send, "", nil
	}
	d.Learn(func(known *results.Target) { known.SnapshotID = state.ID })
	switch state.Status {
	case target.StatusDraft:
		return lifecycle.Send, "goes on from the draft in " + to.Noun, nil
	case target.StatusSubmitted, target.StatusActive:
		return lifecycle.Wait, state.Status + " " + since, nil
	default:
		// A rejection, for one. Nobody can install it, and nobody knows its content:
		// neither exists nor drift could be said of it.
		d.Learn(func(known *results.Target) { known.ReviewMessage = state.Message })
		return 0, "", failure.WithHint(fmt.Errorf("%s has version %s as %q%s, and it is not in %s", to.Noun, d.Version, state.Status, said(state), to.Brief), "%s", d.afterRejection())
	}
}

// said is what the reviewer of a version has to say, after its status.
func said(s target.Snapshot) string {
	if s.Message == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", s.Message)
}

// afterRejection is what to do about a version whose review did not end well.
func (d *Delivery) afterRejection() string {
	command := "ksrelease withdraw " + shellword.Quote(d.Name+"@"+d.Version)
	if d.Withdraw != nil {
		command = d.Withdraw(d.Name, d.Version)
	}
	return "bump version in extension.yaml, or make it a draft again, which a run replaces: " + command
}

// compare decides between exists and drift for a version in the index. It always ends
// the delivery.
func compare(ctx context.Context, to *Asking, d *Delivery, entry target.Entry) error {
	verdict, _, err := listedAs(ctx, d, entry)
	if err != nil {
		return err
	}
	switch verdict {
	case extension.DigestSame:
		return exists(d, entry)
	case extension.DigestOther:
		return explained(ctx, to.Index.Target, d, entry)
	}
	archive, err := to.Index.Target.Fetch(ctx, entry)
	if err != nil {
		return fmt.Errorf("comparing with the version in %s: %w", to.Brief, err)
	}
	// Only what was published is other content, and not what came instead of it.
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return failure.WithHint(fmt.Errorf("comparing with the version in %s: %s", to.Brief, complaint), "run again later; if it stays so, tell those who run %s", to.Brief)
	}
	if entry.Digest == "" {
		if _, err := published.Read(ctx, entry.Name, archive); err != nil {
			return failure.WithHint(fmt.Errorf("comparing with the version in %s: %w", to.Brief, err), "run again later; if it stays so, bump version in extension.yaml")
		}
	}
	difference, err := published.Differs(ctx, d.Ext, d.URLs, entry, archive, to.Index.Target)
	switch {
	case err != nil:
		return fmt.Errorf("comparing with the version in %s: %w", to.Brief, err)
	case difference.IsNone():
		return exists(d, entry)
	default:
		return drift(d, difference, "")
	}
}

// explained is the drift of a version whose content digest is another. What is there is
// downloaded only to name the files that differ.
func explained(ctx context.Context, from target.Reader, d *Delivery, entry target.Entry) error {
	difference, err := published.Explain(ctx, d.Ext, d.URLs, entry, from)
	if err != nil {
		return err
	}
	return drift(d, difference, "")
}

// exists ends a delivery whose version is there with the same content.
func exists(d *Delivery, entry target.Entry) error {
	d.Entry = &entry
	return &Ending{Outcome: results.Exists}
}

// drift ends a delivery whose version is there with other content. how, where it is not
// empty, says how that came about.
func drift(d *Delivery, difference published.Difference, how string) error {
	var files []results.Difference
	for _, f := range difference.Files {
		files = append(files, results.Difference{File: f.File, Kind: string(f.Kind), Detail: f.Detail})
	}
	d.Learn(func(known *results.Target) { known.Differs = files })
	return &Ending{Outcome: results.Drift, Reason: difference.Drift(d.Name, d.Version, how)}
}

// Published is the package of a version that was seen to exist, as it is there, and whether it
// holds its assets. It is read and compared: nothing that an index says of it counts. Errors call
// the target so.
func (d *Delivery) Published(ctx context.Context, to *Asking, called string) (pkg *extension.Package, holds bool, err error) {
	if pkg, holds, err = d.published(ctx, to); err != nil {
		return nil, false, fmt.Errorf("taking the package that %s has: %w", called, err)
	}
	return pkg, holds, nil
}

func (d *Delivery) published(ctx context.Context, to *Asking) (pkg *extension.Package, holds bool, err error) {
	archive, err := to.Index.Target.Fetch(ctx, *d.Entry)
	if err != nil {
		return nil, false, err
	}
	if complaint := published.WrongDigest(*d.Entry, archive); complaint != "" {
		return nil, false, failure.WithHint(errors.New(complaint), "run again later; if it stays so, tell those who run %s", to.Brief)
	}
	there, err := published.Read(ctx, d.Name, archive)
	if err != nil {
		return nil, false, failure.WithHint(fmt.Errorf("it cannot be read: %w", err), "run again later; if it stays so, bump version in extension.yaml")
	}
	holds = len(there.Assets) > 0
	if digest := "sha256:" + published.Digest(archive); digest != d.Ext.ArchiveDigest {
		difference, err := published.Differs(ctx, d.Ext, nil, *d.Entry, archive, to.Index.Target)
		if err != nil {
			return nil, false, err
		}
		if !difference.IsNone() {
			return nil, false, failure.WithHint(fmt.Errorf("it is listed with the content digest of this version, and has other content (%s)", difference), "bump version in extension.yaml")
		}
	}
	return extension.Packed(d.Name, d.Version, archive, d.Ext.ContentDigest()), holds, nil
}
