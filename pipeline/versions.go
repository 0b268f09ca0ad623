package pipeline

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// The rules under which a plan says what is worth knowing of a version or of a
// dependency. Like RuleSize they are none of lint: they go by what is in the Helm
// repository.
const (
	RuleVersions     = "versions"
	RuleDependencies = "dependencies-there"
)

// RulesOfRuns are the rules that a run holds an extension to besides those of
// lint, each with what it asks for.
func RulesOfRuns() map[string]string {
	return map[string]string{
		RuleSize:         "the package is not near the limit of the marketplace",
		RuleVersions:     "the version follows those in the Helm repository, and KubeSphere will show it",
		RuleDependencies: "the extensions that this one depends on are in the Helm repository, or released before it",
	}
}

// depth is how many versions of an extension KubeSphere keeps, highest first,
// pre-releases among them (spec.depth of its Repository, by default;
// pkg/constants/constants.go and pkg/controller/core/util.go of
// kubesphere/kubesphere).
const depth = 3

// Beyond these a version is said to jump: 1.9.9 is followed by 2.0.0, or 1.10.0,
// and 0.9 by 1.0. Numbers of four digits and more are dates, of which any may be
// next.
const (
	majorStep = 1
	minorStep = 10
	dates     = 1000
)

// admits says whether a constraint on an external dependency takes a version, as
// KubeSphere's console judges it: pre-releases are versions like others
// (includePrerelease), and no constraint takes any. One that cannot be read, which
// lint says, keeps nobody back.
func admits(constraint, version string) bool {
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

// compareVersions orders versions by SemVer; what is none comes first, by text.
func compareVersions(a, b string) int {
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

// survey looks at what is in the Helm repository around a version that is going
// to be released: at the other versions of the extension, and at what it depends
// on.
func survey(ctx context.Context, at *reading, r *release) error {
	published, err := at.index.Versions(ctx, r.result.Name)
	if err != nil {
		return err
	}
	for _, remark := range remarks(r.result.Version, published, r.run.together(r)) {
		r.warn(RuleVersions, remark.what, remark.message, "version")
	}
	for _, d := range r.dependencies {
		if err := r.lookFor(ctx, d, at.index); err != nil {
			return err
		}
	}
	return nil
}

// together are the versions of the same extension that this run releases.
func (r *Run) together(rel *release) (versions []string) {
	for _, other := range r.releases {
		if other != rel && other.metadata != nil && other.result.Name == rel.result.Name {
			versions = append(versions, other.result.Version)
		}
	}
	return versions
}

// lookFor blocks a release that requires what is neither in this run nor in the
// Helm repository.
func (r *release) lookFor(ctx context.Context, d dependency, index Index) error {
	if len(d.within) > 0 {
		return nil // blockOn sees to it
	}
	there, err := index.Versions(ctx, d.name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(v string) bool { return admits(d.constraint, v) }) {
		return nil
	}
	what := fmt.Sprintf("%s, which is neither in this run nor in the Helm repository", d)
	declared := r.run.declared[d.name]
	switch {
	case len(there) > 0:
		what = fmt.Sprintf("%s, but the Helm repository has only %s", d, someOf(there))
		if len(declared) > 0 {
			what += ", and declared here is " + someOf(declared)
		}
	case slices.ContainsFunc(declared, func(v string) bool { return admits(d.constraint, v) }):
		what += " (it is declared here, and not part of this run)"
	case len(declared) > 0:
		what = fmt.Sprintf("%s, but declared here is only %s, and the Helm repository has none", d, someOf(declared))
	}
	switch {
	case !d.required:
		r.warn(RuleDependencies, "optional-missing", "it can use "+what, "externalDependencies")
	case r.run.AllowMissing:
		r.warn(RuleDependencies, "required-missing", "it requires "+what, "externalDependencies")
	default:
		return &ended{outcome: Blocked, reason: "it requires " + what + ": release that first, or go ahead with --allow-missing-dependencies"}
	}
	return nil
}

// someOf names a few versions.
func someOf(versions []string) string {
	const few = 3
	if len(versions) > few {
		return strings.Join(versions[:few], ", ") + fmt.Sprintf(" and %d more", len(versions)-few)
	}
	return strings.Join(versions, ", ")
}

// remark is something to know of a version: what, as in the code of its finding, and
// in words.
type remark struct{ what, message string }

// remarks are what somebody who releases a version should know: published are the
// other versions in the Helm repository, together those that are released in the
// same run, lowest first.
func remarks(version string, published, together []string) (remarks []remark) {
	add := func(what, format string, args ...any) {
		remarks = append(remarks, remark{what, fmt.Sprintf(format, args...)})
	}
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
			add("goes-back", "%s goes back: %s is in the Helm repository already, and KubeSphere goes on to recommend the highest version", version, highest.Original())
		case jumps(highest, v):
			add("jumps", "%s jumps: the highest version so far is %s; as long as %s is there, KubeSphere recommends no lower one", version, highest.Original(), version)
		}
	}
	for _, other := range []struct {
		where string
		texts []string
	}{{"in the Helm repository", published}, {"part of this run", together}} {
		if same := spelledOtherwise(v, other.texts); same != "" {
			add("spelled-twice", "%s is %s as %s, and both spellings mean one version: KubeSphere keeps both, as two of its %d highest, and may recommend either; Helm may install either", version, other.where, same, depth)
		}
	}
	after := distinct(append(append(versionsOf(published), v), versionsOf(together)...))
	slices.SortStableFunc(after, func(a, b *semver.Version) int { return b.Compare(a) })
	kept := after[:min(depth, len(after))]
	if last := kept[len(kept)-1]; v.LessThan(last) {
		add("not-shown", "KubeSphere will not show %s: it keeps the %d highest versions, which are %s (unless depth of its Repository is another)", version, depth, originals(kept))
		return remarks
	}
	if v.Prerelease() == "" {
		return remarks
	}
	if after[0].Equal(v) {
		add("pre-release", "%s is a pre-release, and KubeSphere will recommend it to everybody: it takes the highest version, whatever its kind", version)
	}
	shown := slices.IndexFunc(before, isStable)
	if stable := slices.IndexFunc(after, isStable); shown >= 0 && shown < depth && stable >= depth {
		add("last-stable", "with %s, KubeSphere will no longer show %s, the highest version that is no pre-release: it keeps the %d highest versions, which are %s then", version, after[stable].Original(), depth, originals(kept))
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

// warn adds a finding of the run itself, at a key of extension.yaml, once.
func (r *release) warn(rule, what, message, key string) {
	if slices.ContainsFunc(r.result.Findings, func(f FindingResult) bool { return f.Rule == rule && f.Message == message }) {
		return
	}
	f := FindingResult{Code: rule + "/" + what, Rule: rule, Severity: string(lint.Warning), Message: message, File: path.Join(r.source.Display, extension.MetadataFile)}
	if r.ext != nil && r.ext.Document != nil {
		f.Line, f.Column = r.ext.Document.Place(key)
	}
	// A slice of its own: events hold the one before.
	r.result.Findings = append(slices.Clone(r.result.Findings), f)
}
