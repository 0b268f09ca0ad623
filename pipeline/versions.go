package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// survey looks at what a target has around a version that is going to be released: at
// the other versions of the extension, and at what it depends on.
func survey(ctx context.Context, to *delivery.Asking, r *route) error {
	at, err := to.Index.Since(ctx, time.Time{})
	if err != nil {
		return err
	}
	published, err := at.Index.Versions(ctx, r.parcel.Name)
	if err != nil {
		return err
	}
	for _, remark := range versions.Remarks(r.parcel.Version, r.site.holds(), published, r.order.together) {
		if r.hasFinding(alsoFound[remark.What]) {
			continue
		}
		r.warn(results.RuleVersions, remark.What, remark.Subject, remark.Message, "version")
	}
	for _, d := range r.order.dependencies {
		if err := r.lookFor(ctx, d, at.Index); err != nil {
			return err
		}
	}
	return nil
}

// alsoFound are the findings of lint that say the same as a remark on the versions in the Helm
// repository, where it is known what the version was before.
var alsoFound = map[string]string{"goes-back": "version-bump/backwards", "jumps": "version-bump/jump"}

func (r *release) hasFinding(code string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return code != "" && slices.ContainsFunc(r.result.Findings, func(f results.Finding) bool { return f.Code == code })
}

// lookFor blocks a release that requires what is neither in this run nor in the
// target.
func (r *route) lookFor(ctx context.Context, d dependency, index target.Index) error {
	if slices.ContainsFunc(d.within, func(dep *release) bool { return dep.routes[r.at].takes() }) {
		return nil // blockOn sees to it
	}
	there, err := index.Versions(ctx, d.name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(v string) bool { return versions.Admit(d.constraint, v) }) {
		return nil
	}
	what := versions.Lacking(d.String(), d.constraint, r.site.holds(), there, r.run.declared[d.name])
	switch {
	case !d.required:
		r.warn(results.RuleDependencies, "optional-missing", d.String(), "it can use "+what, "externalDependencies")
	case r.run.AllowMissing:
		r.warn(results.RuleDependencies, "required-missing", d.String(), "it requires "+what, "externalDependencies")
	default:
		return &delivery.Ending{Outcome: results.Blocked, Reason: "it requires " + what + ": release that first, or go ahead with --allow-missing-dependencies"}
	}
	return nil
}

// warn adds a finding of the run itself, at a key of extension.yaml. subject is the other
// extension or version that it is about, if any. What the plan has found already, and the
// application finds again, takes the place of the one before: the message may say more now. What
// is found for two targets is said as it is for the first.
func (r *route) warn(rule, what, subject, message, key string) {
	d := diagnostic.Diagnostic{Code: rule + "/" + what, Severity: diagnostic.Warning, Message: message, File: extension.MetadataFile, Subject: subject}
	if r.parcel.Ext != nil && r.parcel.Ext.Document != nil {
		d.Range = diagnostic.At(r.parcel.Ext.Document.Place(key))
	}
	found := results.FindingOf(d, r.source.Display)
	r.change(func() { r.result.Findings = r.remarks.Add(r.result.Findings, found, r.at) })
}
