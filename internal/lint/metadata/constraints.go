package metadata

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Constraints is the rule constraints.
func Constraints() rule.Rule {
	return rule.Rule{
		Name:    "constraints",
		Summary: "kubeVersion, ksVersion and the versions of externalDependencies are constraints that all readers take, and that some version satisfies, pre-releases among them",
		Why: "A constraint that cannot be read counts as one that nothing satisfies: KubeSphere recommends the version to no " +
			"cluster, and Helm refuses to install a chart whose `kubeVersion` it cannot read.\n\n" +
			"KubeSphere reads `kubeVersion` and `ksVersion` twice, with two libraries: its controllers with Masterminds/semver, to recommend a version, " +
			"and its console with node-semver, to allow an installation. A comma, `!=`, `=>`, `=<`, a pre-release behind two numbers (`>=1.19-0`) and " +
			"leading zeros are for the former alone: the console then lets nobody install the version. Blanks between comparisons suit both, and so do " +
			"`||`, `^`, `~`, `x` and `*`, and a range such as `1.19 - 1.32` that stands by itself. The versions of externalDependencies are read by the " +
			"console (and by ksctl) alone; one that it cannot read is never satisfied, and where it is required, nothing can be installed.\n\n" +
			"A constraint on Kubernetes or KubeSphere without a pre-release in it shuts out all pre-releases. By SemVer those are not only `v1.28.0-rc.1`, " +
			"but also the versions of many vendors, such as `v1.27.3-gke.100`: on such a cluster `>=1.19.0` fails, and `>=1.19.0-0`, " +
			"which begins before all pre-releases of 1.19.0, holds. Before release 3.4 of the library that reads constraints " +
			"each part needs it, so write `>=1.19.0-0 <1.32.0-0`.",
		Fix: "Write comparisons with a blank, and no comma, between those that have to hold together, `||` between alternatives, and -0 behind each version:\n\n" +
			"kubeVersion: \">=1.22.0-0 <1.32.0-0\"\nksVersion: \">=4.1.0-0\"",
		Source: "KubeSphere 4 (`matchVersionConstraints` of pkg/controller/core) and Helm 3 (`chartutil.IsCompatibleRange`), which both read constraints " +
			"with Masterminds/semver/v3; its changelog on 3.4.0, of June 2025, after KubeSphere 4.1. KubeSphere's console of 2025-06 " +
			"(https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/Management/utils/version.ts), and the grammar " +
			"of node-semver 7 (https://github.com/npm/node-semver).",
		Codes: []rule.Code{
			{Name: "unreadable", Meaning: "a constraint cannot be read"},
			{Name: "not-for-console", Meaning: "KubeSphere's console cannot read a constraint that its controllers read"},
			{Name: "unsatisfiable", Meaning: "no version satisfies a constraint"},
			{Name: "no-pre-releases", Meaning: "a constraint shuts out pre-releases"},
		},
		Default: rule.Error,
		Run:     checkConstraints,
	}
}

func checkConstraints(pass *rule.Pass) {
	for _, c := range constraints(pass) {
		checkConstraint(pass, c)
	}
}

// versionConstraint is a constraint on versions in extension.yaml.
type versionConstraint struct {
	Name    string // as a message calls it
	Text    string
	Example string // pre-releases that users have; empty where to shut them out is fine
	Pointer []string
	// Console is what KubeSphere's console does where it cannot read the constraint.
	Console string
	// Optional is set where it keeps nobody from installing the extension then.
	Optional bool
}

