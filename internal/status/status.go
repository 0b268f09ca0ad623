// Package status says what is where: which versions of an extension the targets of a project
// have, and how a review goes.
package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/target"
	"golang.org/x/sync/errgroup"
)

// Extension is what is known of one extension.
type Extension struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Market   string `json:"marketplace,omitempty"` // status of this version; "none"; "unknown" where it could not be asked
	Snapshot string `json:"snapshot_id,omitempty"`
	// Review is "open" for a version that waits for its review, and "approved" for one that users can
	// install; absent where there is neither, or it could not be asked.
	Review string `json:"review,omitempty"`
	// ReviewMessage is what the reviewer said of a version that was not approved.
	ReviewMessage string          `json:"review_message,omitempty"`
	Repository    []string        `json:"repository"` // versions in the Helm repository, newest first
	Would         results.Outcome `json:"would"`      // how a run would end, as far as a plan knows
	Reason        string          `json:"reason,omitempty"`
	// Targets are those that the project names, in its order; absent where it names none. The
	// marketplace among them is what Market, Snapshot, ReviewMessage and Repository are of.
	Targets []Target `json:"targets,omitempty"`
	// History is all versions that the marketplace has, in its order, drafts among them; only of
	// extensions that are asked for by name.
	History []Snapshot `json:"snapshots,omitempty"`

	message string // of the error, without its stage
}

// The words for what no marketplace says itself.
const (
	marketNone    = "none"
	marketUnknown = "unknown"
)

// Of is what the result of a plan says of an extension; the target was not asked yet.
func Of(x results.Extension) Extension {
	s := Extension{
		Name: x.Name, Version: x.Version, Market: marketUnknown, Review: x.Review, ReviewMessage: x.ReviewMessage,
		Repository: []string{}, Would: x.Outcome, Reason: x.Reason, Targets: ofTargets(x.Targets),
	}
	if x.Error != nil {
		s.message = x.Error.Message
	}
	return s
}

// Table shows all in a table of a width; 0 is unbounded. What is printed as the error of the
// command (nil if there is none) is not repeated for each extension.
func Table(all []Extension, width int, printed error) output.Text {
	if slices.ContainsFunc(all, func(s Extension) bool { return len(s.Targets) > 0 }) {
		return targetsTable(all, width, printed)
	}
	table := output.NewTable("extension", "version", "marketplace", "helm repository", "a run would end as")
	for _, s := range all {
		table.Row(output.Cell(s.Name), output.Cell(s.Version), output.Name(language.Word(s.Market)+said(s.ReviewMessage)), output.Cell(newest(s.Repository)),
			output.Cell(would(s.Would, s.Reason, s.message, s.Review, printed)))
	}
	return table.Render(width)
}

// AskAll asks the marketplace for all versions, until it refuses the key; the error
// is the refusal, or else the first of all.
func AskAll(ctx context.Context, at target.Target, all []Extension, parallelism int) error {
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	var group errgroup.Group
	group.SetLimit(max(1, parallelism))
	for i := range all {
		if all[i].Version == "" {
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			err := all[i].ask(ctx, at)
			if failure.Unauthorized(err) {
				refuse(err)
			}
			return err
		})
	}
	first := group.Wait()
	if err := context.Cause(ctx); failure.Unauthorized(err) {
		return err
	}
	return first
}

// redact takes secrets out of what servers say.
func (s *Extension) redact(from *secrets.Redactor) {
	s.Market, s.Snapshot, s.Reason = from.Text(s.Market), from.Text(s.Snapshot), from.Text(s.Reason)
	s.ReviewMessage = from.Text(s.ReviewMessage)
	s.Repository = from.Texts(s.Repository)
	for i := range s.History {
		h := &s.History[i]
		h.Version, h.Status, h.ID, h.ReviewMessage = from.Text(h.Version), from.Text(h.Status), from.Text(h.ID), from.Text(h.ReviewMessage)
	}
	for i := range s.Targets {
		s.Targets[i].redact(from)
	}
}

