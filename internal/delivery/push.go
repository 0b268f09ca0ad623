package delivery

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// How often a write is sent before it is given up. A server that only asks to
// slow down is given LimitedTime instead.
const (
	attempts    = 5
	LimitedTime = 5 * time.Minute
)

// Push sends the package, and submits it where that makes a draft. An answer that is an
// error, or that never came, is no verdict: the state is read back first.
func (d *Delivery) Push(ctx context.Context, to *Sending) error {
	snapshot, err := publish(ctx, to, d)
	if err != nil || d.Waits {
		return err
	}
	d.Learn(func(known *results.Target) { known.SnapshotID = snapshot.ID })
	// An index from before this moment cannot show the version.
	sent := time.Now()
	if to.Reviews {
		if sent, err = submit(ctx, to, d, snapshot.ID); err != nil {
			return err
		}
	}
	d.Sent = sent
	return nil
}

// freshFor is how long what the plan saw of a version stands. A run takes
// seconds; where extensions wait for others, or a thousand of them for a slot,
// it may be hours.
const freshFor = time.Minute

// LookAgain asks once more for what the plan saw, where that is long ago, before
// the first write.
func (d *Delivery) LookAgain(ctx context.Context, to *Sending) error {
	if to.Refused.Err() != nil {
		return &Ending{Outcome: results.NotReached, Reason: to.Key + " was refused before its turn"}
	}
	if to.Unasked {
		return target.NoKeyError{Key: to.Key, Noun: to.Noun}
	}
	if !d.Waited && time.Since(d.Looked) < freshFor {
		return nil
	}
	state, err := to.Target.Snapshot(ctx, d.Name, d.Version)
	if err != nil {
		return err
	}
	return overtaken(to, d, state, nil)
}

// overtaken looks whether a version that was to be sent is more than a draft
// meanwhile: submitted by another run, or by somebody else. It is not
// overwritten then, and not a failure either, but waited for and compared, as if
// the plan had found it so. cause is what came of the attempt to send it.
func overtaken(to *Sending, d *Delivery, state target.Snapshot, cause error) error {
	if state.Status == target.StatusNone || state.Status == target.StatusDraft {
		return nil
	}
	_, note, err := decideByState(&to.Asking, d, state, "meanwhile, by another run or somebody else")
	if err != nil {
		return err
	}
	d.Waits = true
	d.Wait(note)
	if cause != nil {
		d.Note(fmt.Sprintf("it was %s (%v); what is there is compared", note, cause))
	} else {
		d.Note(fmt.Sprintf("it was %s; what is there is compared", note))
	}
	return nil
}

// publish sends the package until the target acknowledges it. Sending it again is safe as
// long as the version is a draft or nothing; once it is more than that somebody else has
// submitted it, and there is no snapshot, and the decision is to wait. Without reviews it
// may be our own write that is seen so, whose answer was lost: verify compares the content.
func publish(ctx context.Context, to *Sending, d *Delivery) (target.Snapshot, error) {
	tries := failure.Try(attempts, LimitedTime)
	for {
		snapshot, err := to.Send.Publish(ctx, d.Package)
		if err == nil {
			return snapshot, nil
		}
		if tries.Failed == 0 && failure.Unauthorized(err) { // and no attempt before it that may have arrived
			return target.Snapshot{}, cmp.Or(to.notSent(err, "its package was sent"), err)
		}
		state, readErr := to.Target.Snapshot(ctx, d.Name, d.Version)
		switch {
		case readErr != nil:
			return target.Snapshot{}, failure.Lost(err, readErr, "whether the package arrived")
		case state.Status == target.StatusActive && !to.Reviews && failure.InDoubt(err):
			return state, nil
		case state.Status != target.StatusNone && state.Status != target.StatusDraft:
			return target.Snapshot{}, overtaken(to, d, state, err)
		case target.HasOther(err): // and there is no more to be read of it
			return target.Snapshot{}, drift(d, published.Difference{Unread: to.Noun + " says no more of it"}, "")
		case !failure.InDoubt(err) || tries.Spent(err):
			return target.Snapshot{}, err
		}
		if err := again(ctx, d, tries, "uploading the package", err); err != nil {
			return target.Snapshot{}, err
		}
	}
}

