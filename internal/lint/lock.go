package lint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func lockRule() Rule {
	return Rule{
		Name:    "dependency-lock",
		Summary: "the versions of dependencies from other places are the same on any day",
		Why: "Without a Chart.lock, the highest version that satisfies the constraint goes into the package: on another day " +
			"that may be another one, untried, and a version that is released already shows as drift.",
		Fix: "Put the Chart.lock that the finding shows next to extension.yaml, or write an exact version; a chart under charts/ " +
			"needs neither.",
		Source: "`helm dependency build`: Chart.lock names the versions, and its digest says for which dependencies " +
			"(internal/resolver and pkg/downloader of Helm 3).",
		Codes: []Code{
			{"replaced", "a chart is not packed, for another has taken its place"},
			{"unreadable", "Chart.lock cannot be read"},
			{"out-of-sync", "Chart.lock was made for other dependencies"},
			{"not-locked", "the version of a dependency may be another one on another day"},
			{"other-version", "a chart is there in another version than the locked one"},
		},
		Default:    Warning,
		needsChart: true,
		check:      checkLock,
	}
}

func checkLock(pass *subject) {
	for _, f := range pass.ext.Replaced {
		pass.tell(coded("replaced"), pass.severity(), Finding{
			File:    pass.path(f),
			Message: fmt.Sprintf("%s is not packed: no dependency asks for its version, and another has taken its place", f),
			Hint:    "remove the file, or ask for its version in extension.yaml",
		})
	}
	lock, err := pass.ext.Lock()
	switch {
	case err != nil:
		badLock(pass, err)
	case lock == nil:
		unlocked(pass)
	case !pass.ext.LockInSync(lock):
		pass.tell(coded("out-of-sync"), pass.severity(), Finding{
			File:    pass.path(extension.LockFile),
			Message: "Chart.lock is out of sync with the dependencies in extension.yaml: it was made for others, and has no effect",
			Hint:    proposal(pass, "put this in its place", "delete it, as long as all dependencies are under charts/"),
		})
	default:
		otherVersions(pass, lock)
	}
}

func badLock(pass *subject, err error) {
	var problems yamldoc.Problems
	if !errors.As(err, &problems) {
		problems = yamldoc.Problems{{File: pass.path(extension.LockFile), Message: err.Error()}}
	}
	for _, p := range problems {
		pass.problem(coded("unreadable", p.About), p)
	}
}

// unlocked tells the dependencies whose version only this day decided on.
func unlocked(pass *subject) {
	hint := ""
	for _, r := range pass.ext.Resolved {
		d := pass.ext.Metadata.Dependencies[r.Dependency]
		if _, err := semver.StrictNewVersion(strings.TrimPrefix(d.Version, "v")); err == nil || strings.HasPrefix(d.Repository, "file:") {
			continue // it says itself which one
		}
		if _, err := semver.NewVersion(d.Version); err == nil && strings.HasPrefix(d.Repository, "oci:") {
			continue // that is the name of one tag
		}
		if hint == "" {
			hint = proposal(pass, "to keep it, put this next to extension.yaml as Chart.lock", "write the exact version")
		}
		asked := "any version"
		if d.Version != "" {
			asked = d.Version
		}
		pass.problem(coded("not-locked", r.Name), pass.ext.Document.Problem(
			fmt.Sprintf("the version of the dependency %q is not locked: %s is the highest for %s today", r.Name, r.Version, asked),
			hint, "dependencies", strconv.Itoa(r.Dependency), "version"))
		hint = "the Chart.lock above is for all dependencies"
	}
}

// proposal is a hint with the lock to write, or another where there is none.
func proposal(pass *subject, lead, otherwise string) string {
	text, ok := pass.ext.ProposedLock()
	if !ok {
		return otherwise
	}
	return lead + ":\n" + strings.TrimRight(text, "\n")
}

// otherVersions tells charts in the tree of another version than the locked one.
func otherVersions(pass *subject, lock *chart.Lock) {
	present := pass.ext.Subcharts()
	for i, d := range pass.ext.Metadata.Dependencies {
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
			pass.tell(coded("other-version", d.Name), pass.severity(), Finding{
				File:    pass.path(found),
				Message: fmt.Sprintf("the chart of the dependency %q is there, but not in version %s of Chart.lock", d.Name, locked),
				Hint:    "run `helm dependency build`, or make Chart.lock anew",
			})
		}
	}
}
