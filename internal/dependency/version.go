package dependency

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// newConstraint reads the version of a dependency; none is any but pre-releases.
func newConstraint(version string) (*semver.Constraints, error) {
	if strings.TrimSpace(version) == "" {
		version = "*"
	}
	return semver.NewConstraint(version)
}

// pick chooses a version of those that are there: the locked one, else one that
// is written just like the constraint, else the highest that satisfies it, as
// Helm does (IndexFile.Get of helm.sh/helm/v3/pkg/repo). Of versions that differ
// by their build alone it is the last by text: the order of an index must not
// matter.
func pick(w want, versions []string) (string, error) {
	if w.locked != "" {
		return pickLocked(w, versions)
	}
	if slices.Contains(versions, w.Version) {
		return w.Version, nil
	}
	if exact, ok := exactBuild(w.Version); ok {
		return pickExact(exact, versions)
	}
	constraint, err := newConstraint(w.Version)
	if err != nil {
		return "", err
	}
	var best *semver.Version
	for _, text := range versions {
		v, err := semver.NewVersion(text)
		if err != nil || !constraint.Check(v) {
			continue
		}
		if best == nil || v.GreaterThan(best) || v.Equal(best) && v.Original() > best.Original() {
			best = v
		}
	}
	if best == nil {
		return "", advised(fmt.Errorf("no version satisfies %q; there %s", w.Version, newest(versions)), "ask for a version that is there")
	}
	return best.Original(), nil
}

// exactBuild reads a version that names one build: 1.7.0+b, =1.7.0+b. A constraint
// passes over what is behind the +, so that Helm may bring and lock another build.
func exactBuild(version string) (*semver.Version, bool) {
	v, err := semver.NewVersion(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(version), "=")))
	return v, err == nil && v.Metadata() != ""
}

func pickExact(exact *semver.Version, versions []string) (string, error) {
	for _, text := range versions {
		if v, err := semver.NewVersion(text); err == nil && v.Equal(exact) && v.Metadata() == exact.Metadata() {
			return text, nil
		}
	}
	return "", advised(fmt.Errorf("the version %s is not there; there %s", exact.Original(), newest(versions)), "ask for a version that is there")
}

// newestOf is the highest of some versions.
func newestOf(versions []string) string {
	return slices.MaxFunc(versions, func(a, b string) int {
		left, err := semver.NewVersion(a)
		right, other := semver.NewVersion(b)
		if err != nil || other != nil {
			return strings.Compare(a, b)
		}
		return cmp.Or(left.Compare(right), strings.Compare(a, b))
	})
}

// pickLocked finds the version of Chart.lock, which Helm may have written with or
// without the v in front of it.
func pickLocked(w want, versions []string) (string, error) {
	if slices.Contains(versions, w.locked) {
		return w.locked, nil
	}
	locked, err := semver.NewVersion(w.locked)
	for _, text := range versions {
		if v, other := semver.NewVersion(text); err == nil && other == nil && v.Equal(locked) && v.Metadata() == locked.Metadata() {
			return text, nil
		}
	}
	return "", advised(fmt.Errorf("the version %s of Chart.lock is not there any more; there %s", w.locked, newest(versions)),
		"delete Chart.lock, and `ksrelease lint` shows the one to put in its place; or put the chart under charts/")
}

// newest says in a few words which versions there are.
func newest(versions []string) string {
	var parsed semver.Collection
	for _, text := range versions {
		if v, err := semver.NewVersion(text); err == nil {
			parsed = append(parsed, v)
		}
	}
	if len(parsed) == 0 {
		return "is none"
	}
	slices.SortFunc(parsed, func(a, b *semver.Version) int {
		if order := b.Compare(a); order != 0 {
			return order
		}
		return strings.Compare(b.Original(), a.Original())
	})
	const shown = 3
	var texts []string
	for _, v := range parsed[:min(shown, len(parsed))] {
		texts = append(texts, v.Original())
	}
	text := "is " + strings.Join(texts, ", ")
	if len(parsed) > shown {
		text += fmt.Sprintf(" and %d more", len(parsed)-shown)
	}
	return text
}