// submit hands the draft in until the target shows that it is no draft any
// more. Good answers are no proof either: the API leaves open what stands in
// them, so a proxy that answers 200 to everything would pass for it. Where the
// state cannot be read back, the index may show it: what is listed was
// submitted.
//
// While the state is read back the index is asked for already, which verify is going to want. The
// time returned is from when on it may show the version: that of the first good answer, or else of
// now.
func submit(ctx context.Context, to *Sending, d *Delivery, snapshotID string) (sent time.Time, err error) {
	tries := failure.Try(attempts, LimitedTime)
	for {
		err := to.Send.Submit(ctx, snapshotID, to.Message)
		if tries.Failed == 0 && failure.Unauthorized(err) {
			return time.Now(), refusedSubmission(ctx, to, d, err)
		}
		if err == nil && sent.IsZero() {
			sent = time.Now()
			if to.Verifies {
				defer to.Index.Await(d.Name, d.Version, sent).End()
				to.Index.Prompt(ctx, sent, d.Parcel.Verify.Timeout+to.Delay)
			}
		}
		state, readErr := to.Target.Snapshot(ctx, d.Name, d.Version)
		unknown := readErr != nil || state.Status == target.StatusNone
		switch {
		case !unknown && state.Status != target.StatusDraft:
			// It arrived, whatever the answer said; or another run has submitted the
			// draft. Whose content it has, verify sees.
			return arrived(sent), nil
		case unknown && (err == nil || inIndex(ctx, to, d)):
			return arrived(sent), nil // verify sees to the rest
		case readErr != nil:
			return sent, failure.Lost(err, readErr, "whether the submission arrived")
		case err == nil:
			err, sent = target.StillDraft{ID: snapshotID}, time.Time{}
		case state.Status == target.StatusNone && !failure.InDoubt(err):
			return sent, failure.WithHint(fmt.Errorf("%w; %s no longer has the draft, and whether the submission arrived is not known", err, to.Noun), "run again")
		}
		if !failure.InDoubt(err) || tries.Spent(err) {
			return sent, err
		}
		if err := again(ctx, d, tries, "submitting", err); err != nil {
			return sent, err
		}
	}
}

// arrived is from when on the index may show what arrived: since a good answer, if there was one.
func arrived(answered time.Time) time.Time {
	if answered.IsZero() {
		return time.Now()
	}
	return answered
}

// refusedSubmission decides by what can be read without the key, as nothing else is read after
// a refusal: what the index lists was submitted, whatever the answer said.
func refusedSubmission(ctx context.Context, to *Sending, d *Delivery, refusal error) error {
	if end := to.notSent(refusal, "it was submitted"); end != nil {
		return end
	}
	if !inIndex(ctx, to, d) {
		return refusal
	}
	d.Note(fmt.Sprintf("submitting: %s; it is in %s all the same", failure.Summary(refusal), to.Shown))
	return nil // verify sees to the rest
}

// inIndex says that the index shows, right now, what is being released.
func inIndex(ctx context.Context, to *Sending, d *Delivery) bool {
	at, err := to.Index.Since(ctx, time.Now())
	if err != nil {
		return false
	}
	entry, complaint := listed(ctx, to, at, d)
	return complaint == "" && entry.ContentDigest == d.Package.ContentDigest
}

// again reports a failed write and waits before the next attempt.
func again(ctx context.Context, d *Delivery, t *failure.Attempts, doing string, cause error) error {
	wait := time.Second << max(0, t.Failed-1)
	count := fmt.Sprintf(", %d of %d", t.Failed+1, attempts)
	if failure.SlowDown(cause) {
		wait, count = time.Second, "" // the client has waited already, as it was asked to
	}
	d.Note(fmt.Sprintf("%s: %s, trying again in %s%s", doing, failure.Summary(cause), wait, count))
	ctx, done := graceful.Wait(ctx)
	defer done()
	if !graceful.Sleep(ctx, wait) {
		return fmt.Errorf("%w (%s)", cause, graceful.Interruption(ctx))
	}
	return nil
}