// constraints are the constraints of extension.yaml that are there and are text;
// the schema reports others.
func constraints(pass *rule.Pass) []versionConstraint {
	kube, _ := pass.Field("kubeVersion").(string)
	ks, _ := pass.Field("ksVersion").(string)
	const offersNone = "lets nobody install this version"
	list := []versionConstraint{
		{Name: "kubeVersion", Text: kube, Example: "v1.28.0-rc.1 and v1.27.3-gke.100", Pointer: []string{"kubeVersion"}, Console: offersNone},
		{Name: "ksVersion", Text: ks, Example: "v4.1.3-rc.1", Pointer: []string{"ksVersion"}, Console: offersNone},
	}
	for _, dependency := range pass.Entries("externalDependencies") {
		// Pre-releases of another extension are its author's trials, not what
		// users' clusters are made of: no example.
		required, _ := dependency.Fields["required"].(bool)
		c := versionConstraint{
			Name: "version", Text: dependency.Text("version"), Pointer: dependency.At("version"),
			Console: "installs nothing, as no version of what is required satisfies it",
		}
		if !required {
			c.Console, c.Optional = "says that no version satisfies it", true
		}
		list = append(list, c)
	}
	return list
}

func checkConstraint(pass *rule.Pass, c versionConstraint) {
	if c.Text == "" {
		return
	}
	parsed, err := semver.NewConstraint(c.Text)
	if err != nil {
		message, hint := unreadableConstraint(c, err)
		subject := []string{c.Name, c.Text}
		if errors.Is(err, semver.ErrConstraintTooLong) || errors.Is(err, semver.ErrTooManyConstraintGroups) {
			subject = subject[:1]
		}
		pass.Problem(rule.Found("unreadable", subject...), pass.Ext.Document.Problem(message, hint, c.Pointer...))
		return
	}
	parts := partsOf(parsed)
	if part := kubesphere.NotForConsole(c.Text); part != "" {
		notForConsole(pass, c, part, parsed)
		return
	}
	if parts.unsatisfiable(parsed) {
		pass.ProblemAs(rule.Found("unsatisfiable", c.Name, c.Text), pass.ByDefault(rule.Warning), pass.Ext.Document.Problem(
			fmt.Sprintf("no version satisfies %s %q", c.Name, excerpt.OneLine(c.Text)),
			"correct the bounds: comparisons with a blank between them have to hold together, || stands between alternatives", c.Pointer...))
		return
	}
	if c.Example == "" || parts.admitPreReleases() {
		return
	}
	hint := `add -0 to each version in it, as in ">=1.22.0-0 <1.32.0-0"`
	if better, ok := parts.withPreReleases(parsed); ok {
		hint = fmt.Sprintf("write it as %q", better)
	}
	pass.ProblemAs(rule.Found("no-pre-releases", c.Name, c.Text), pass.AtMost(rule.Info), pass.Ext.Document.Problem(
		fmt.Sprintf("%s %q shuts out pre-releases, and by SemVer that is what versions such as %s are", c.Name, excerpt.OneLine(c.Text), c.Example),
		hint, c.Pointer...))
}

// notForConsole reports a constraint that the controllers read and the console does not.
func notForConsole(pass *rule.Pass, c versionConstraint, part string, parsed *semver.Constraints) {
	severity := pass.Severity()
	if c.Optional {
		severity = pass.ByDefault(rule.Warning)
	}
	shown := ""
	switch part {
	case ",":
		shown = ", for the comma in it"
	case c.Text:
	default:
		shown = fmt.Sprintf(", for %q in it", excerpt.OneLine(part))
	}
	hint := "put a blank between comparisons that have to hold together, || between alternatives, and write versions as 1.22.0-0"
	if better, ok := forConsole(parsed); ok {
		hint = fmt.Sprintf("write it as %q", better)
	}
	pass.ProblemAs(rule.Found("not-for-console", c.Name, c.Text), severity, pass.Ext.Document.Problem(
		fmt.Sprintf("KubeSphere's console cannot read %s %q%s: it %s", c.Name, excerpt.OneLine(c.Text), shown, c.Console), hint, c.Pointer...))
}

