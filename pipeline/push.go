package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// How often a write is sent before it is given up. A server that only asks to
// slow down is given more time instead.
const (
	attempts    = 5
	limitedTime = 5 * time.Minute
)

// pushStep sends the package, and submits it where that makes a draft. An answer that is an
// error, or that never came, is no verdict: the state is read back first.
func pushStep(ctx context.Context, env *applying, r *release) error {
	if env.keep != nil {
		if err := env.keep(r); err != nil {
			return err
		}
	}
	snapshot, err := publish(ctx, env, r)
	if err != nil || r.waits() {
		return err
	}
	r.result.SnapshotID = snapshot.ID
	if env.reviews {
		if err := submit(ctx, env, r, snapshot.ID); err != nil {
			return err
		}
	}
	// An index from before this moment cannot show the version.
	r.sent.at = time.Now()
	return nil
}

// freshFor is how long what the plan saw of a version stands. A run takes
// seconds; where extensions wait for others, or a thousand of them for a slot,
// it may be hours.
const freshFor = time.Minute

// lookAgainStep asks once more for what the plan saw, where that is long ago, before
// the first write of an extension.
func lookAgainStep(ctx context.Context, env *applying, r *release) error {
	if env.refused.Err() != nil {
		return &ending{outcome: results.NotReached, reason: "the API key was refused before its turn"}
	}
	if env.unasked {
		return target.ErrNoToken
	}
	if !r.sent.waited && time.Since(r.sent.looked) < freshFor {
		return nil
	}
	state, err := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
	if err != nil {
		return err
	}
	return overtaken(r, state, nil)
}

// overtaken looks whether a version that was to be sent is more than a draft
// meanwhile: submitted by another run, or by somebody else. It is not
// overwritten then, and not a failure either, but waited for and compared, as if
// the plan had found it so. cause is what came of the attempt to send it.
func overtaken(r *release, state target.Snapshot, cause error) error {
	if state.Status == target.StatusNone || state.Status == target.StatusDraft {
		return nil
	}
	d, note, err := decideByState(r, state, "meanwhile, by another run or somebody else")
	if err != nil {
		return err
	}
	r.move(lifecycle.Applied{Decision: d, Note: note})
	if cause != nil {
		r.notify(fmt.Sprintf("it was %s (%v); what is there is compared", note, cause))
	} else {
		r.notify(fmt.Sprintf("it was %s; what is there is compared", note))
	}
	return nil
}

// publish sends the package until the target acknowledges it. Sending it again is safe as
// long as the version is a draft or nothing; once it is more than that somebody else has
// submitted it, and there is no snapshot, and the decision is to wait. Without reviews it
// may be our own write that is seen so, whose answer was lost: verify compares the content.
func publish(ctx context.Context, env *applying, r *release) (target.Snapshot, error) {
	tries := failure.Try(attempts, limitedTime)
	for {
		snapshot, err := env.send.Publish(ctx, r.packed.pkg)
		if err == nil {
			return snapshot, nil
		}
		if tries.Failed == 0 && failure.Unauthorized(err) { // and no attempt before it that may have arrived
			return target.Snapshot{}, cmp.Or(notSent(err, "its package was sent"), err)
		}
		state, readErr := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
		switch {
		case readErr != nil:
			return target.Snapshot{}, failure.Lost(err, readErr, "whether the package arrived")
		case state.Status == target.StatusActive && !env.reviews && failure.InDoubt(err):
			return state, nil
		case state.Status != target.StatusNone && state.Status != target.StatusDraft:
			return target.Snapshot{}, overtaken(r, state, err)
		case !failure.InDoubt(err) || tries.Spent(err):
			return target.Snapshot{}, err
		}
		if err := again(ctx, r, tries, "uploading the package", err); err != nil {
			return target.Snapshot{}, err
		}
	}
}

// submit hands the draft in until the marketplace shows that it is no draft any
// more. Good answers are no proof either: the API leaves open what stands in
// them, so a proxy that answers 200 to everything would pass for it. Where the
// state cannot be read back, the Helm repository may show it: what is listed was
// submitted.
func submit(ctx context.Context, env *applying, r *release, snapshotID string) error {
	tries := failure.Try(attempts, limitedTime)
	for {
		err := env.send.Submit(ctx, snapshotID, env.message)
		if tries.Failed == 0 && failure.Unauthorized(err) {
			return refusedSubmission(ctx, env, r, err)
		}
		state, readErr := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
		unknown := readErr != nil || state.Status == target.StatusNone
		switch {
		case !unknown && state.Status != target.StatusDraft:
			// It arrived, whatever the answer said; or another run has submitted the
			// draft. Whose content it has, verify sees.
			return nil
		case unknown && (err == nil || inIndex(ctx, env, r)):
			return nil // verify sees to the rest
		case readErr != nil:
			return failure.Lost(err, readErr, "whether the submission arrived")
		case err == nil:
			err = target.StillDraft{ID: snapshotID}
		case state.Status == target.StatusNone && !failure.InDoubt(err):
			return failure.WithHint(fmt.Errorf("%w; the marketplace no longer has the draft, and whether the submission arrived is not known", err), "run again")
		}
		if !failure.InDoubt(err) || tries.Spent(err) {
			return err
		}
		if err := again(ctx, r, tries, "submitting", err); err != nil {
			return err
		}
	}
}

// refusedSubmission decides by what can be read without the key, as nothing else is read after
// a refusal: what the Helm repository lists was submitted, whatever the answer said.
func refusedSubmission(ctx context.Context, env *applying, r *release, refusal error) error {
	if end := notSent(refusal, "it was submitted"); end != nil {
		return end
	}
	if !inIndex(ctx, env, r) {
		return refusal
	}
	r.notify("submitting: " + failure.Summary(refusal) + "; it is in the Helm repository all the same")
	return nil // verify sees to the rest
}

// inIndex says that the Helm repository shows, right now, what is being released.
func inIndex(ctx context.Context, env *applying, r *release) bool {
	at, err := env.index.Since(ctx, time.Now())
	if err != nil {
		return false
	}
	entry, complaint := listed(ctx, at, r)
	return complaint == "" && entry.ContentDigest == r.packed.pkg.ContentDigest
}

// again reports a failed write and waits before the next attempt.
func again(ctx context.Context, r *release, t *failure.Attempts, doing string, cause error) error {
	wait := time.Second << max(0, t.Failed-1)
	count := fmt.Sprintf(", %d of %d", t.Failed+1, attempts)
	if failure.SlowDown(cause) {
		wait, count = time.Second, "" // the client has waited already, as it was asked to
	}
	r.notify(fmt.Sprintf("%s: %s, trying again in %s%s", doing, failure.Summary(cause), wait, count))
	ctx, done := graceful.Wait(ctx)
	defer done()
	if !graceful.Sleep(ctx, wait) {
		return fmt.Errorf("%w (%s)", cause, graceful.Interruption(ctx))
	}
	return nil
}
