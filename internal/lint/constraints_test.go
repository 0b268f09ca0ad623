package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

func TestConstraints(t *testing.T) {
	const hint = `write it as ">=1.19.0-0" or ">=1.22.0-0 <1.32.0-0"`
	kube := func(constraint string) []string {
		return []string{"extension.yaml", goodMetadata + fmt.Sprintf("kubeVersion: %q\n", constraint)}
	}
	external := func(constraint string) []string {
		return []string{"extension.yaml", goodMetadata + fmt.Sprintf("externalDependencies:\n  - name: db\n    version: %q\n", constraint)}
	}
	testFindings(t, []findingTest{
		{name: "with pre-releases", changes: kube(">=1.19.0-0")},
		{name: "with pre-releases at both ends", changes: kube(">=1.19.0-0, <1.32.0-0")},
		{name: "an alternative with pre-releases", changes: kube("1.18.x || >=1.20.0-0")},
		{name: "no constraint", changes: kube("")},
		{name: "another extension's releases are enough", changes: external(">= 2.6.0")},
		{
			name:    "a word",
			changes: []string{"extension.yaml", goodMetadata + "ksVersion: latest\n"},
			want:    []string{`error constraints ext/extension.yaml:16:12: ksVersion "latest" is not a constraint on versions`},
			hint:    hint,
		},
		{
			name:    "a version and later ones",
			changes: kube("v1.19+"),
			want:    []string{`error constraints ext/extension.yaml:16:14: kubeVersion "v1.19+" is not a constraint on versions`},
			hint:    `did you mean ">=1.19.0-0"?`,
		},
		{
			name:    "of an external dependency",
			changes: external("2.x and later"),
			want:    []string{`error constraints ext/extension.yaml:18:14: version "2.x and later" is not a constraint on versions`},
			hint:    hint,
		},
		{
			name:    "a long one",
			changes: kube(strings.Repeat(">=1.0.0-0 ", 52)),
			want:    []string{`error constraints ext/extension.yaml:16:14: kubeVersion has 520 characters, and constraints on versions are read up to 512`},
			hint:    "shorten it",
		},
		{
			name:    "many alternatives",
			changes: kube(strings.Repeat("1||", 40) + "2"),
			want:    []string{`error constraints ext/extension.yaml:16:14: kubeVersion has more than 32 alternatives, and no more are read`},
			hint:    "shorten it",
		},
		{
			name:    "bounds the wrong way round",
			changes: kube(">=1.30.0-0 <1.20.0-0"),
			want:    []string{`warning constraints ext/extension.yaml:16:14: no version satisfies kubeVersion ">=1.30.0-0 <1.20.0-0"`},
			hint:    "correct the bounds: comparisons with a blank or a comma between them have to hold together, || stands between alternatives",
		},
		{
			name:    "alternatives without the sign for it",
			changes: external("^1.2 ^2.0"),
			want:    []string{`warning constraints ext/extension.yaml:18:14: no version satisfies version "^1.2 ^2.0"`},
		},
		{
			name:    "without pre-releases",
			changes: kube(">=1.19.0"),
			want:    []string{`info constraints ext/extension.yaml:16:14: kubeVersion ">=1.19.0" shuts out pre-releases, and by SemVer that is what versions such as v1.28.0-rc.1 and v1.27.3-gke.100 are`},
			hint:    `write it as ">=1.19.0-0"`,
		},
		{
			name:    "with pre-releases at one end",
			changes: kube(">=1.19.0-0 <1.32.0"),
			want:    []string{`info constraints ext/extension.yaml:16:14: kubeVersion ">=1.19.0-0 <1.32.0" shuts out pre-releases, and by SemVer that is what versions such as v1.28.0-rc.1 and v1.27.3-gke.100 are`},
			hint:    `write it as ">=1.19.0-0 <1.32.0-0"`,
		},
		{
			name:    "KubeSphere's own pre-releases",
			changes: []string{"extension.yaml", goodMetadata + "ksVersion: ^4.1\n"},
			want:    []string{`info constraints ext/extension.yaml:16:12: ksVersion "^4.1" shuts out pre-releases, and by SemVer that is what versions such as v4.1.3-rc.1 are`},
			hint:    `write it as "^4.1.0-0"`,
		},
		{
			name:    "where a -0 would mean something else",
			changes: kube(">1.19.0 <=1.31.0"),
			want:    []string{`info constraints ext/extension.yaml:16:14: kubeVersion ">1.19.0 <=1.31.0" shuts out pre-releases, and by SemVer that is what versions such as v1.28.0-rc.1 and v1.27.3-gke.100 are`},
			hint:    `add -0 to each version in it, as in ">=1.22.0-0 <1.32.0-0"`,
		},
		{
			name:    "a number is for the schema",
			changes: []string{"extension.yaml", goodMetadata + "kubeVersion: 1.20\n"},
			want:    []string{`error schema ext/extension.yaml:16:14: "kubeVersion" must be empty or a string, not a number`},
		},
	})
}

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
