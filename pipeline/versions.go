package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/survey"
)

// lookAround says what is worth knowing of what a target has around a version that is going to be
// released, and blocks it where it requires what is neither in this run nor in the target.
func lookAround(ctx context.Context, to *delivery.Asking, r *route) error {
	at, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return err
	}
	subject := survey.Subject{
		Name: r.parcel.Name, Version: r.parcel.Version, Together: r.order.Together,
		Declared: r.run.declared, Holds: r.site.Holds(), AllowMissing: r.run.AllowMissing,
	}
	for _, d := range r.order.Dependencies {
		if !slices.ContainsFunc(d.Within, func(dep *release) bool { return dep.routes[r.at].takes() }) { // else blockOn sees to it
			subject.Dependencies = append(subject.Dependencies, survey.Dependency{Name: d.Name, Constraint: d.Constraint, Shown: d.String(), Required: d.Required})
		}
	}
	around, err := survey.Look(ctx, at.Index, subject)
	r.change(func() { r.known.Previous = around.Before })
	for _, remark := range around.Remarks {
		if !r.hasFinding(remark.SameAs) {
			r.warn(remark.Rule, remark.What, remark.Subject, remark.Message, remark.Key)
		}
	}
	if err == nil && around.Lacking != "" {
		err = &delivery.Ending{Outcome: results.Blocked, Reason: "it requires " + around.Lacking + ": release that first, or go ahead with --allow-missing-dependencies"}
	}
	return err
}

func (r *release) hasFinding(code string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return code != "" && slices.ContainsFunc(r.result.Findings, func(f results.Finding) bool { return f.Code == code })
}

// warn adds a finding of the run itself, at a key of extension.yaml. subject is the other
// extension or version that it is about, if any. What the plan has found already, and the
// application finds again, takes the place of the one before: the message may say more now. What
// is found for two targets is said as it is for the first.
func (r *route) warn(rule, what, subject, message, key string) {
	d := diagnostic.Diagnostic{Code: rule + "/" + what, Severity: diagnostic.Warning, Message: message, File: extension.MetadataFile, Subject: subject}
	if line, column, ok := r.parcel.Place(key); ok {
		d.Range = diagnostic.At(line, column)
	}
	found := results.FindingOf(d, r.source.Display)
	r.change(func() { r.result.Findings = r.remarks.Add(r.result.Findings, found, r.at) })
}
