package bump

import (
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
)

func TestNext(t *testing.T) {
	major, minor, patch := Step{Major: true}, Step{Minor: true}, Step{Patch: true}
	rc, beta := Step{Pre: "rc"}, Step{Pre: "beta"}
	for _, test := range []struct {
		step          Step
		version, want string // what begins with a blank is part of an error
	}{
		{patch, "1.2.3", "1.2.4"}, {minor, "1.2.3", "1.3.0"}, {major, "1.2.3", "2.0.0"},
		{patch, "v1.2.3", "v1.2.4"}, {minor, "v0.9.9", "v0.10.0"}, {major, "v1.2.3", "v2.0.0"},
		// Of a pre-release the version that it is for.
		{patch, "1.2.3-rc.1", "1.2.3"}, {minor, "1.2.3-rc", "1.3.0"}, {minor, "1.3.0-rc.1", "1.3.0"},
		{major, "2.0.0-rc.1", "2.0.0"}, {major, "2.1.0-rc.1", "3.0.0"}, {major, "2.0.1-rc.1", "3.0.0"},
		// Pre-releases.
		{rc, "1.2.3", "1.2.4-rc.1"}, {rc, "1.2.4-rc.1", "1.2.4-rc.2"}, {rc, "1.2.4-rc.9", "1.2.4-rc.10"}, {rc, "v1.2.4-rc.1", "v1.2.4-rc.2"},
		{rc, "1.2.4-beta.3", "1.2.4-rc.1"}, {rc, "1.2.4-rc", "1.2.4-rc.1"}, {rc, "1.2.4-rc1", "1.2.4-rc2"},
		{rc, "1.2.4-rc.1.2", " would not be higher than 1.2.4-rc.1.2"},
		{rc, "1.2.4-rc9", " would not be higher than 1.2.4-rc9"},
		{beta, "1.2.4-rc.1", " 1.2.4-beta.1 would not be higher than 1.2.4-rc.1"},
		{Step{Patch: true, Pre: "beta"}, "1.2.4-rc.1", "1.2.5-beta.1"}, {Step{Patch: true, Pre: "rc"}, "1.2.3", "1.2.4-rc.1"},
		{Step{Minor: true, Pre: "rc"}, "1.2.3", "1.3.0-rc.1"}, {Step{Major: true, Pre: "rc"}, "1.2.3", "2.0.0-rc.1"},
		{Step{Minor: true, Pre: "rc"}, "1.3.0-rc.1", "1.4.0-rc.1"},
		// What others do not take is left behind.
		{patch, "1.2.3+build.7", "1.2.4"}, {patch, "1.2", "1.2.1"}, {patch, "1.2.3-rc.1+build", "1.2.3"},
		{patch, "latest", " cannot be read"}, {patch, "", " cannot be read"},
		{patch, "1.0.18446744073709551615", " would not be higher"},
		{rc, "1.2.3-" + strings.Repeat("a", 60), "1.2.3-rc.1"},
		// The version itself.
		{Step{Set: "2.0.0"}, "1.2.3", "2.0.0"}, {Step{Set: "v2.0.0"}, "1.2.3", "v2.0.0"}, {Step{Set: "1.0.0"}, "latest", "1.0.0"},
		{Step{Set: "1.2.3"}, "1.2.3", " is the version already"}, {Step{Set: "v1.2.3"}, "1.2.3", "v1.2.3"},
		{Step{Set: "1.2.2"}, "1.2.3", " is lower than 1.2.3"}, {Step{Set: "1.2.3-rc.1"}, "1.2.3", " is lower"},
		{Step{Set: "1.2.2", Lower: true}, "1.2.3", "1.2.2"}, {Step{Set: "1.2.3"}, "1.2.3+build", "1.2.3"},
	} {
		got, err := test.step.Next(test.version)
		if part, isError := strings.CutPrefix(test.want, " "); isError {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%+v of %q: %q, %v, want an error with %q", test.step, test.version, got, err, part)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%+v of %q: %q, %v, want %q", test.step, test.version, got, err, test.want)
		}
	}
}

func TestCheckStep(t *testing.T) {
	for _, test := range []struct {
		step Step
		want string
	}{
		{Step{Patch: true}, ""}, {Step{Pre: "rc"}, ""}, {Step{Minor: true, Pre: "rc"}, ""}, {Step{Set: "1.0.0"}, ""}, {Step{Set: "1.0.0", Lower: true}, ""},
		{Step{}, "which version is to be the next?"},
		{Step{Major: true, Minor: true}, "there can be one"},
		{Step{Set: "1.0.0", Patch: true}, "goes with no other step"},
		{Step{Set: "1.0.0", Pre: "rc"}, "goes with no other step"},
		{Step{Patch: true, Lower: true}, "--lower goes with --set"},
		{Step{Pre: "rc.1"}, "no word of a pre-release"}, {Step{Pre: "RC"}, "no word"}, {Step{Pre: "1"}, "no word"}, {Step{Pre: "a\n"}, "no word"},
		{Step{Set: "1.0"}, "is not MAJOR.MINOR.PATCH"}, {Step{Set: "1.0.0+b"}, "build metadata"}, {Step{Set: "1.0.0-RC1"}, "DNS-1123"},
	} {
		err := test.step.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %q", test.step, err, test.want)
		}
		if err != nil && failure.Hint(err) == "" {
			t.Errorf("%+v: there is no hint", test.step)
		}
	}
}
