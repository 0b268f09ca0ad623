// Package doctor is what `ksrelease doctor` does: it replays what a cluster makes of a whole
// Helm repository (package replay below), and checks what a release needs, by reads alone.
// The result is a value that prints as text and as JSON.
package doctor

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/doctor/replay"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Report is all that doctor found. The names of its fields in JSON are documented
// (docs/doctor.md), and stay.
type Report struct {
	SchemaVersion int          `json:"schema_version"` // 1
	Command       string       `json:"command"`        // doctor
	Tool          results.Tool `json:"tool"`
	Time          time.Time    `json:"time"`
	// Checks are empty where a repository was named that is nobody's project.
	Checks []checks.Check `json:"checks"`
	// Repository is null where it could not be asked for, or the project has none.
	Repository *Repository `json:"repository"`
	Totals     Totals      `json:"totals"`
}

// Totals count what is in a report.
type Totals struct {
	Failed      int `json:"failed"` // checks
	Errors      int `json:"errors"` // problems
	Warnings    int `json:"warnings"`
	Extensions  int `json:"extensions"`
	Entries     int `json:"entries"`
	Shown       int `json:"shown"` // versions
	NotLookedAt int `json:"not_looked_at"`
}

// Repository is what a cluster makes of the Helm repository.
type Repository struct {
	URL   string `json:"url"`
	Depth int    `json:"depth"` // 0: all
	// The versions of the cluster; empty where none was given, so that constraints on it are
	// not judged.
	KubeSphereVersion string `json:"kubesphere_version"`
	KubernetesVersion string `json:"kubernetes_version"`
	// Error is why the index could not be read at all.
	Error *Failure `json:"error,omitempty"`
	// Downloads and Bytes are how many packages were looked at, and their size.
	Downloads int   `json:"downloads"`
	Bytes     int64 `json:"bytes"`
	replay.Result
	// NotLookedAt are packages that matter and were not looked at.
	NotLookedAt []NotLookedAt `json:"not_looked_at"`
	// Warnings are on the repository as a whole, such as a cache that answered for it.
	Warnings []string `json:"warnings"`

	// assets are addresses of published icons and screenshots, by extension.
	assets map[string][]string
}

// Failure is an error with what can be done about it.
type Failure struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// NotLookedAt is a package that was not looked at.
type NotLookedAt struct {
	Extension string `json:"extension"`
	Version   string `json:"version"`
	Reason    string `json:"reason"`
}

// Count fills in the totals.
func (r *Report) Count() {
	r.Totals = Totals{}
	for _, c := range r.Checks {
		switch c.Status {
		case checks.Failed:
			r.Totals.Failed++
		case checks.Warning:
			r.Totals.Warnings++
		}
	}
	if r.Repository == nil {
		return
	}
	if r.Repository.Error != nil {
		r.Totals.Errors++
	}
	for _, p := range r.Repository.Problems {
		switch p.Severity {
		case diagnostic.Error:
			r.Totals.Errors++
		case diagnostic.Warning:
			r.Totals.Warnings++
		}
	}
	r.Totals.Warnings += len(r.Repository.Warnings)
	r.Totals.NotLookedAt = len(r.Repository.NotLookedAt)
	r.Totals.Extensions = len(r.Repository.Extensions)
	for _, x := range r.Repository.Extensions {
		r.Totals.Entries += len(x.Versions)
		r.Totals.Shown += len(x.Shown)
	}
}

// New is an empty report.
func New(tool results.Tool) *Report {
	return &Report{SchemaVersion: 1, Command: "doctor", Tool: tool, Time: time.Now().UTC().Truncate(time.Second), Checks: []checks.Check{}}
}

// Fail adds the checks that can be made where err keeps all others from being made. It is
// about the check of that name.
func (r *Report) Fail(ctx context.Context, checker *checks.Checker, name string, err error) {
	if name == checks.NameConfig {
		checker.Project.Err = err
		r.Checks = append(r.Checks, checker.Config())
		return
	}
	r.Checks = append(r.Checks, checker.Config(), checks.Check{Name: name, Status: checks.Failed, Message: err.Error(), Hint: failure.Hint(err)})
	r.Checks = append(r.Checks, checker.Offline(ctx)...)
}

// IsWrong says whether a check failed, or a cluster does not get all of the repository.
func (r *Report) IsWrong() bool { return r.Totals.Failed+r.Totals.Errors > 0 }

// Print prints the report, as text or as JSON, with what redact makes of its texts.
func (r *Report) Print(to *output.Stream, asJSON bool, redact func(string) string) {
	r.Count()
	r.Redact(redact)
	if asJSON {
		to.JSON(r, "  ")
		return
	}
	to.Print("%s", r.Text(to.Columns()))
}

// Run makes the checks, unless checker is nil, and replays what the cluster makes of the
// repository, unless source is nil. The error is that of ctx.
func (r *Report) Run(ctx context.Context, checker *checks.Checker, source Source, cluster Cluster) error {
	var (
		group  errgroup.Group
		online []checks.Check
		err    error
	)
	if checker != nil {
		group.Go(func() error {
			online = checker.Online(ctx)
			return nil
		})
	}
	if source != nil {
		r.Repository, err = Replay(ctx, source, cluster)
	}
	_ = group.Wait()
	if checker == nil {
		return err
	}
	if checker.Places.Local == "" && r.Repository != nil {
		at := slices.IndexFunc(online, func(c checks.Check) bool { return c.Name == checks.NameRepository }) + 1
		online = slices.Insert(online, at, checker.Assets(ctx, r.Repository.published(checker.Project.Names)))
	}
	r.Checks = append([]checks.Check{checker.Config()}, append(online, checker.Offline(ctx)...)...)
	return err
}

// published are addresses of pictures, those of the project's own extensions first.
func (r *Repository) published(names []string) (addresses []string) {
	for _, name := range names {
		addresses = append(addresses, r.assets[name]...)
	}
	if len(addresses) > 0 {
		return addresses
	}
	for _, x := range r.Extensions {
		addresses = append(addresses, r.assets[x.Name]...)
	}
	return addresses[:min(len(addresses), 1)]
}

// Redact takes secrets out of all texts that come from servers, files and the environment.
func (r *Report) Redact(text func(string) string) {
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Message, c.Hint = text(c.Message), text(c.Hint)
	}
	at := r.Repository
	if at == nil {
		return
	}
	at.URL = text(at.URL)
	if at.Error != nil {
		at.Error.Message, at.Error.Hint = text(at.Error.Message), text(at.Error.Hint)
	}
	for i := range at.Warnings {
		at.Warnings[i] = text(at.Warnings[i])
	}
	for i := range at.NotLookedAt {
		n := &at.NotLookedAt[i]
		n.Extension, n.Version, n.Reason = text(n.Extension), text(n.Version), text(n.Reason)
	}
	for i := range at.Extensions {
		x := &at.Extensions[i]
		x.Name, x.Recommended = text(x.Name), text(x.Recommended)
		for _, list := range [][]string{x.Shown, x.BeyondDepth} {
			for i := range list {
				list[i] = text(list[i])
			}
		}
		for i := range x.Versions {
			v := &x.Versions[i]
			v.Version, v.KubeVersion, v.KSVersion = text(v.Version), text(v.KubeVersion), text(v.KSVersion)
		}
	}
	for i := range at.Problems {
		p := &at.Problems[i]
		p.Hint = text(p.Hint)
		for i := range p.Entries {
			e := &p.Entries[i]
			e.Extension, e.Version, e.Detail = text(e.Extension), text(e.Version), text(e.Detail)
		}
	}
}
