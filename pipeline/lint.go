package pipeline

import (
	"cmp"
	"context"
	"time"

	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/services"
	"github.com/ksrelease/ksrelease/internal/verdict"
)

// lintStep reads the extension as KubeSphere would. Findings of severity
// error stop it; all others are reported and go along.
func lintStep(ctx context.Context, env *planning, r *release) error {
	if recaller, ok := r.run.Examiner.(services.Recaller); ok && r.parcel.Ext == nil && r.read.known != nil {
		if report, ok := recaller.Recall(ctx, r.read.known.Tree, lintOptions(r), r.limits()); ok {
			r.read.byTree = true
			return keepReport(r, report)
		}
	}
	if err := readStep(ctx, env, r); err != nil {
		return err
	}
	unlooked, wrong := r.examine(ctx, r.run.looks.Examine)
	return cmp.Or(unlooked, ctx.Err(), wrong)
}

// upgradeStep holds what is to be released against the version before it that users have, where
// lint has not done so.
func upgradeStep(ctx context.Context, env *planning, r *release) error {
	if !r.run.decides() || r.earlier() != nil {
		return nil
	}
	if older, err := hasOthers(ctx, env, r); !older || err != nil {
		return err
	}
	if err := readContent(ctx, r); err != nil {
		return err
	}
	looked := map[string]error{} // what came of it, by the version that is before it
	before := len(r.result.Findings)
	for _, rt := range r.open() {
		if !lifecycle.IsToPack(rt.state) {
			continue
		}
		index := env.to[rt.at].Index
		now, err := index.Since(ctx, time.Time{})
		if err != nil {
			return err
		}
		base, err := bases.Below(ctx, now.Index, r.parcel.Name, r.parcel.Version)
		if err != nil {
			base = "" // which Upgrade says
		}
		wrong, done := looked[base]
		if !done || base == "" {
			var unlooked error
			unlooked, wrong = r.examine(ctx, bases.Upgrade(r.run.Examiner.Examine, index.Target, now.Index, r.run.Warn))
			if err := cmp.Or(unlooked, ctx.Err()); err != nil {
				return err
			}
			r.change(func() { r.result.Findings = results.Once(r.result.Findings, before) })
			looked[base] = wrong
		}
		if wrong != nil {
			rt.fail(results.StageLint, wrong)
		}
	}
	return nil
}

// hasOthers reports whether a target that is to get the extension has another version of it, or may
// have one.
func hasOthers(ctx context.Context, env *planning, r *release) (bool, error) {
	for _, rt := range r.open() {
		if !lifecycle.IsToPack(rt.state) {
			continue
		}
		if has, err := rt.HasOthers(ctx, env.to[rt.at]); has || err != nil {
			return has, err
		}
	}
	return false, nil
}

// examine holds an extension to rules and keeps the findings that are new. unlooked is why it
// could not be looked at, and wrong what the findings of severity error come to.
func (r *release) examine(ctx context.Context, examine func(context.Context, *extension.Extension, lint.Options, lint.Limits) (lint.Report, error)) (unlooked, wrong error) {
	report, err := examine(ctx, r.parcel.Ext, lintOptions(r), r.limits())
	if err != nil {
		return err, nil
	}
	return nil, keepReport(r, report)
}

// lintOptions are what lint goes by besides the extension. Of the extensions of the run it sees those
// that this one depends on: the others have nothing to do with what is found in it.
func lintOptions(r *release) lint.Options {
	options := lint.Options{Severities: map[string]lint.Severity{}, Siblings: map[string][]string{}, Earlier: r.earlier()}
	for rule, severity := range r.source.Settings.Lint.Rules {
		options.Severities[rule] = lint.Severity(severity)
	}
	for _, d := range r.read.metadata.ExternalDependencies {
		if versions := r.run.declared[d.Name]; versions != nil {
			options.Siblings[d.Name] = versions
		}
	}
	return options
}

// keepReport keeps what lint has found. The error is what new findings of severity error come to.
func keepReport(r *release, report lint.Report) (wrong error) {
	r.parcel.Loads = r.parcel.Loads || report.Loads
	r.change(func() {
		wrong = verdict.Keep(&r.result, report, verdict.By{Known: r.run.Baseline, Strict: r.run.Strict}, cmp.Or(r.source.Display, r.source.Path))
	})
	return wrong
}

// earlier is what the extension was before, for rules that compare. A run that releases asks its
// targets whether a version may still change: one that is there with other content is
// drift, and one that is not may. So what differs is for the others.
func (r *release) earlier() *lint.Earlier {
	known := r.run.Earlier[r.source.Path]
	if known == nil || !r.run.decides() {
		return known
	}
	earlier := *known
	earlier.Differs = nil
	return &earlier
}

// limits are those within which the extension is looked at.
func (r *release) limits() lint.Limits {
	s := r.source.Settings.Lint
	return lint.Limits{Time: s.Timeout, Memory: s.Memory}
}