// forConsole writes a constraint so that the console reads it, too, and reports whether it
// still admits the same.
func forConsole(original *semver.Constraints) (string, bool) {
	parts := partsOf(original)
	if parts.count() > maxComparisons {
		return "", false
	}
	var alternatives constraintParts
	for _, group := range parts {
		expanded := constraintParts{nil}
		for _, part := range group {
			part = part.plain()
			choices := []constraintPart{part}
			if part.Operator == "!=" {
				choices = []constraintPart{{"<", part.Version}, {">", part.Version}}
			}
			var longer constraintParts
			for _, begun := range expanded {
				for _, choice := range choices {
					longer = append(longer, append(slices.Clone(begun), choice))
				}
			}
			if expanded = longer; len(expanded) > 4 {
				return "", false // nobody would write that
			}
		}
		alternatives = append(alternatives, expanded...)
	}
	text := alternatives.text()
	better, err := semver.NewConstraint(text)
	if err != nil || kubesphere.NotForConsole(text) != "" {
		return "", false
	}
	for _, version := range append(parts.samples(), alternatives.samples()...) {
		if original.Check(version) != better.Check(version) {
			return "", false
		}
	}
	return text, true
}

// minimum is what people write who mean "this version or later": 1.19+.
var minimum = lazyregexp.New(`^\s*v?(\d+(?:\.\d+){0,2})\s*\+\s*$`)

func unreadableConstraint(c versionConstraint, err error) (message, hint string) {
	switch {
	case errors.Is(err, semver.ErrConstraintTooLong):
		return fmt.Sprintf("%s has %d characters, and constraints on versions are read up to %d", c.Name, len(c.Text), semver.MaxConstraintLen), "shorten it"
	case errors.Is(err, semver.ErrTooManyConstraintGroups):
		return fmt.Sprintf("%s has more than %d alternatives, and no more are read", c.Name, semver.MaxConstraintGroups), "shorten it"
	}
	message = fmt.Sprintf("%s %q is not a constraint on versions", c.Name, excerpt.OneLine(c.Text))
	if m := minimum.FindStringSubmatch(c.Text); m != nil {
		part := constraintPart{Operator: ">=", Version: m[1]}
		return message, fmt.Sprintf("did you mean %q?", part.withPreRelease().text())
	}
	return message, `write it as ">=1.19.0-0" or ">=1.22.0-0 <1.32.0-0"`
}

// constraintParts are the comparisons of a constraint: alternatives, and in each
// of them those that have to hold together.
type constraintParts [][]constraintPart

// constraintPart is one comparison, such as >=1.19.0-0.
type constraintPart struct{ Operator, Version string }

func (p constraintPart) text() string { return p.Operator + p.Version }

// text is the constraint as people write it.
func (parts constraintParts) text() string {
	var groups []string
	for _, group := range parts {
		var texts []string
		for _, part := range group {
			texts = append(texts, part.text())
		}
		groups = append(groups, strings.Join(texts, " "))
	}
	return strings.Join(groups, " || ")
}

var comparison = lazyregexp.New(`^([^0-9xXv*]*)v?(.*)$`)

// partsOf takes a constraint apart, as its own text form has it: ranges such as
// 1.2 - 1.4 are two comparisons there.
func partsOf(constraint *semver.Constraints) constraintParts {
	var parts constraintParts
	for group := range strings.SplitSeq(constraint.String(), " || ") {
		var list []constraintPart
		for _, text := range strings.Fields(group) {
			m := comparison.FindStringSubmatch(text)
			list = append(list, constraintPart{Operator: m[1], Version: m[2]})
		}
		parts = append(parts, list)
	}
	return parts
}

// admitPreReleases reports whether there is an alternative with a pre-release in
// each of its comparisons.
func (parts constraintParts) admitPreReleases() bool {
	for _, group := range parts {
		all := len(group) > 0
		for _, part := range group {
			all = all && strings.Contains(part.Version, "-")
		}
		if all {
			return true
		}
	}
	return false
}

// versionNumber is a version of one, two or three numbers.
var versionNumber = lazyregexp.New(`^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$`)

