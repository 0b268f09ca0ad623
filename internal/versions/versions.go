// Package versions judges versions of extensions as KubeSphere does: which one a constraint
// takes, which is higher, and what somebody who releases one should know. It asks nobody.
package versions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Depth is how many versions of an extension KubeSphere keeps, highest first,
// pre-releases among them (spec.depth of its Repository, by default;
// pkg/constants/constants.go and pkg/controller/core/util.go of
// kubesphere/kubesphere).
const Depth = 3

// Beyond these a version is said to jump: 1.9.9 is followed by 2.0.0, or 1.10.0,
// and 0.9 by 1.0. Numbers of four digits and more are dates, of which any may be
// next.
const (
	majorStep = 1
	minorStep = 10
	dates     = 1000
)

// Admit says whether a constraint on an external dependency takes a version, as
// KubeSphere's console judges it: pre-releases are versions like others
// (includePrerelease), and no constraint takes any. One that cannot be read, which
// lint says, keeps nobody back.
func Admit(constraint, version string) bool {
	if constraint == "" {
		return true
	}
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return true
	}
	c.IncludePrerelease = true
	v, err := semver.NewVersion(version)
	return err == nil && c.Check(v)
}

// Compare orders versions by SemVer; what is none comes first, by text.
func Compare(a, b string) int {
	left, noLeft := semver.NewVersion(a)
	right, noRight := semver.NewVersion(b)
	switch {
	case noLeft == nil && noRight == nil:
		if order := left.Compare(right); order != 0 {
			return order
		}
	case noLeft == nil:
		return 1
	case noRight == nil:
		return -1
	}
	return strings.Compare(a, b)
}

// Lacking says that a dependency, with a constraint, is met by none of the versions in a place such
// as "the Helm repository" (there), and by none that is part of a run: what others are there, and
// declared.
func Lacking(dependency, constraint, place string, there, declared []string) string {
	admitted := func(v string) bool { return Admit(constraint, v) }
	what := dependency + ", which is neither in this run nor in " + place
	switch {
	case len(there) > 0:
		what = fmt.Sprintf("%s, but %s has only %s", dependency, place, someOf(there))
		if len(declared) > 0 {
			what += ", and declared here is " + someOf(declared)
		}
	case slices.ContainsFunc(declared, admitted):
		what += " (it is declared here, and not part of this run)"
	case len(declared) > 0:
		what = fmt.Sprintf("%s, but declared here is only %s, and %s has none", dependency, someOf(declared), place)
	}
	return what
}

// someOf names a few versions.
func someOf(versions []string) string {
	const few = 3
	if len(versions) > few {
		return strings.Join(versions[:few], ", ") + fmt.Sprintf(" and %d more", len(versions)-few)
	}
	return strings.Join(versions, ", ")
}

// Remark is something to know of a version.
type Remark struct {
	What    string // as in the code of its finding: goes-back, jumps, …
	Subject string // the other version that it is about, if any
	Message string
}

