package delivery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// errVerifyTimeout is the cause of a context that ended with verify.timeout.
var errVerifyTimeout = errors.New("verify.timeout is over")

// Verify walks to the version as KubeSphere does until it is there, and
// with verify.until: active until it is approved. Being slow is not failing:
// what is not seen in time ends as unverified.
func (d *Delivery) Verify(ctx context.Context, to *Sending) error {
	settings := d.Parcel.Verify
	limited, cancel := context.WithTimeoutCause(ctx, settings.Timeout+to.Delay, errVerifyTimeout)
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)

	untilActive := settings.Until == config.UntilActive && !to.Unasked && to.Reviews
	if untilActive { // nobody can see a review without the key
		defer context.AfterFunc(to.Refused, func() { stop(context.Cause(to.Refused)) })()
	}

	since := d.Sent
	if d.Waits {
		since = time.Now() // the plan has looked already
	}
	begun := time.Now()
	err := awaitSeen(limited, to, d, since, begun)
	seen := err == nil
	if err == nil && untilActive {
		err = awaitActive(limited, to, d, since, begun)
	}
	if untilActive && err != nil {
		for _, refusal := range []error{err, context.Cause(limited)} {
			if failure.Unauthorized(refusal) {
				return keyRefused(ctx, to, d, seen, refusal)
			}
		}
	}
	return unverified(ctx, limited, to, d, err)
}

// keyRefused ends an extension that was sent, and whose review can no longer be
// waited for. The refusal is its cause: what can be done about it is the same as
// where a plan or an upload is refused.
func keyRefused(ctx context.Context, to *Sending, d *Delivery, seen bool, refusal error) error {
	reason := "submitted, and in " + to.Shown
	if !seen { // the index needs no key: one look more
		at, err := to.Index.Since(ctx, time.Now())
		if err != nil {
			reason = "submitted"
		} else if _, complaint := listed(ctx, to, at, d); complaint != "" {
			reason = fmt.Sprintf("submitted, and not in %s yet", to.Shown)
		}
	}
	return &Ending{Outcome: results.Unverified, Reason: reason + "; " + to.Key + " was refused before its review was seen", Cause: refusal}
}

// unseen is why waiting ended without success. replaced is what differs where
// the repository has something else to the end than what was sent: a submission
// hands in whatever the draft holds, and another run may have put its package
// there just before.
type unseen struct {
	last     string
	replaced *published.Difference // nil where nothing was replaced
}

func (p *unseen) Error() string { return p.last }

// awaitSeen looks at each reading of the index from since on until the version
// is seen in one. begun is since when it is waited for.
func awaitSeen(ctx context.Context, to *Sending, d *Delivery, since, begun time.Time) error {
	last, replaced := to.notThere(), (*published.Difference)(nil)
	d.waitsFor(ctx, last, begun)
	said, saidCached := last, false
	wait := to.Index.Await(d.Name, d.Version, since)
	defer wait.End()
	at, err := to.Index.Since(ctx, since)
	for err == nil {
		complaint, other, fatal := seen(ctx, to, d, at)
		switch {
		case fatal != nil:
			return fatal
		case complaint == "":
			return nil
		case ctx.Err() == nil: // else it was cut short and saw nothing
			last, replaced = complaint, other
			cached := at.Latest().Cached()
			if cached != "" {
				last += "; " + cached
			}
			if complaint != said || (cached != "") != saidCached {
				said, saidCached = complaint, cached != ""
				sayWaiting(d, last)
				d.waitsFor(ctx, last, begun)
			}
		}
		at, err = to.Index.After(ctx, at, wait.Patience())
	}
	return &unseen{last: last, replaced: replaced}
}

// notThere is what is wrong at first, and for a while, with every version.
func (w Words) notThere() string { return fmt.Sprintf("it is not in %s yet", w.Shown) }

// sayWaiting says why a version does not count as seen, as soon as that is known:
// what is wrong in the index or with the package does not go away by waiting.
func sayWaiting(d *Delivery, why string) { d.Note("waiting: " + why) }

