// Package delivery brings a version of an extension to one target: it decides by what is there
// whether there is anything to send, sends it, and looks until it is seen. It knows no run and no
// other target.
package delivery

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/access"
)

// Asking is what a plan reaches of a target. There is nothing in it that writes: what sends
// something in a plan does not compile.
type Asking struct {
	Words   // of the target
	Target  access.Reader
	Index   *indexwatch.Watcher
	Unasked bool // the target cannot be asked, for want of a key
}

// Sending is what is reached of a target when a plan is applied.
type Sending struct {
	Asking
	Send    access.Writer
	Reviews bool   // what is sent is a draft until it is submitted
	Message string // of submissions, to the reviewers
	// Verifies says that what is sent is going to be verified: the index is asked for as soon as
	// the version may be there.
	Verifies bool
	// Refused is done when the target has refused the key, which is its cause.
	Refused context.Context
	// Delay is how much later than the target its index may be, by a cache that is known. It adds
	// to verify.timeout.
	Delay time.Duration
}

// Parcel is what is brought: the same for all targets. It does not change while it is on its way
// to any of them.
type Parcel struct {
	Name, Version string
	Ext           *extension.Extension // nil when it cannot be read, was let go, or was not needed so far
	Known         *extension.Summary   // what is known of it while Ext is nil; nil where that is nothing
	Loads         bool                 // Helm has loaded the content of Ext
	Package       *extension.Package   // nil until it is made
	Inspected     string               // Digest of the package that was seen to be as KubeSphere wants it (published.Inspect)
	URLs          extension.URLs       // the addresses of assets in Package; nil is the local form
	Push          config.Push
	Verify        config.Verify
	Withdraw      func(name, version string) string // the command that takes a version back; nil is the plain one
}

// Assets are those of the extension, without their data where its content is not at hand.
func (p *Parcel) Assets() []extension.Asset {
	switch {
	case p.Ext != nil:
		return p.Ext.Assets
	case p.Known != nil:
		return p.Known.Assets
	}
	return nil
}

// Place is where extension.yaml has a key at its top. It is not ok where nothing is known of that.
func (p *Parcel) Place(key string) (line, column int, ok bool) {
	switch {
	case p.Ext != nil && p.Ext.Document != nil:
		line, column = p.Ext.Document.Place(key)
		return line, column, true
	case p.Ext == nil && p.Known != nil:
		place, ok := p.Known.Places[key]
		return place.Line, place.Column, ok
	}
	return 0, 0, false
}

// AsAsked says whether the settings ask for an outcome, and gives its reason.
func (p *Parcel) AsAsked(outcome results.Outcome, reason string) (bool, string) {
	switch outcome {
	case results.Released, results.Planned, results.Linted, results.Packed, results.LeftOut:
		return true, reason
	case results.Exists:
		if p.Push.Existing == config.FailExisting {
			return false, cmp.Or(reason, "it is there already, and push.existing is fail: bump version in extension.yaml")
		}
		return true, reason
	case results.Drift:
		return p.Push.Drift == config.WarnDrift, reason
	}
	return false, reason
}

// Reporter gets what becomes of a delivery.
type Reporter interface {
	// Tell passes on something to know while it goes on: a note, or an activity.
	Tell(e results.Event)
	// Warn says what somebody should know of the target as a whole. Said again it is dropped.
	Warn(message string)
	// Learn changes what is known of the delivery.
	Learn(change func(known *results.Target))
	// Wait says that somebody else has submitted the version meanwhile: nothing of it is sent
	// any more, and it is only waited for.
	Wait(note string)
}

// Seat is a place among the extensions at work, for what costs work while waiting.
type Seat interface {
	Take(ctx context.Context) error
	Leave()
}

// Delivery is a version on its way to one target. It belongs to one goroutine at a time.
type Delivery struct {
	*Parcel
	Reporter
	Seat Seat // nil holds nothing up

	Looked time.Time // when the plan asked the target for the version; zero where it did not
	Waited bool      // for others, since the plan
	Waits  bool      // it was submitted before, or by others, and is only waited for
	Sent   time.Time // when this run submitted the package; zero until then
	ahead  *Ahead    // what the plan asks the target before it decides; nil where nothing
	// status is what the target has said last of the version; empty where it was not asked.
	status string
	// Entry is the version in the index that was seen to have the content of Ext: what others are
	// given, too; nil before that.
	Entry *target.Entry
}

// Note says something that the user should know while it goes on.
func (d *Delivery) Note(message string) {
	d.Tell(results.Event{Kind: results.EventNote, Message: message})
}

// appeared says that the version is seen, or approved.
func (d *Delivery) appeared(message string) {
	d.Tell(results.Event{Kind: results.EventNote, Message: message, Appeared: true})
}

// waitsFor says what is waited for until a limit, to be shown.
func (d *Delivery) waitsFor(ctx context.Context, what string, since time.Time) {
	limit, _ := ctx.Deadline()
	d.Tell(results.Event{Kind: results.EventActivity, Activity: &results.Activity{Waiting: what, Since: since, Limit: limit}})
}

// Review is how far the review is of a version that ended so, as far as that is known without a request;
// verified says that it was waited for.
func (d *Delivery) Review(outcome results.Outcome, verified bool) string {
	approved := outcome == results.Released && d.Parcel.Verify.Until == config.UntilActive
	switch {
	case outcome == results.Released && verified && !approved:
		return results.ReviewOpen
	case outcome == results.Exists && d.status == target.StatusSubmitted:
		return results.ReviewOpen
	case outcome == results.Released && verified, outcome == results.Exists && d.status == target.StatusActive:
		return results.ReviewApproved
	}
	return ""
}

// IsSent says that this run has submitted the package.
func (d *Delivery) IsSent() bool { return !d.Sent.IsZero() }

// HasOthers reports whether the target has another version, or may have one.
func (d *Delivery) HasOthers(ctx context.Context, to *Asking) (bool, error) {
	now, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return false, err
	}
	if now.Err != nil {
		return true, nil
	}
	there, err := now.Index.Versions(ctx, d.Name)
	return err != nil || len(there) > 0, nil // an error is for who looks at them to say
}

// Ending is how a delivery ends in another way than failing.
type Ending struct {
	Outcome results.Outcome
	Reason  string
	Cause   error // what went wrong, with its hint; nil where nothing did
}

func (e *Ending) Error() string { return string(e.Outcome) + ": " + e.Reason }

// Apart is the end of a delivery whose version another target, which is called so, has with other
// content.
func Apart(called string) *Ending {
	return &Ending{Outcome: results.Blocked, Reason: fmt.Sprintf("%s has the version with other content, and all are to have the same: bump version in extension.yaml", called)}
}

// notSent is the end of a delivery of which a write was not sent, as the key was refused
// before; nil for another error. what completes "the API key was refused before …".
func (s *Sending) notSent(err error, what string) error {
	if access.Unsent(err) {
		return &Ending{Outcome: results.NotReached, Reason: s.Key + " was refused before " + what}
	}
	return nil
}
