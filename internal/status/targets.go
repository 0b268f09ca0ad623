package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Target is what is known of an extension in one of the targets that a project names.
type Target struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	URL      string `json:"url,omitempty"` // where it is, without user, password and key
	Status   string `json:"status"`        // of this version, as that of the marketplace
	Snapshot string `json:"snapshot_id,omitempty"`
	// Review is that of the version, where the target has reviews, as that of the extension.
	Review string `json:"review,omitempty"`
	// ReviewMessage is what the reviewer said of a version that was not approved.
	ReviewMessage string          `json:"review_message,omitempty"`
	Versions      []string        `json:"versions"` // that it shows, newest first
	Would         results.Outcome `json:"would"`    // how a run would end there, as far as a plan knows
	Reason        string          `json:"reason,omitempty"`
	message       string          // of the error
}

// ofTargets is what the result of a plan says of an extension in each target.
func ofTargets(all []results.Target) (targets []Target) {
	for _, t := range all {
		s := Target{
			Name: t.Name, Kind: t.Kind, URL: t.URL, Status: marketUnknown, Review: t.Review, ReviewMessage: t.ReviewMessage,
			Versions: []string{}, Would: t.Outcome, Reason: t.Reason,
		}
		if t.Error != nil {
			s.message = t.Error.Message
		}
		targets = append(targets, s)
	}
	return targets
}

// AskTargets asks each target of a project for all versions, several extensions at once. One that
// cannot be asked keeps nothing back of the others; the error is that of the first in their order,
// or that of one that refused a key.
func AskTargets(ctx context.Context, places []target.Place, all []Extension, parallelism int) error {
	failed := make([]error, len(places))
	var group errgroup.Group
	for i, place := range places {
		group.Go(func() error {
			failed[i] = askTarget(ctx, place, all, parallelism)
			return nil
		})
	}
	_ = group.Wait()
	var first error
	for i, err := range failed {
		switch {
		case err == nil:
		case failure.Unauthorized(err) && !failure.Unauthorized(first):
			first = &targetError{places[i].Name, err}
		case first == nil:
			first = &targetError{places[i].Name, err}
		}
	}
	for i := range all {
		all[i].takeMarketplace()
	}
	return first
}

// targetError is the error of a target.
type targetError struct {
	name string
	err  error
}

func (e *targetError) Error() string { return e.name + ": " + e.err.Error() }
func (e *targetError) Unwrap() error { return e.err }

// askTarget asks one target.
func askTarget(ctx context.Context, place target.Place, all []Extension, parallelism int) error {
	index, err := place.Index(ctx)
	if err != nil {
		return err
	}
	keys, ok := place.Target.(target.KeyHolder)
	asked := (!ok || keys.HasKey()) && target.Silence(place.Target) == nil
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, parallelism))
	for i := range all {
		t := all[i].in(place.Name)
		if t == nil || all[i].Version == "" {
			continue
		}
		group.Go(func() error {
			shown, err := index.Versions(ctx, all[i].Name)
			if err != nil {
				return err
			}
			t.Versions = append(t.Versions, shown...)
			slices.SortStableFunc(t.Versions, func(a, b string) int { return versions.Compare(b, a) })
			if !asked {
				return nil
			}
			got, err := place.Snapshot(ctx, all[i].Name, all[i].Version)
			if err != nil {
				return err
			}
			t.Status, t.Snapshot, t.Review, t.ReviewMessage = statusOf(got), got.ID, "", got.Message
			if _, ok := place.Target.(target.Reviewer); ok {
				t.Review = reviewOf(got.Status)
			}
			return nil
		})
	}
	err = group.Wait()
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return err
}

// in is the target of a name; nil where the extension has none of it.
func (s *Extension) in(name string) *Target {
	for i := range s.Targets {
		if s.Targets[i].Name == name {
			return &s.Targets[i]
		}
	}
	return nil
}

// takeMarketplace has what is known of the marketplace among the targets stand for the extension, as
// where there is no other.
func (s *Extension) takeMarketplace() {
	s.Market = ""
	for _, t := range s.Targets {
		if t.Kind == target.KindMarketplace {
			s.Market, s.Snapshot, s.Review, s.ReviewMessage, s.Repository = t.Status, t.Snapshot, t.Review, t.ReviewMessage, t.Versions
		}
	}
}

// redact takes secrets out of what servers say.
func (t *Target) redact(from *secrets.Redactor) {
	t.Status, t.Snapshot, t.Reason = from.Text(t.Status), from.Text(t.Snapshot), from.Text(t.Reason)
	t.ReviewMessage, t.Versions = from.Text(t.ReviewMessage), from.Texts(t.Versions)
}

// targetsTable shows extensions with a line for each target.
func targetsTable(all []Extension, width int, printed error) output.Text {
	table := output.NewTable("extension", "version", "target", "status", "shown there", "a run would end as")
	for _, s := range all {
		if len(s.Targets) == 0 { // it did not come so far
			table.Row(output.Cell(s.Name), output.Cell(s.Version), output.Cell("-"), output.Cell("-"), output.Cell("-"), output.Cell(would(s.Would, s.Reason, s.message, s.Review, printed)))
		}
		name, version := s.Name, s.Version
		for _, t := range s.Targets {
			table.Row(output.Cell(name), output.Cell(version), output.Cell(t.Name), output.Name(language.Word(t.Status)+said(t.ReviewMessage)),
				output.Cell(newest(t.Versions)), output.Cell(would(t.Would, t.Reason, t.message, t.Review, printed)))
			name, version = "", ""
		}
	}
	return table.Render(width)
}

// would is how a run would end, and whether the review of what is there is open. What is printed as the
// error of the command is not repeated.
func would(outcome results.Outcome, reason, message, review string, printed error) string {
	var of *targetError
	if outcome == results.Exists && review == results.ReviewOpen {
		return strings.TrimSuffix(language.Sprintf("%s, review open: %s", language.Word(string(outcome)), language.Text(reason)), ": ")
	}
	if reason == "" || printed != nil && (message == printed.Error() || errors.As(printed, &of) && message == of.err.Error()) {
		return language.Word(string(outcome))
	}
	if stage, message, ok := strings.Cut(reason, ": "); ok && slices.Contains(stages, stage) {
		reason = language.Word(stage) + ": " + language.Text(message)
	}
	return fmt.Sprintf("%s: %s", language.Word(string(outcome)), reason)
}

// stages are those that a reason may begin with.
var stages = []string{results.StageLint, results.StagePackage, results.StageUpload, results.StageSize, results.StagePush, results.StageVerify, results.StageBefore}
