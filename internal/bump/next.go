package bump

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Step is what is to become of a version: one of Major, Minor and Patch, with or without Pre;
// Pre alone; or Set.
type Step struct {
	Major, Minor, Patch bool
	// Pre is the word of a pre-release: rc makes 1.2.4-rc.1 of 1.2.3, and 1.2.4-rc.2 of that.
	Pre string
	// Set is the new version itself, for each extension.
	Set string
	// Lower lets Set be lower than the version so far.
	Lower bool
}

// patch is the step of an extension that changes because another one did.
var patch = Step{Patch: true}

// Check says why a step is none: too much or too little is asked.
func (s Step) Check() error {
	parts := 0
	for _, asked := range []bool{s.Major, s.Minor, s.Patch} {
		if asked {
			parts++
		}
	}
	const hint = "--patch for corrections, --minor for what is new, --major for what breaks; --pre rc for a pre-release of it; --set V for any other"
	switch {
	case parts > 1:
		return failure.WithHint(errors.New("of --major, --minor and --patch there can be one"), hint)
	case s.Set != "" && (parts > 0 || s.Pre != ""):
		return failure.WithHint(errors.New("--set is the new version itself, and goes with no other step"), hint)
	case s.Set == "" && parts == 0 && s.Pre == "":
		return failure.WithHint(errors.New("which version is to be the next?"), hint)
	case s.Lower && s.Set == "":
		return failure.WithHint(errors.New("--lower goes with --set: all other steps go up"), hint)
	case s.Pre != "" && !preWord.MatchString(s.Pre):
		return failure.WithHint(fmt.Errorf("--pre %q is no word of a pre-release", s.Pre), "a word of lower-case letters, such as alpha, beta or rc; its number is added")
	}
	if message, hint := naming.VersionProblem(s.Set); s.Set != "" && message != "" {
		return failure.WithHint(errors.New(message), "%s", hint)
	}
	return nil
}

// preWord is the word of a pre-release, without its number.
var preWord = lazyregexp.New(`^[a-z]([a-z-]*[a-z])?$`)

// Next is the version that comes of a step. It is one that all parts of KubeSphere read
// (naming.ValidVersion), higher than the one so far; it has a v before it where that has, and
// no build metadata. Steps are those of npm's semver (inc of node-semver): of a pre-release,
// Patch is the version that it is for, and so are Minor and Major where that is one of theirs.
func (s Step) Next(version string) (string, error) {
	before, err := semver.NewVersion(version)
	if s.Set != "" {
		return s.set(version, before)
	}
	if err != nil {
		hint := "write a version such as 1.0.0 into extension.yaml"
		if near, ok := naming.NearestVersion(version); ok {
			hint = "give it one first: --set " + near
		}
		return "", failure.WithHint(fmt.Errorf("the version %q has no next one: it cannot be read", version), "%s", hint)
	}
	core, pre := s.advance(*before)
	text := core
	if pre != "" {
		text += "-" + pre
	}
	if strings.HasPrefix(version, "v") {
		text = "v" + text
	}
	if err := higher(text, before); err != nil {
		return "", err
	}
	return text, nil
}

// set is Set, which may be lower only where that is asked for.
func (s Step) set(version string, before *semver.Version) (string, error) {
	if s.Set == version {
		return "", fmt.Errorf("%s is the version already", version)
	}
	next, err := semver.NewVersion(s.Set)
	if err != nil {
		return "", err
	}
	if before != nil && !s.Lower && next.LessThan(before) {
		return "", failure.WithHint(fmt.Errorf("%s is lower than %s, and KubeSphere goes on to recommend the highest version that was released", s.Set, version),
			"where nobody has seen %s yet, add --lower", version)
	}
	return s.Set, nil
}

// advance is the next version in two parts: MAJOR.MINOR.PATCH, and its pre-release.
func (s Step) advance(v semver.Version) (core, pre string) {
	major, minor, patch := v.Major(), v.Minor(), v.Patch()
	isPre := v.Prerelease() != ""
	switch {
	case s.Major:
		if !isPre || s.Pre != "" || minor != 0 || patch != 0 {
			major, minor, patch = major+1, 0, 0
		}
	case s.Minor:
		if !isPre || s.Pre != "" || patch != 0 {
			minor, patch = minor+1, 0
		}
	case s.Patch:
		if !isPre || s.Pre != "" {
			patch++
		}
	case !isPre: // --pre alone
		patch++
	default:
		return fmt.Sprintf("%d.%d.%d", major, minor, patch), nextPre(v.Prerelease(), s.Pre)
	}
	if s.Pre != "" {
		pre = s.Pre + ".1"
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch), pre
}

// nextPre is the pre-release after another one, of the same word or of another.
func nextPre(before, word string) string {
	rest, same := strings.CutPrefix(before, word)
	if same && strings.HasPrefix(rest, ".") || same && rest != "" && '0' <= rest[0] && rest[0] <= '9' {
		lead := rest[:len(rest)-len(strings.TrimPrefix(rest, "."))]
		if n, err := strconv.ParseUint(rest[len(lead):], 10, 63); err == nil {
			return word + lead + strconv.FormatUint(n+1, 10)
		}
	}
	return word + ".1"
}

// higher says why a version cannot follow another.
func higher(next string, before *semver.Version) error {
	if message, hint := naming.VersionProblem(next); message != "" {
		return failure.WithHint(errors.New(message), "%s", hint)
	}
	after, err := semver.NewVersion(next)
	if err == nil && after.GreaterThan(before) {
		return nil
	}
	return failure.WithHint(fmt.Errorf("%s would not be higher than %s", next, before.Original()),
		"add --patch, --minor or --major to --pre for a pre-release of a later version, or name one by --set")
}
