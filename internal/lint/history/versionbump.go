package history

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// VersionBump is the rule version-bump.
func VersionBump() rule.Rule {
	return rule.Rule{
		Name:    "version-bump",
		Summary: "what changes gets a version of its own: the next one, and none that was there before",
		Why: "A version that users have installed and one that they install tomorrow are the same to KubeSphere: nobody is offered an " +
			"upgrade, and what was changed reaches those alone who install anew. A marketplace takes no version twice, so that a run ends as drift. In the public " +
			"history of KubeSphere's extensions most changes left the version as it was.\n\n" +
			"A version that goes back is never recommended, as long as a higher one is there; one that was there before with other content " +
			"is in caches and mirrors of registries; one that leaves numbers out is mostly a slip of the hand.\n\n" +
			"The rule is run where it is known what was before: with --since. Settings of ksrelease and line ends are no change.",
		Fix: "Give the extension its next version:\n\n" +
			"ksrelease bump NAME --patch",
		Source: "KubeSphere recommends the highest version that fits (pkg/controller/core/util.go of kubesphere/kubesphere); Semantic Versioning 2.0.0, item 3: " +
			"the contents of a version that was released must not be modified.",
		Codes: []rule.Code{
			{Name: "not-bumped", Meaning: "the content changed, and the version did not"},
			{Name: "backwards", Meaning: "the version is lower than before"},
			{Name: "jump", Meaning: "the version leaves numbers out"},
			{Name: "used-before", Meaning: "the extension had this version before, with other content"},
		},
		Default:  rule.Error,
		Compares: true,
		Run:      checkVersionBump,
	}
}

func checkVersionBump(pass *rule.Pass) {
	now, was := pass.Ext.Metadata.Version, pass.Earlier()
	v, err := semver.NewVersion(now)
	if err != nil {
		return // the rules schema and version say so
	}
	report := func(code string, severity rule.Severity, subject, message, hint string) {
		pass.ProblemAs(rule.Found(code, subject), severity, pass.Ext.Document.Problem(message, hint, "version"))
	}
	lesser := pass.ByDefault(rule.Warning)
	before, err := semver.NewVersion(was.Version)
	switch past, used := usedBefore(was, v); {
	case err == nil && before.Equal(v) && before.Metadata() == v.Metadata():
		if len(was.Differs) > 0 {
			report("not-bumped", pass.Severity(), now, fmt.Sprintf("the content changed since %s, and the version %s did not: %s", was.Of, now, some(was.Differs)), bump(pass))
		}
	case err == nil && v.LessThan(before):
		report("backwards", lesser, was.Version, fmt.Sprintf("the version goes back to %s: at %s it was %s", now, was.Of, excerpt.OneLine(was.Version)),
			"KubeSphere recommends the highest version that is there: take one above "+excerpt.OneLine(was.Version))
	case used:
		report("used-before", lesser, past.Where, fmt.Sprintf("the version %s was there before, with other content: %s", now, past.Where), bump(pass))
	case err == nil && !follows(append(append([]string{was.Version}, was.Between...), pastVersions(was)...), v):
		severity := pass.AtMost(rule.Info)
		if versions.Jumps(was.Version, now) || pass.IsConfigured() {
			severity = lesser
		}
		report("jump", severity, was.Version, fmt.Sprintf("the version jumps from %s at %s to %s", excerpt.OneLine(was.Version), was.Of, now),
			fmt.Sprintf("the next versions are %s", strings.Join(nextOf(before), ", ")))
	}
}

// usedBefore finds a version among those that the extension had before.
func usedBefore(was *rule.Earlier, v *semver.Version) (rule.Past, bool) {
	for _, past := range was.Before {
		if other, err := semver.NewVersion(past.Version); err == nil && other.Equal(v) {
			return past, true
		}
	}
	return rule.Past{}, false
}

func pastVersions(was *rule.Earlier) (all []string) {
	for _, past := range was.Before {
		all = append(all, past.Version)
	}
	return all
}

// follows says that a version is a next one of one of those before.
func follows(before []string, v *semver.Version) bool {
	for _, text := range before {
		if u, err := semver.NewVersion(text); err == nil && isNext(u, v) {
			return true
		}
	}
	return false
}

// isNext says that a version, or the one that a pre-release is for, is a next one of another.
// Numbers of four digits are dates, of which any may be next.
func isNext(u, v *semver.Version) bool {
	const dates = 1000
	next := func(before, after uint64) bool {
		return after == before+1 || after >= dates && after > before
	}
	switch {
	case v.Major() != u.Major():
		return next(u.Major(), v.Major()) && (v.Major() >= dates || v.Minor() == 0 && v.Patch() == 0)
	case v.Minor() != u.Minor():
		return next(u.Minor(), v.Minor()) && (v.Minor() >= dates || v.Major() >= dates || v.Patch() == 0)
	case v.Patch() != u.Patch():
		return next(u.Patch(), v.Patch()) || v.Major() >= dates
	}
	return true // a pre-release, and another one or the version that it is for
}

// nextOf are the versions that may follow.
func nextOf(u *semver.Version) []string {
	major, minor, patch := u.IncMajor(), u.IncMinor(), u.IncPatch()
	return []string{patch.String(), minor.String(), major.String()}
}

// bump is the command that gives the next version.
func bump(pass *rule.Pass) string {
	name := pass.Ext.Metadata.Name
	if naming.ValidName(name) != nil {
		name = "NAME"
	}
	return fmt.Sprintf("ksrelease bump %s --patch (or --minor, --major)", name)
}

// some names the first files, and says how many more there are.
func some(files []string) string {
	const shown = 3
	names := make([]string, 0, shown)
	for _, file := range files[:min(shown, len(files))] {
		names = append(names, excerpt.OneLine(file))
	}
	text := strings.Join(names, ", ")
	if more := len(files) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