// withPreRelease adds a -0 to the version.
func (p constraintPart) withPreRelease() constraintPart {
	m := versionNumber.FindStringSubmatch(p.Version)
	if m == nil || m[4] != "" {
		return p
	}
	for i := 2; i <= 3; i++ {
		if m[i] == "" {
			m[i] = "0"
		}
	}
	p.Version = fmt.Sprintf("%s.%s.%s-0", m[1], m[2], m[3])
	return p
}

// plain writes a comparison as node-semver takes it, too: >= for =>, and a version without
// leading zeros, of three numbers where a pre-release stands behind them.
func (p constraintPart) plain() constraintPart {
	switch p.Operator {
	case "=>":
		p.Operator = ">="
	case "=<":
		p.Operator = "<="
	}
	m := versionNumber.FindStringSubmatch(p.Version)
	if m == nil {
		return p
	}
	version := strconv.FormatUint(versionPart(m[1]), 10)
	for _, part := range m[2:4] {
		if part != "" || m[4] != "" {
			version += "." + strconv.FormatUint(versionPart(part), 10)
		}
	}
	if m[4] != "" {
		version += "-" + m[4]
	}
	p.Version = version
	return p
}

// withPreReleases writes the constraint so that it admits pre-releases, and
// reports whether that means the same for releases: >1.2.0-0 would admit 1.2.0.
func (parts constraintParts) withPreReleases(original *semver.Constraints) (string, bool) {
	if parts.count() > maxComparisons {
		return "", false
	}
	var changed constraintParts
	for _, group := range parts {
		var list []constraintPart
		for _, part := range group {
			list = append(list, part.withPreRelease())
		}
		changed = append(changed, list)
	}
	text := changed.text()
	better, err := semver.NewConstraint(text)
	if err != nil || !partsOf(better).admitPreReleases() {
		return "", false
	}
	for _, version := range parts.samples() {
		if version.Prerelease() == "" && original.Check(version) != better.Check(version) {
			return "", false
		}
	}
	return text, true
}

// maxComparisons bounds the constraints that are looked into: nobody writes
// longer ones, and the cost grows with the cube.
const maxComparisons = 16

func (parts constraintParts) count() int {
	n := 0
	for _, group := range parts {
		n += len(group)
	}
	return n
}

// unsatisfiable reports whether no version satisfies the constraint.
func (parts constraintParts) unsatisfiable(constraint *semver.Constraints) bool {
	if parts.count() > maxComparisons {
		return false
	}
	for _, version := range parts.samples() {
		if constraint.Check(version) {
			return false
		}
	}
	return true
}

// samples are the versions that show what a constraint admits: where it admits
// any, it admits one of these. Every comparison begins or ends at the version
// that it names, or at the next minor or major one; so the first versions behind
// those, as many as != can take out, are enough.
func (parts constraintParts) samples() []*semver.Version {
	list := []*semver.Version{semver.New(0, 0, 0, "", ""), semver.New(1, 0, 0, "", "")}
	steps := uint64(parts.count() + 1)
	for _, group := range parts {
		for _, part := range group {
			m := versionNumber.FindStringSubmatch(wildcard.ReplaceAllString(part.Version, ""))
			if m == nil {
				continue
			}
			major, minor, patch := versionPart(m[1]), versionPart(m[2]), versionPart(m[3])
			for step := range steps {
				list = append(list, semver.New(major, minor, patch+step, "", ""),
					semver.New(major, minor+step, 0, "", ""), semver.New(major+step, 0, 0, "", ""))
			}
			if m[4] != "" {
				list = append(list, semver.New(major, minor, patch, m[4], ""), semver.New(major, minor, patch, m[4]+".0", ""))
			}
		}
	}
	return list
}

// wildcard is the end of a version that stands for all: 1.x, 1.2.*.
var wildcard = lazyregexp.New(`(?:^|\.)[xX*](?:\.[xX*0-9]+)*`)

func versionPart(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 32)
	return n
}
