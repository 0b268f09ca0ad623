package bump

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Admitting is a constraint that admits a version: the one given where that does, and else one
// that differs from it as little as can be and has its form (^, ~, >=, an exact version, 1.x, a
// range). Pre-releases count as Masterminds/semver and ksctl judge them, which admit them only
// where the constraint names one; KubeSphere's console admits them anyway.
//
// Where a constraint has alternatives (||), another one is added. The error is that of a
// constraint that cannot be read, or that excludes the version by name.
func Admitting(constraint, version string) (string, error) {
	v, err := semver.NewVersion(version)
	if err != nil {
		return "", fmt.Errorf("the version %q cannot be read", version)
	}
	if strings.TrimSpace(constraint) == "" {
		return constraint, nil
	}
	admits := func(text string) bool {
		c, err := semver.NewConstraint(text)
		return err == nil && c.Check(v)
	}
	if _, err := semver.NewConstraint(constraint); err != nil {
		return "", failure.WithHint(fmt.Errorf("the constraint %q cannot be read", constraint), "write one such as %q", ">="+version)
	}
	if admits(constraint) {
		return constraint, nil
	}
	for _, changed := range candidates(constraint, v) {
		if admits(changed) {
			return changed, nil
		}
	}
	return "", failure.WithHint(errors.New("the constraint "+strconv.Quote(constraint)+" cannot be changed in its form so that it admits "+version), "write one by hand")
}

// comparator is one part of a constraint: an operator, and a version of which numbers may be
// missing, or be an x.
var comparator = lazyregexp.New(`(!=|>=|=>|<=|=<|~>|[=<>~^])?(\s*)(v?)([0-9]+|[xX*])((?:\.(?:[0-9]+|[xX*])){0,2})((?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)`)

// hyphen is a range of two versions, both of which it admits.
var hyphen = lazyregexp.New(`^(\s*)(\S+)(\s+-\s+)(\S+)(\s*)$`)

// candidates are constraints that may admit a version, the one that differs least first.
func candidates(constraint string, v *semver.Version) (all []string) {
	pre := v.Prerelease() != ""
	if pre {
		// The versions are right, and no pre-release is named.
		all = append(all, comparator.ReplaceAllStringFunc(constraint, admittingPre))
	}
	before, last := "", constraint
	if i := strings.LastIndex(constraint, "||"); i >= 0 {
		before, last = constraint+" ||", strings.TrimRight(constraint[i+len("||"):], " ")
		if before += " "; strings.HasPrefix(last, " ") {
			last = strings.TrimLeft(last, " ")
		}
	}
	changed := ""
	if m := hyphen.FindStringSubmatch(last); m != nil {
		changed = m[1] + m[2] + m[3] + v.String() + m[5]
		if low, err := semver.NewVersion(m[2]); err == nil && v.LessThan(low) {
			changed = m[1] + v.String() + m[3] + m[4] + m[5]
		}
	} else {
		changed = comparator.ReplaceAllStringFunc(last, func(part string) string { return admittingPart(part, v) })
	}
	all = append(all, before+changed)
	if pre {
		all = append(all, before+comparator.ReplaceAllStringFunc(changed, admittingPre))
		named := comparator.ReplaceAllStringFunc(last, admittingPre)
		all = append(all, before+comparator.ReplaceAllStringFunc(named, func(part string) string { return admittingPart(part, v) }))
	}
	return all
}

// admittingPre adds the lowest pre-release to a part of a constraint, so that all are admitted.
func admittingPre(part string) string {
	m := comparator.FindStringSubmatch(part)
	if m[6] != "" || m[1] == "!=" || strings.ContainsAny(m[4]+m[5], "xX*") {
		return part
	}
	return m[1] + m[2] + m[3] + m[4] + m[5] + strings.Repeat(".0", 2-strings.Count(m[5], ".")) + "-0"
}

// admittingPart changes a part of a constraint so that it admits a version.
func admittingPart(part string, v *semver.Version) string {
	if c, err := semver.NewConstraint(strings.ReplaceAll(part, "v", "")); err == nil {
		c.IncludePrerelease = true
		if c.Check(v) {
			return part
		}
	}
	m := comparator.FindStringSubmatch(part)
	operator, lead, numbers := m[1], m[1]+m[2]+m[3], m[4]+m[5]
	switch operator {
	case "!=":
		return part
	case ">":
		lead = ">=" + m[2] + m[3]
	case "<": // the next bound of the same kind
		return lead + asWritten(numbers, above(numbers, v)) + m[6]
	case "<=", "=<", "", "=", ">=", "=>":
		if !strings.ContainsAny(numbers, "xX*") && strings.Count(numbers, ".") < 2 && operator != "" && operator != "=" {
			numbers = "0.0.0" // in full: <=2 is to admit 2.1.0
		}
	}
	if v.Prerelease() == "" {
		return lead + asWritten(numbers, *v)
	}
	if parts := strings.Split(numbers, "."); operator == "" && strings.ContainsAny(numbers, "xX*") {
		// 1.x is ^1, and 1.2.x is ~1.2
		lead = "~" + m[3]
		if len(parts) < 3 {
			lead = "^" + m[3]
		}
	}
	return lead + v.String()
}

// above is the bound over a version: of the first number where a bound has that alone or
// zeros behind it, and so on.
func above(numbers string, v *semver.Version) semver.Version {
	parts := append(strings.Split(numbers, "."), "0", "0")
	switch {
	case parts[1] == "0" && parts[2] == "0":
		return v.IncMajor()
	case parts[2] == "0":
		return v.IncMinor()
	}
	core, _ := v.SetPrerelease("")
	if v.Prerelease() != "" {
		return core // below it
	}
	return core.IncPatch()
}

// asWritten writes the numbers of a version as others are written: as many, with the same x.
func asWritten(numbers string, v semver.Version) string {
	parts := strings.Split(numbers, ".")
	for i, n := range []uint64{v.Major(), v.Minor(), v.Patch()}[:len(parts)] {
		if !strings.ContainsAny(parts[i], "xX*") {
			parts[i] = strconv.FormatUint(n, 10)
		}
	}
	return strings.Join(parts, ".")
}
