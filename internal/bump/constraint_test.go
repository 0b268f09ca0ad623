package bump

import (
	"testing"

	"github.com/Masterminds/semver/v3"
)

func TestAdmitting(t *testing.T) {
	for _, test := range []struct{ constraint, version, want string }{
		{"", "2.0.0", ""}, {"*", "2.0.0", "*"}, {">=1.0.0", "2.0.0", ">=1.0.0"}, {">= 1.0.0-0", "2.0.0-rc.1", ">= 1.0.0-0"},
		{"^1.2.0", "2.1.3", "^2.1.3"}, {"^1.2", "2.1.3", "^2.1"}, {"^1", "2.1.3", "^2"}, {"^ 1.2", "2.1.3", "^ 2.1"}, {"^v1.2.0", "2.1.3", "^v2.1.3"},
		{"~1.2.0", "1.3.1", "~1.3.1"}, {"~1.2", "1.3.1", "~1.3"}, {"~> 1.2", "1.3.1", "~> 1.3"},
		{"1.2.3", "1.2.4", "1.2.4"}, {"=1.2.3", "1.2.4", "=1.2.4"}, {"= v1.2.3", "v1.2.4", "= v1.2.4"}, {"v1.2.3", "1.2.4", "v1.2.4"}, {"1.2", "1.3.1", "1.3"},
		{"1.x", "2.1.0", "2.x"}, {"1.2.x", "1.3.0", "1.3.x"}, {"1.2.*", "2.3.0", "2.3.*"},
		{">=2.0.0", "1.9.0", ">=1.9.0"}, {">2.0.0", "2.0.0", ">=2.0.0"}, {">=2", "1.9.1", ">=1.9.1"},
		{">=1.0.0 <2.0.0", "2.1.0", ">=1.0.0 <3.0.0"}, {">=1.0.0, <2.0.0-0", "2.1.0", ">=1.0.0, <3.0.0-0"}, {">= 1.0 < 2", "2.1.0", ">= 1.0 < 3"},
		{">=1.0.0 <1.3.0", "1.3.0", ">=1.0.0 <1.4.0"}, {"<1.3.5", "1.3.5", "<1.3.6"}, {"<=1.5.0", "1.6.1", "<=1.6.1"}, {"<=1", "2.1.0", "<=2.1.0"},
		{"1.0.0 - 1.9.9", "2.0.1", "1.0.0 - 2.0.1"}, {"1.0.0 - 1.9.9", "0.9.0", "0.9.0 - 1.9.9"},
		{"^1.0.0 || ^2.0.0", "3.1.0", "^1.0.0 || ^2.0.0 || ^3.1.0"}, {"1.x||2.x", "3.1.0", "1.x||2.x || 3.x"},
		// Pre-releases are admitted only where one is named.
		{">=1.0.0", "1.3.0-rc.1", ">=1.0.0-0"}, {"^1.2.0", "1.3.0-rc.1", "^1.2.0-0"}, {"^1.2", "1.3.0-rc.1", "^1.2.0-0"}, {"~1.2.0", "1.2.4-rc.1", "~1.2.0-0"},
		{"^1.2.0", "2.0.0-rc.1", "^2.0.0-rc.1"}, {"1.x", "2.0.0-rc.1", "^2.0.0-rc.1"}, {"1.2.x", "1.3.0-rc.1", "~1.3.0-rc.1"}, {"1.2.3", "1.2.4-rc.1", "1.2.4-rc.1"},
		{">=1.3.0", "1.3.0-rc.1", ">=1.3.0-0"}, {">=1.0.0 <2.0.0", "2.0.0-rc.1", ">=1.0.0-0 <3.0.0-0"},
		{"!=2.0.0", "2.0.0", "error"}, {"new", "2.0.0", "error"}, {"^1", "new", "error"}, {">=1.0.0 !=2.0.0", "2.0.0", "error"},
	} {
		got, err := Admitting(test.constraint, test.version)
		if test.want == "error" {
			if err == nil {
				t.Errorf("%q, %s: %q, want an error", test.constraint, test.version, got)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q, %s: %q, %v, want %q", test.constraint, test.version, got, err, test.want)
		}
	}
}

// What comes out admits the version, whatever goes in.
func FuzzAdmitting(f *testing.F) {
	for _, seed := range []string{"^1.2.0", "1.0 - 2", ">=1,<2 || ~3", "!=1.0.0", "* || x", "v1.x", "=>1.2.3-rc.1+b"} {
		f.Add(seed, uint8(1), uint8(2), uint8(3), false)
		f.Add(seed, uint8(3), uint8(0), uint8(0), true)
	}
	f.Fuzz(func(t *testing.T, constraint string, major, minor, patch uint8, pre bool) {
		word := ""
		if pre {
			word = "rc.1"
		}
		v := semver.New(uint64(major), uint64(minor), uint64(patch), word, "")
		got, err := Admitting(constraint, v.String())
		if err != nil || got == constraint {
			return
		}
		c, err := semver.NewConstraint(got)
		if err != nil || !c.Check(v) {
			t.Errorf("%q became %q, which does not admit %s: %v", constraint, got, v, err)
		}
	})
}