// Remarks are what somebody who releases a version should know: published are the
// other versions in a place such as "the Helm repository", together those that are released
// in the same run, lowest first.
func Remarks(version, place string, published, together []string) (remarks []Remark) {
	about := func(subject, what, format string, args ...any) {
		remarks = append(remarks, Remark{what, subject, fmt.Sprintf(format, args...)})
	}
	add := func(what, format string, args ...any) { about("", what, format, args...) }
	v, err := semver.NewVersion(version)
	if err != nil {
		return nil
	}
	before := versionsOf(published)
	for _, other := range versionsOf(together) {
		if other.LessThan(v) {
			before = append(before, other)
		}
	}
	slices.SortFunc(before, func(a, b *semver.Version) int { return b.Compare(a) })
	if len(before) > 0 {
		switch highest := before[0]; {
		case v.LessThan(highest) && !continues(v, before):
			add("goes-back", "%s goes back: %s is in %s already, and KubeSphere goes on to recommend the highest version", version, highest.Original(), place)
		case jumps(highest, v):
			add("jumps", "%s jumps: the highest version so far is %s; as long as %s is there, KubeSphere recommends no lower one", version, highest.Original(), version)
		}
	}
	for _, other := range []struct {
		where string
		texts []string
	}{{"in " + place, published}, {"part of this run", together}} {
		if same := spelledOtherwise(v, other.texts); same != "" {
			about(same, "spelled-twice", "%s is %s as %s, and both spellings mean one version: KubeSphere keeps both, as two of its %d highest, and may recommend either; Helm may install either", version, other.where, same, Depth)
		}
	}
	after := distinct(append(append(versionsOf(published), v), versionsOf(together)...))
	slices.SortStableFunc(after, func(a, b *semver.Version) int { return b.Compare(a) })
	kept := after[:min(Depth, len(after))]
	if last := kept[len(kept)-1]; v.LessThan(last) {
		add("not-shown", "KubeSphere will not show %s: it keeps the %d highest versions, which are %s (unless depth of its Repository is another)", version, Depth, originals(kept))
		return remarks
	}
	if v.Prerelease() == "" {
		return remarks
	}
	if after[0].Equal(v) {
		add("pre-release", "%s is a pre-release, and KubeSphere will recommend it to everybody: it takes the highest version, whatever its kind", version)
	}
	shown := slices.IndexFunc(before, isStable)
	if stable := slices.IndexFunc(after, isStable); shown >= 0 && shown < Depth && stable >= Depth {
		add("last-stable", "with %s, KubeSphere will no longer show %s, the highest version that is no pre-release: it keeps the %d highest versions, which are %s then", version, after[stable].Original(), Depth, originals(kept))
	}
	return remarks
}

// spelledOtherwise finds a version that is equal by SemVer and another text, as v10.4.1 is
// to 10.4.1. KubeSphere names its objects by the text (NAME-VERSION) and sorts by SemVer
// (createOrUpdateExtensionVersion and filterExtensionVersions of pkg/controller/core of
// kubesphere/kubesphere), so it has two objects in no order. One with a build, which is
// equal as well, is none that it takes (isValidExtensionVersion).
func spelledOtherwise(v *semver.Version, texts []string) string {
	for _, other := range versionsOf(texts) {
		if other.Equal(v) && other.Metadata() == "" && other.Original() != v.Original() {
			return other.Original()
		}
	}
	return ""
}

// distinct drops versions of the same text.
func distinct(versions []*semver.Version) (kept []*semver.Version) {
	seen := map[string]bool{}
	for _, v := range versions {
		if !seen[v.Original()] {
			seen[v.Original()] = true
			kept = append(kept, v)
		}
	}
	return kept
}

func isStable(v *semver.Version) bool { return v.Prerelease() == "" }

// continues says that a version is the next one of its own line MAJOR.MINOR, as
// 1.5.1 is after 1.5.0 although there is a 2.0.0.
func continues(v *semver.Version, before []*semver.Version) bool {
	inLine := func(other *semver.Version) bool { return other.Major() == v.Major() && other.Minor() == v.Minor() }
	at := slices.IndexFunc(before, inLine) // the highest of its line
	return at >= 0 && before[at].LessThan(v)
}

// Jumps says that a version leaves others out after another one, which is mostly a slip of the
// hand: 3.0.0 after 1.9.9. Of what cannot be read it says nothing.
func Jumps(from, to string) bool {
	before, wrong := semver.NewVersion(from)
	after, err := semver.NewVersion(to)
	return wrong == nil && err == nil && jumps(before, after)
}

// jumps says that a version leaves others out, which is mostly a slip of the hand.
func jumps(from, to *semver.Version) bool {
	if to.Major() != from.Major() {
		return from.Major() < dates && to.Major() > from.Major()+majorStep
	}
	return from.Minor() < dates && to.Minor() > from.Minor()+minorStep
}

func versionsOf(texts []string) (versions []*semver.Version) {
	for _, text := range texts {
		if v, err := semver.NewVersion(text); err == nil {
			versions = append(versions, v)
		}
	}
	return versions
}

func originals(versions []*semver.Version) string {
	var texts []string
	for _, v := range versions {
		texts = append(texts, v.Original())
	}
	return strings.Join(texts, ", ")
}