func (s *Extension) ask(ctx context.Context, at target.Target) error {
	got, err := at.Snapshot(ctx, s.Name, s.Version)
	if err != nil {
		return err
	}
	s.Market, s.Snapshot, s.Review, s.ReviewMessage = statusOf(got), got.ID, reviewOf(got.Status), got.Message
	return nil
}

// statusOf is what a target says of a version, in a word.
func statusOf(s target.Snapshot) string {
	if s.Status == target.StatusNone {
		return marketNone
	}
	return s.Status
}

// reviewOf is how far the review of a version is, by its status in a target that has reviews.
func reviewOf(status string) string {
	switch status {
	case target.StatusSubmitted:
		return results.ReviewOpen
	case target.StatusActive:
		return results.ReviewApproved
	}
	return ""
}

// Waiting is how Wait waits.
type Waiting struct {
	First  time.Duration       // before it asks for the first time; 0 is the usual time
	To     *output.Stream      // says what is waited for
	Redact func(string) string // takes secrets out of what servers say
}

// Wait asks, ever more patiently, until every version that was submitted has
// been reviewed. A rejection ends it with an error.
func Wait(ctx context.Context, at target.Target, all []Extension, w Waiting) error {
	const last = time.Minute
	printed := ""
	var shown atomic.Value
	shown.Store("")
	defer progress.Wait(w.To, func() string { return shown.Load().(string) })()
	for pause := cmp.Or(w.First, 2*time.Second); ; pause = min(pause*3/2, last) {
		var pending []string
		for _, s := range all {
			if s.Market == target.StatusSubmitted {
				pending = append(pending, s.Name+" "+s.Version)
			}
		}
		if len(pending) == 0 {
			return rejected(all)
		}
		if now := strings.Join(pending, ", "); now != printed {
			w.To.Print("waiting for the review of %s", now)
			printed = now
		}
		shown.Store("waiting for the review of " + few(pending))
		if !graceful.Sleep(ctx, pause) {
			return fmt.Errorf("%w; not reviewed yet: %s", context.Cause(ctx), strings.Join(pending, ", "))
		}
		for i := range all {
			if all[i].Market != target.StatusSubmitted {
				continue
			}
			switch err := all[i].ask(ctx, at); {
			case err == nil:
				if s := all[i]; s.Market != target.StatusSubmitted {
					w.To.Print("%s %s: %s%s", s.Name, s.Version, w.Redact(reviewedAs(s.Market)), w.Redact(said(s.ReviewMessage)))
				}
			case failure.Unauthorized(err):
				return err
			default: // a wait of hours outlives a bad minute
				w.To.Print("%s; asking again", w.Redact(err.Error()))
			}
		}
	}
}

// few are the first of some names, and how many more there are.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// reviewedAs is how a review ended, by the status that it left.
func reviewedAs(status string) string {
	switch status {
	case target.StatusActive:
		return "approved"
	case target.StatusDraft:
		return "the submission was taken back"
	}
	return status
}

// rejected is the error of a review that did not end well.
func rejected(all []Extension) error {
	var errs []error
	for _, s := range all {
		if !slices.Contains([]string{target.StatusActive, target.StatusDraft, marketNone, marketUnknown}, s.Market) {
			errs = append(errs, fmt.Errorf("%s %s was reviewed and is %q%s", s.Name, s.Version, s.Market, said(s.ReviewMessage)))
		}
	}
	return errors.Join(errs...)
}

// said is what the reviewer has to say.
func said(message string) string {
	if message == "" {
		return ""
	}
	return " (" + message + ")"
}

// newest shows the newest few.
func newest(all []string) string {
	const shown = 3
	switch {
	case len(all) == 0:
		return "-"
	case len(all) > shown:
		return strings.Join(all[:shown], ", ") + fmt.Sprintf(" and %d more", len(all)-shown)
	}
	return strings.Join(all, ", ")
}
