package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// limited is an Examiner that notes its limits and says that they are reached.
type limited struct {
	limits []lint.Limits
	reach  bool
	other  error
}

func (l *limited) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	l.limits = append(l.limits, limits)
	if l.reach {
		return lint.Cut(ext, opts, lint.Ended{By: lint.LimitTime, Limits: limits}, nil, 0), nil
	}
	return lint.Examine(ctx, ext, opts), l.other
}

func (l *limited) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return l.Examine(ctx, ext, opts, limits)
}

func (l *limited) Images(ctx context.Context, ext *extension.Extension, _ lint.Limits) (*images.Needed, error) {
	return images.Of(ctx, ext)
}

func (l *limited) Sizes(context.Context, *extension.Extension, extension.URLs, int64, lint.Limits) (*weight.Report, error) {
	if l.other != nil {
		return nil, l.other
	}
	return nil, &reachedError{}
}

type reachedError struct{}

func (*reachedError) Error() string      { return "it takes longer than 7s (lint.timeout)" }
func (*reachedError) LimitReached() bool { return true }

// knowsAll is a baseline in which everything is.
type knowsAll struct{}

func (knowsAll) Sift(_ string, all []lint.Finding) (fresh []lint.Finding, known int) {
	return nil, len(all)
}

// The settings limit how an extension is looked at. That a limit was reached is a
// finding that no baseline knows; where it is about the weight it is only said.
func TestLimitsOfLooking(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	source.Settings.Lint.Timeout, source.Settings.Lint.Memory = 7*time.Second, 77<<20
	e := &limited{}
	var notes []string
	observer := results.ObserverFunc(func(e results.Event) {
		if e.Kind == results.EventNote {
			notes = append(notes, e.Message)
		}
	})
	options := Options{Sources: []config.Source{source}, Examiner: e, Sizes: true, Through: results.StagePackage, Observer: observer}
	x := do(t, newFakeWorld(), options).Extensions[0]
	if want := (lint.Limits{Time: 7 * time.Second, Memory: 77 << 20}); !slices.Equal(e.limits, []lint.Limits{want}) {
		t.Errorf("%+v", e.limits)
	}
	const note = "where the bytes of the package go could not be found out: it takes longer than 7s (lint.timeout)"
	if x.Outcome != results.Packed || !x.AsAsked || x.Package.Contributors == nil || !slices.Equal(notes, []string{note}) {
		t.Errorf("%s %q %q", x.Outcome, x.Reason, notes)
	}

	e.reach = true
	options.Baseline = knowsAll{}
	x = do(t, newFakeWorld(), options).Extensions[0]
	if x.Outcome != results.Failed || len(x.Findings) != 1 || x.Findings[0].Rule != lint.RuleLimits || x.Findings[0].Code != "limits/time" {
		t.Errorf("%s %q %+v", x.Outcome, x.Reason, x.Findings)
	}

	options.Examiner, options.Baseline = &limited{other: errors.New("no process")}, nil
	if x = do(t, newFakeWorld(), options).Extensions[0]; x.Outcome != results.Failed || x.Reason != "lint: no process" {
		t.Errorf("%s %q", x.Outcome, x.Reason)
	}
}
