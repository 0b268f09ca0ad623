package versions_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/versions"
)

func TestRemarksOnVersions(t *testing.T) {
	seen := map[string]bool{}
	const back, jump, hidden, rc, last, twice = "goes back", "jumps", "will not show", "is a pre-release", "no longer show", "both spellings mean one version"
	for _, test := range []struct {
		version, published, together string
		want                         []string
	}{
		{"1.0.0", "", "", nil},
		{"99.0.0", "", "", nil},
		{"1.0.1", "1.0.0", "", nil},
		{"1.0.0", "0.9.0", "", nil},
		{"1.0.0", "0.9", "", nil},
		{"2.0.0", "1.9.9", "", nil},
		{"1.10.0", "1.9.9", "", nil},
		{"2.5.0", "1.9.9", "", nil},
		{"2026.1.0", "2024.12.0", "", nil},
		{"1.20260101.0", "1.20250101.0", "", nil},
		{"v1.0.1", "v1.0.0", "", nil},
		{"1.0.0", "latest", "", nil},
		{"latest", "1.0.0", "", nil},
		// A version of another line than the highest.
		{"1.5.1", "1.5.0 2.0.0", "", nil},
		{"1.5.1", "1.5.0 2.0.0 2.1.0", "", nil},
		{"0.7.0", "0.7.1", "", []string{back}},
		{"0.6.0", "0.7.1", "", []string{back}},
		{"0.7.1-rc.1", "0.7.1", "", []string{back}},
		{"1.5.1", "1.5.2 2.0.0", "", []string{back}},
		{"1.9.0", "1.8.0 2.0.0-rc.1", "", []string{back}},
		{"99.0.0", "10.4.1", "", []string{jump}},
		{"99.0.0", "10.4.1 9.0.0", "", []string{jump}},
		{"3.0.0", "1.9.9", "", []string{jump}},
		{"1.41.0", "1.4.1", "", []string{jump}},
		{"2026.1.0", "1.0.0", "", []string{jump}},
		{"1.5.1", "2.0.0 2.1.0 2.2.0", "", []string{back, hidden}},
		{"1.5.1", "1.5.0 2.0.0 2.1.0 2.2.0", "", []string{hidden}},
		{"1.5.1", "1.5.0 2.0.0-rc.1 2.0.0-rc.2 2.0.0-rc.3", "", []string{hidden}},
		{"1.5.1", "2.2.0 2.1.0 2.0.0 v2.0.0 1.5.0", "", []string{hidden}},
		{"2.0.0-rc.1", "1.9.0", "", []string{rc}},
		{"2.0.0-rc.1", "", "", []string{rc}},
		{"2.0.0-rc.1", "1.9.0", "2.0.0", nil},
		{"2.0.0-rc.3", "1.9.0 2.0.0-rc.1 2.0.0-rc.2", "", []string{rc, last}},
		{"2.0.0-rc.4", "1.9.0 2.0.0-rc.1 2.0.0-rc.2 2.0.0-rc.3", "", []string{rc}},
		// The same version in another spelling, which is a version of its own to KubeSphere.
		{"v10.4.1", "10.4.1", "", []string{twice}},
		{"10.4.1", "v10.4.1 10.4.0", "", []string{twice}},
		{"10.4.0", "10.4", "", []string{twice}},
		{"10.4.1", "9.0.0", "v10.4.1", []string{twice}},
		{"1.0.0-rc.1", "v1.0.0-rc.1", "", []string{twice, rc}},
		{"10.4.1", "10.4.1+build", "", nil},
		{"10.4.1", "10.4.1 v10.4.0", "", nil},
		{"1.5.1", "1.5.0 2.0.0 v2.0.0 2.1.0", "", []string{hidden}},
		// Released in order in one run.
		{"2.0.0", "", "1.0.0 1.1.0", nil},
		{"9.0.0", "", "1.0.0", []string{jump}},
		{"1.0.0", "", "1.1.0 1.2.0", nil},
		{"1.0.0", "", "1.1.0 1.2.0 2.0.0", []string{hidden}},
		// A version of the run that is there already is one version.
		{"1.0.1", "1.0.0 2.0.0 2.1.0", "1.0.0 2.0.0 2.1.0", nil},
		// The bounds of a jump.
		{"1.11.0", "1.1.0", "", nil},
		{"1.12.0", "1.1.0", "", []string{jump}},
		{"1.2001.0", "1.1001.0", "", nil},
		{"1.2001.0", "1.999.0", "", []string{jump}},
		{"3000.0.0", "1000.0.0", "", nil},
		// As many as KubeSphere keeps, and one more.
		{"1.5.1", "1.5.0 2.0.0 2.1.0", "", nil},
	} {
		var got []string
		for _, remark := range versions.Remarks(test.version, "the Helm repository", strings.Fields(test.published), strings.Fields(test.together)) {
			got = append(got, remark.Message)
			seen[remark.What] = true
		}
		same := len(got) == len(test.want)
		for i := range min(len(got), len(test.want)) {
			same = same && strings.Contains(got[i], test.want[i]) && strings.Contains(got[i], test.version)
		}
		if !same {
			t.Errorf("%s after %q, with %q:\n%s\nwant %q", test.version, test.published, test.together, strings.Join(got, "\n"), test.want)
		}
	}
	listed := map[string]bool{}
	for _, code := range results.OtherRule(results.RuleVersions).Codes {
		listed[code.Name] = true
	}
	if !maps.Equal(seen, listed) {
		t.Errorf("there are remarks %v, and codes %v", seen, listed)
	}
}

func TestAdmit(t *testing.T) {
	for _, test := range []struct {
		constraint, version string
		want                bool
	}{
		{"", "1.0.0", true}, {"*", "1.0.0", true}, {"*", "1.0.0-rc.1", true}, {">=1.0.0", "1.1.0-rc.1", true},
		{">=1.0.0", "1.0.0-rc.1", false}, {">=1.0.0 <2.0.0", "v1.5.0", true}, {"^1.2", "2.0.0", false}, {"1.x || 3.x", "3.1.0", true},
		{"no constraint", "1.0.0", true}, {">=1.0.0", "latest", false},
	} {
		if got := versions.Admit(test.constraint, test.version); got != test.want {
			t.Errorf("%q, %q: %v", test.constraint, test.version, got)
		}
	}
}

func TestCompare(t *testing.T) {
	ordered := []string{"", "latest", "0.9", "1.0.0-rc.1", "1.0.0", "v1.0.0", "1.2.0", "1.10.0", "v2"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := versions.Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}
