package extension

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func digestOfTree(t testing.TB, files map[string]string) string {
	t.Helper()
	return mustLoad(t, trees.Write(t, files)).ContentDigest()
}

// `helm dependency update` makes locks and packages anew: what is the same in them is
// no other content, and what is not is.
func TestDependencyUpdateIsNoDrift(t *testing.T) {
	soak.Long(t)
	want := digestOfTree(t, trees.Updated(t, 0, nil))
	for moment := range 4 {
		if got := digestOfTree(t, trees.Updated(t, moment+1, nil)); got != want {
			t.Errorf("updated at another moment, the digest is %s, want %s", got, want)
		}
	}
	e := mustLoad(t, trees.Write(t, trees.Updated(t, 5, nil)))
	p, err := e.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := trees.Write(t, map[string]string{p.Filename: string(p.Data)})
	if got := mustLoad(t, filepath.Join(dir, p.Filename)).ContentDigest(); got != want {
		t.Errorf("read from the package, the digest is %s, want %s", got, want)
	}

	seen := map[string]string{want: "the original"}
	other := func(what string, files map[string]string) {
		t.Helper()
		got := digestOfTree(t, files)
		if was, ok := seen[got]; ok {
			t.Errorf("%s: the digest is that of %s", what, was)
		}
		seen[got] = what
	}
	for what, change := range map[string]func(map[string]string){
		"a changed file":  func(f map[string]string) { f["values.yaml"] = "x: 2\n" },
		"a new file":      func(f map[string]string) { f["NOTES"] = "" },
		"a file less":     func(f map[string]string) { delete(f, "values.yaml") },
		"a renamed file":  func(f map[string]string) { f["values2.yaml"] = f["values.yaml"]; delete(f, "values.yaml") },
		"another version": func(f map[string]string) { f[ChartFile] = strings.Replace(f[ChartFile], "1.0.0", "1.0.1", 1) },
		"two files swapped": func(f map[string]string) {
			f["values.yaml"], f["templates/a.yaml"] = f["templates/a.yaml"], f["values.yaml"]
		},
	} {
		other(what+" in a package in a package", trees.Updated(t, 0, change))
	}
	edit := func(what, name string, by func(string) string) {
		t.Helper()
		files := trees.Updated(t, 0, nil)
		files[name] = by(files[name])
		other(what, files)
	}
	replaced := func(old, new string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, new, 1) }
	}
	edit("another version in the lock", LockFile, replaced("1.0.0", "1.0.1"))
	edit("another repository in the lock", LockFile, replaced("charts.example", "charts.test"))
	edit("another digest in the lock", LockFile, replaced("0123", "4567"))
	edit("another version in the lock of a subchart", "charts/sub/"+LockFile, replaced("3.0.0", "3.0.1"))
	edit("another version in the lock of a v1 chart", "charts/sub/requirements.lock", replaced("4.0.0", "4.0.1"))
	edit("a package that is cut", "charts/redis-1.0.0.tgz", func(text string) string { return text[:len(text)-9] })
	edit("a package that is cut elsewhere", "charts/redis-1.0.0.tgz", func(text string) string { return text[:len(text)-10] })
	edit("no package at all", "charts/redis-1.0.0.tgz", func(string) string { return "not an archive" })
	edit("the digest of the package", "charts/redis-1.0.0.tgz", func(string) string { return strings.Repeat("\x00", 32) })
	files := trees.Updated(t, 0, nil)
	files["charts/redis-1.0.1.tgz"] = files["charts/redis-1.0.0.tgz"]
	delete(files, "charts/redis-1.0.0.tgz")
	other("another name of the package", files)
}