// awaitActive asks for the review until the version is approved. That may take
// days, so a version that was seen before is looked for once more then.
func awaitActive(ctx context.Context, to *Sending, d *Delivery, since, begun time.Time) error {
	last := "it is not reviewed yet"
	for waited := false; ; waited = true {
		complaint, err := reviewed(ctx, to, d)
		if complaint != "" && !waited && ctx.Err() == nil {
			d.appeared("seen in " + to.Shown + "; waiting for the review")
			d.waitsFor(ctx, "waiting for the review; it is in "+to.Shown, begun)
		}
		switch {
		case err != nil:
			return err
		case complaint == "":
			if !waited {
				d.appeared("seen in " + to.Shown + ", and approved")
				return nil
			}
			d.appeared("approved")
			return awaitSeen(ctx, to, d, time.Now(), begun)
		case ctx.Err() == nil:
			last = complaint
		}
		if !graceful.Sleep(ctx, indexwatch.Patience(since)) {
			return &unseen{last: last}
		}
	}
}

// unverified turns the end of waiting into the outcome.
func unverified(ctx, limited context.Context, to *Sending, d *Delivery, err error) error {
	var p *unseen
	if !errors.As(err, &p) {
		return err
	}
	why := graceful.Interruption(limited)
	if ctx.Err() == nil && errors.Is(context.Cause(limited), errVerifyTimeout) {
		if p.replaced != nil {
			how := "; another run, or somebody else, replaced it"
			if to.Reviews {
				how = "; another run, or somebody else, replaced the draft before it was submitted"
			}
			return drift(d, *p.replaced, how)
		}
		why = "not seen within " + (d.Parcel.Verify.Timeout + to.Delay).String()
	}
	return &Ending{Outcome: results.Unverified, Reason: why + ": " + p.last}
}

// seen looks for the version in a reading of the index and walks to it. The
// complaint is empty when nothing is wrong; other is that of walk.
func seen(ctx context.Context, to *Sending, d *Delivery, at *indexwatch.Reading) (complaint string, other *published.Difference, err error) {
	entry, complaint := listed(ctx, to, at, d)
	if complaint == "" && d.Seat != nil {
		if err := d.Seat.Take(ctx); err != nil {
			return "it is in the index, and was not looked at yet", nil, nil
		}
		defer d.Seat.Leave()
		// The index may be another by the time it is this extension's turn.
		entry, complaint = listed(ctx, to, at.Latest(), d)
	}
	if complaint != "" {
		return complaint, nil, nil
	}
	if complaint, other, err := walk(ctx, to, d, entry); complaint != "" || err != nil {
		return complaint, other, err
	}
	if complaint := stillListed(ctx, to, d, at.Latest(), entry); complaint != "" {
		return complaint, nil, nil
	}
	d.Entry = &entry
	return "", nil, nil
}

// listed finds the version in a reading, by string equality, and only where
// KubeSphere would: it loads the whole index or nothing of it.
func listed(ctx context.Context, to *Sending, at *indexwatch.Reading, d *Delivery) (target.Entry, string) {
	entry, ok, err := at.Lookup(ctx, d.Name, d.Version)
	if err != nil {
		return target.Entry{}, failure.InOneLine(err)
	}
	if !ok {
		return target.Entry{}, to.notThere()
	}
	d.sayTwice(entry)
	if err := at.Index.Refused(); err != nil {
		return target.Entry{}, "it is in the index, but " + failure.InOneLine(err)
	}
	if entry.OwnName != "" && entry.OwnName != entry.Name {
		return target.Entry{}, fmt.Sprintf("it is in the index, but its entry has the name %q there, so KubeSphere passes over it", entry.OwnName)
	}
	return entry, ""
}

// sayTwice warns of a version that is in the index more than once.
func (d *Delivery) sayTwice(entry target.Entry) {
	if entry.Times > 1 {
		d.Warn(fmt.Sprintf("the index has %s %s %d times: KubeSphere takes the last of them, and so does this run", d.Name, d.Version, entry.Times))
	}
}

