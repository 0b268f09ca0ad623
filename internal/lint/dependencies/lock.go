package dependencies

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Lock is the rule dependency-lock.
func Lock() rule.Rule {
	return rule.Rule{
		Name:    "dependency-lock",
		Summary: "the versions of dependencies from other places are the same on any day",
		Why: "Without a Chart.lock, the highest version that satisfies the constraint goes into the package: on another day " +
			"that may be another one, untried, and a version that is released already shows as drift.",
		Fix: "Put the Chart.lock that the finding shows next to extension.yaml, or write an exact version; a chart under charts/ " +
			"needs neither.",
		Source: "`helm dependency build`: Chart.lock names the versions, and its digest says for which dependencies " +
			"(internal/resolver and pkg/downloader of Helm 3).",
		Codes: []rule.Code{
			{Name: "replaced", Meaning: "a chart is not packed, for another has taken its place"},
			{Name: "unreadable", Meaning: "Chart.lock cannot be read"},
			{Name: "out-of-sync", Meaning: "Chart.lock was made for other dependencies"},
			{Name: "not-locked", Meaning: "the version of a dependency may be another one on another day"},
			{Name: "other-version", Meaning: "a chart is there in another version than the locked one"},
		},
		Default: rule.Warning,
		Needs:   rule.Dependencies,
		Run:     checkLock,
	}
}

func checkLock(pass *rule.Pass) {
	for _, f := range pass.Ext.Replaced {
		pass.Report(rule.Found("replaced"), pass.Severity(), rule.Finding{
			File:    f,
			Message: fmt.Sprintf("%s is not packed: no dependency asks for its version, and another has taken its place", f),
			Hint:    "remove the file, or ask for its version in extension.yaml",
		})
	}
	lock, err := pass.Ext.Lock()
	switch {
	case err != nil:
		badLock(pass, err)
	case lock == nil:
		unlocked(pass)
	case !pass.Ext.LockInSync(lock):
		pass.Report(rule.Found("out-of-sync"), pass.Severity(), rule.Finding{
			File:    extension.LockFile,
			Message: "Chart.lock is out of sync with the dependencies in extension.yaml: it was made for others, and has no effect",
			Hint:    proposal(pass, "put this in its place:", "delete it, as long as all dependencies are under charts/"),
		})
	default:
		otherVersions(pass, lock)
	}
}

func badLock(pass *rule.Pass, err error) {
	var problems diagnostic.List
	if !errors.As(err, &problems) {
		problems = diagnostic.List{{File: extension.LockFile, Message: err.Error()}}
	}
	for _, p := range problems {
		pass.Problem(rule.Found("unreadable", p.Subject), p)
	}
}

// unlocked reports the dependencies whose version only this day decided on.
func unlocked(pass *rule.Pass) {
	hint := ""
	for _, r := range pass.Ext.Resolved {
		d := pass.Ext.Metadata.Dependencies[r.Dependency]
		if _, err := semver.StrictNewVersion(strings.TrimPrefix(d.Version, "v")); err == nil || strings.HasPrefix(d.Repository, "file:") {
			continue // it says itself which one
		}
		if _, err := semver.NewVersion(d.Version); err == nil && strings.HasPrefix(d.Repository, "oci:") {
			continue // that is the name of one tag
		}
		if hint == "" {
			hint = proposal(pass, "to keep it, put this next to extension.yaml as Chart.lock:", "write the exact version")
		}
		asked := "any version"
		if d.Version != "" {
			asked = d.Version
		}
		pass.Problem(rule.Found("not-locked", r.Name), pass.Ext.Document.Problem(
			fmt.Sprintf("the version of the dependency %q is not locked: %s is the highest for %s today", r.Name, r.Version, asked),
			hint, "dependencies", strconv.Itoa(r.Dependency), "version"))
		hint = "the Chart.lock above is for all dependencies"
	}
}

// proposal is a hint with the lock to write, or another where there is none.
func proposal(pass *rule.Pass, lead, otherwise string) string {
	text, ok := pass.Ext.ProposedLock()
	if !ok {
		return otherwise
	}
	return lead + "\n" + strings.TrimRight(text, "\n")
}

// otherVersions reports charts in the tree of another version than the locked one.
func otherVersions(pass *rule.Pass, lock *chart.Lock) {
	present := pass.Ext.Subcharts()
	for i, d := range pass.Ext.Metadata.Dependencies {
		locked := lock.Dependencies[i].Version
		if d.Repository == "" {
			continue // Helm writes the constraint there, and no version
		}
		var found string
		for _, c := range present {
			if c.Name == d.Name {
				found = c.Path
			}
			if c.Name == d.Name && strings.TrimPrefix(c.Version, "v") == strings.TrimPrefix(locked, "v") {
				found = ""
				break
			}
		}
		if found != "" {
			pass.Report(rule.Found("other-version", d.Name), pass.Severity(), rule.Finding{
				File:    found,
				Message: fmt.Sprintf("the chart of the dependency %q is there, but not in version %s of Chart.lock", d.Name, locked),
				Hint:    "run `helm dependency build`, or make Chart.lock anew",
			})
		}
	}
}