// What Helm does not read as a lock or a chart counts by its bytes.
func TestWhatIsNoDependencyCountsByItsBytes(t *testing.T) {
	for name, content := range map[string]func(moment int) string{
		"files/a.tgz":         func(moment int) string { return trees.Stamped(t, moment, "a", map[string]string{"x": "y"}) },
		"files/charts/a.tgz":  func(moment int) string { return trees.Stamped(t, moment, "a", map[string]string{"x": "y"}) },
		"charts/_off/a/b.tgz": func(moment int) string { return trees.Stamped(t, moment, "a", map[string]string{"x": "y"}) },
		"files/Chart.lock": func(moment int) string {
			return trees.LockAt(time.Unix(int64(moment), 0).Format(time.RFC3339), "1.0.0")
		},
		LockFile: func(moment int) string { return "generated: " + strings.Repeat("x", moment) + "\n" }, // says nothing of Helm's
	} {
		digests := map[string]bool{}
		for moment := range 2 {
			files := trees.Demo()
			files[name] = content(moment)
			digests[digestOfTree(t, files)] = true
		}
		if len(digests) != 2 {
			t.Errorf("%s: other bytes are the same content", name)
		}
	}
}

// A package beyond the limits is not unpacked for its digest: it counts by its bytes.
func TestDigestOfPackagesIsBounded(t *testing.T) {
	soak.Long(t)
	var numbers strings.Builder
	for i := range 200_000 {
		fmt.Fprintln(&numbers, i)
	}
	big := map[string]string{ChartFile: "apiVersion: v2\nname: big\nversion: 1.0.0\n", "numbers": numbers.String()}
	files := trees.Demo()
	files["charts/big-1.0.0.tgz"] = trees.Stamped(t, 1, "big", big)
	limits := Limits{Unpacked: 1 << 20}
	digests := map[string]bool{}
	for moment := range 2 {
		files["charts/big-1.0.0.tgz"] = trees.Stamped(t, moment, "big", big)
		for _, l := range []Limits{limits, {}} {
			e, err := Load(trees.Write(t, files), Options{Limits: l})
			if err != nil {
				t.Fatal(err)
			}
			digests[e.ContentDigest()] = true
		}
	}
	if len(digests) != 3 { // within the limits it is one, beyond them there are two
		t.Errorf("there are %d digests, want 3", len(digests))
	}

	deep := "no archive"
	for range 40 {
		deep = trees.Stamped(t, 1, "x", map[string]string{"charts/x-1.0.0.tgz": deep})
	}
	files["charts/big-1.0.0.tgz"] = deep
	digestOfTree(t, files)
}

// The content digest of a published version, in each format that ever was.
func TestCompareDigest(t *testing.T) {
	e := mustLoad(t, trees.Write(t, trees.Updated(t, 0, nil)))
	later := mustLoad(t, trees.Write(t, trees.Updated(t, 1, nil)))
	changed := mustLoad(t, trees.Write(t, trees.Updated(t, 0, func(f map[string]string) { f["values.yaml"] = "x: 2\n" })))
	if e.firstDigest() == later.firstDigest() || !strings.HasPrefix(e.ContentDigest(), "v2:sha256:") || !strings.HasPrefix(e.firstDigest(), "sha256:") {
		t.Errorf("the digests are %s, %s, and later %s", e.ContentDigest(), e.firstDigest(), later.firstDigest())
	}
	for name, test := range map[string]struct {
		published string
		want      DigestVerdict
	}{
		"the same":                  {e.ContentDigest(), DigestSame},
		"other time stamps":         {later.ContentDigest(), DigestSame},
		"other content":             {changed.ContentDigest(), DigestOther},
		"the same, first format":    {e.firstDigest(), DigestSame},
		"time stamps, first format": {later.firstDigest(), DigestUnknown},
		"other, first format":       {changed.firstDigest(), DigestUnknown},
		"none":                      {"", DigestUnknown},
		"cut":                       {e.ContentDigest()[:60], DigestUnknown},
		"a format to come":          {"v3:" + e.firstDigest(), DigestUnknown},
		"no digest":                 {"v2:sha256:" + strings.Repeat("x", 64), DigestUnknown},
	} {
		if got := e.CompareDigest(test.published); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