// stillListed looks back at the index after the walk, which may have taken
// minutes where the archive came only at the third attempt.
func stillListed(ctx context.Context, to *Sending, d *Delivery, at *indexwatch.Reading, walked target.Entry) (complaint string) {
	if time.Since(at.Asked) > indexwatch.LastPoll {
		var err error
		if at, err = to.Index.Since(ctx, time.Now().Add(-indexwatch.LastPoll)); err != nil {
			return "its archive was there, and the index not looked at again yet"
		}
	}
	entry, complaint := listed(ctx, to, at, d)
	if complaint == "" && (entry.Digest != walked.Digest || !slices.Equal(entry.URLs, walked.URLs)) {
		complaint = "the index has changed while its archive was looked at"
	}
	return complaint
}

// walk goes as KubeSphere does from an entry of the index to the archive behind
// its first URL, the digest, and name and version inside; and then it holds the
// content against that of the extension. KubeSphere swallows each failure on this
// way, so each is reported here. other is what differs where everything fits together
// and the content is not what was sent: an index that is late or a cache may still
// show something else, so that is no verdict yet.
func walk(ctx context.Context, to *Sending, d *Delivery, entry target.Entry) (complaint string, other *published.Difference, err error) {
	verdict, err := published.CompareDigest(ctx, d.Ext, entry.ContentDigest)
	if err != nil {
		return "", nil, err
	}
	if d.Waits && verdict == extension.DigestOther {
		return "", nil, explained(ctx, to.Index.Target, d, entry)
	}
	archive, err := to.Index.Target.Fetch(ctx, entry)
	if err != nil {
		return failure.InOneLine(err), nil, nil
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return complaint, nil, nil
	}
	asSent := d.Package != nil && "sha256:"+published.Digest(archive) == d.Package.Digest
	if asSent && d.Loads && d.Package.Digest == d.Inspected && published.IsWhole(archive) {
		return "", nil, nil // these bytes were looked at in the plan
	}
	files, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	if err != nil {
		return "its archive does not load in Helm: " + kubesphere.LoadError(err), nil, nil
	}
	if complaint := published.LeftOut(d.Version, files); complaint != "" {
		return complaint, nil, nil
	}
	if asSent && d.Loads {
		return "", nil, nil // lint has loaded this content, and name and version are what was packed
	}
	if complaint, err := published.Inside(ctx, d.Name, d.Version, files); complaint != "" || err != nil || asSent {
		return complaint, nil, err
	}
	difference, err := published.Differs(ctx, d.Ext, d.URLs, entry, archive, to.Index.Target)
	if difference.IsNone() && verdict == extension.DigestOther {
		difference.Unread = "its content digest is another, and its files are the same"
	}
	switch {
	case err != nil:
		return err.Error(), nil, nil
	case difference.IsNone():
		return "", nil, nil
	case d.Waits:
		return "", nil, drift(d, difference, "")
	case entry.Digest == "":
		return to.Brief + " serves other content than was sent (" + difference.String() + ")", nil, nil
	}
	return to.Brief + " serves other content than was sent (" + difference.String() + ")", &difference, nil
}

// reviewed asks how the review stands.
func reviewed(ctx context.Context, to *Sending, d *Delivery) (complaint string, err error) {
	snapshot, err := to.Target.Snapshot(ctx, d.Name, d.Version)
	d.status = cmp.Or(snapshot.Status, d.status)
	switch {
	case failure.Unauthorized(err):
		return "", err
	case err != nil:
		return err.Error(), nil
	case snapshot.Status == target.StatusActive:
		return "", nil
	case snapshot.Status == target.StatusSubmitted:
		return fmt.Sprintf("it is in %s, and not reviewed yet", to.Brief), nil
	case snapshot.Status == target.StatusNone: // which cannot be, as it is in the repository
		return fmt.Sprintf("it is in %s, but %s does not show it", to.Brief, to.Noun), nil
	case snapshot.Status == target.StatusDraft:
		return "", failure.WithHint(errors.New("the submission was taken back"), "run again to submit it anew")
	default:
		d.Learn(func(known *results.Target) { known.ReviewMessage = snapshot.Message })
		return "", failure.WithHint(fmt.Errorf("the review ended with the status %q%s", snapshot.Status, said(snapshot)), "%s", d.afterRejection())
	}
}
