package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/graceful"
)

// How often a write is sent before it is given up. A server that only asks to
// slow down is given more time instead.
const (
	attempts    = 5
	limitedTime = 5 * time.Minute
)

// pushStage sends the package, and submits it where that makes a draft. An answer that is an
// error, or that never came, is no verdict: the state is read back first.
func pushStage(ctx context.Context, env *environment, r *release) error {
	if env.keep != nil {
		if err := env.keep(r); err != nil {
			return err
		}
	}
	snapshot, err := publish(ctx, env, r)
	if err != nil || r.action == actVerify {
		return err
	}
	r.result.SnapshotID = snapshot.ID
	if env.reviews {
		if err := submit(ctx, env, r, snapshot.ID); err != nil {
			return err
		}
	}
	// An index from before this moment cannot show the version.
	r.sent, r.sentAt = true, time.Now()
	return nil
}

// freshFor is how long what the plan saw of a version stands. A run takes
// seconds; where extensions wait for others, or a thousand of them for a slot,
// it may be hours.
const freshFor = time.Minute

// lookAgain asks once more for what the plan saw, where that is long ago, before
// the first write of an extension.
func lookAgain(ctx context.Context, env *environment, r *release) error {
	if !r.waited && time.Since(r.looked) < freshFor {
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
func overtaken(r *release, state Snapshot, cause error) error {
	if state.Status == StatusNone || state.Status == StatusDraft {
		return nil
	}
	if err := decideByState(r, state, "meanwhile, by another run or somebody else"); err != nil {
		return err
	}
	if cause != nil {
		r.tell(fmt.Sprintf("it was %s (%v); what is there is compared", r.note, cause))
	} else {
		r.tell(fmt.Sprintf("it was %s; what is there is compared", r.note))
	}
	return nil
}

// publish sends the package until the target acknowledges it. Sending it again is safe as
// long as the version is a draft or nothing; once it is more than that somebody else has
// submitted it, and there is no snapshot but the action is actVerify. Without reviews it
// may be our own write that is seen so, whose answer was lost: verify compares the content.
func publish(ctx context.Context, env *environment, r *release) (Snapshot, error) {
	tries := startTries()
	for {
		snapshot, err := env.send.Publish(ctx, r.pkg)
		if err == nil {
			return snapshot, nil
		}
		if tries.failed == 0 && Unauthorized(err) { // and no attempt before it that may have arrived
			return Snapshot{}, cmp.Or(notSent(err, "its package was sent"), err)
		}
		state, readErr := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
		switch {
		case readErr != nil:
			return Snapshot{}, doubt(err, readErr, "whether the package arrived")
		case state.Status == StatusActive && !env.reviews && InDoubt(err):
			return state, nil
		case state.Status != StatusNone && state.Status != StatusDraft:
			return Snapshot{}, overtaken(r, state, err)
		case !InDoubt(err) || tries.spent(err):
			return Snapshot{}, err
		}
		if err := tries.again(ctx, env, r, "uploading the package", err); err != nil {
			return Snapshot{}, err
		}
	}
}

// submit hands the draft in until the marketplace shows that it is no draft any
// more. Good answers are no proof either: the API leaves open what stands in
// them, so a proxy that answers 200 to everything would pass for it. Where the
// state cannot be read back, the Helm repository may show it: what is listed was
// submitted.
func submit(ctx context.Context, env *environment, r *release, snapshotID string) error {
	tries := startTries()
	for {
		err := env.send.Submit(ctx, snapshotID, env.message)
		if tries.failed == 0 && Unauthorized(err) {
			return cmp.Or(notSent(err, "it was submitted"), err)
		}
		state, readErr := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
		unknown := readErr != nil || state.Status == StatusNone
		switch {
		case !unknown && state.Status != StatusDraft:
			// It arrived, whatever the answer said; or another run has submitted the
			// draft. Whose content it has, verify sees.
			return nil
		case unknown && (err == nil || inIndex(ctx, env, r)):
			return nil // verify sees to the rest
		case readErr != nil:
			return doubt(err, readErr, "whether the submission arrived")
		case err == nil:
			err = stillDraft{snapshotID}
		case state.Status == StatusNone && !InDoubt(err):
			return withRemedy(fmt.Errorf("%w; the marketplace no longer has the draft, and whether the submission arrived is not known", err), "run again")
		}
		if !InDoubt(err) || tries.spent(err) {
			return err
		}
		if err := tries.again(ctx, env, r, "submitting", err); err != nil {
			return err
		}
	}
}

// stillDraft is a submission that was answered well and not done.
type stillDraft struct{ snapshotID string }

func (e stillDraft) Error() string {
	return "submitting snapshot " + e.snapshotID + ": the answer was one of success, but the version is a draft still"
}

func (stillDraft) InDoubt() bool { return true }

// Summary is what it comes to.
func (stillDraft) Summary() string { return "answered well, but the version is a draft still" }

// inIndex says that the Helm repository shows, right now, what is being released.
func inIndex(ctx context.Context, env *environment, r *release) bool {
	at, err := env.index.since(ctx, time.Now())
	if err != nil {
		return false
	}
	entry, complaint := listed(ctx, at, r)
	return complaint == "" && entry.ContentDigest == r.pkg.ContentDigest
}

// tries counts the attempts of one write.
type tries struct {
	failed int
	began  time.Time
}

func startTries() *tries { return &tries{began: time.Now()} }

// spent counts a failed attempt and says whether it was the last.
func (t *tries) spent(cause error) bool {
	if SlowDown(cause) {
		return time.Since(t.began) > limitedTime
	}
	t.failed++
	return t.failed == attempts
}

// again tells of a failed write and waits before the next attempt.
func (t *tries) again(ctx context.Context, env *environment, r *release, doing string, cause error) error {
	wait := time.Second << max(0, t.failed-1)
	count := fmt.Sprintf(", %d of %d", t.failed+1, attempts)
	if SlowDown(cause) {
		wait, count = time.Second, "" // the client has waited already, as it was told
	}
	r.tell(fmt.Sprintf("%s: %s, trying again in %s%s", doing, inShort(cause), wait, count))
	ctx, done := graceful.Wait(ctx)
	defer done()
	if !Sleep(ctx, wait) {
		return fmt.Errorf("%w (%s)", cause, interruption(ctx))
	}
	return nil
}

// inShort is an error in a few words, for a line of progress, where it has some.
func inShort(err error) string {
	var short interface{ Summary() string }
	if errors.As(err, &short) {
		return short.Summary()
	}
	return err.Error()
}

// doubt is the error of a write whose answer was lost and whose effect cannot
// be read back.
func doubt(err, readErr error, what string) error {
	remedy := "run again when the marketplace answers: the next run goes on from what it has"
	if Unauthorized(readErr) {
		remedy = Remedy(readErr)
	}
	return withRemedy(fmt.Errorf("%w; %s is not known, as reading it back failed: %w", err, what, readErr), "%s", remedy)
}
