package metadata

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

// TestUnsatisfiable: what some version satisfies is never told to be impossible.
func TestUnsatisfiable(t *testing.T) {
	for text, want := range map[string]bool{
		"*": false, "x": false, "1": false, "1.x": false, "1.2.*": false, "^0": false, "~0.0": false, "^0.0.3": false,
		">1": false, ">1.2": false, "<=1": false, "!=1": false, "!=1.2.x": false, "<1.0.0": false, "<0.0.1": false,
		"1.2 - 1.4.5": false, "=1.2.3-beta.1": false, ">1.2.3-alpha <1.2.3-beta": false, ">1.2.3 <1.2.4-0": true,
		">=1.2.0 <1.2.2 !=1.2.0": false, ">=1.2.0 <1.2.2 !=1.2.0 !=1.2.1": true, ">=1.2 <1.4 !=1.2.x": false, ">=1.2 <1.4 !=1.2.x !=1.3.x": true,
		">1 <2": true, ">=2 <1": true, "<1 || >2": false, ">=2 <1 || 3": false, ">=2 <1 || >3 <3": true, "<0.0.0": true, "=1.2.3 =1.2.4": true,
		">1.2.3 <1.2.5": false, ">1.2 <1.4": false, ">=1.0 <4 !=1 !=2": false, ">=1.0 <3 !=1 !=2": true,
	} {
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := partsOf(constraint).unsatisfiable(constraint); got != want {
			t.Errorf("%q is told to be impossible: %t, want %t", text, got, want)
		}
	}
}

// FuzzConstraint: whatever constraint there is, a version that satisfies it
// proves that it is not told to be impossible, and a better one that is proposed
// admits that version too.
func FuzzConstraint(f *testing.F) {
	for _, text := range []string{">=1.19.0", "^1.2 || ~3", "1.2 - 1.4.5", "!=1.x", "=<v2.0, >0", "*", "", "1.2.3-beta.1+x", ">99999999999999999999", strings.Repeat("!=1.2.3 ", 20), "x.1.2"} {
		f.Add(text, uint8(1), uint8(2), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, major, minor, patch uint8) {
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			return
		}
		parts := partsOf(constraint)
		version := semver.New(uint64(major), uint64(minor), uint64(patch), "", "")
		holds := constraint.Check(version)
		if parts.unsatisfiable(constraint) && holds {
			t.Errorf("%q is told to be impossible, and %s satisfies it", text, version)
		}
		if better, ok := parts.withPreReleases(constraint); ok {
			improved, err := semver.NewConstraint(better)
			if err != nil || improved.Check(version) != holds {
				t.Errorf("%q is proposed for %q, and %s makes a difference (%v)", better, text, version, err)
			}
		}
	})
}
