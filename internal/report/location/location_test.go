package location

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Paths are those from the top of the repository, encoded, links followed.
func TestPlacesAreRelativeToTheRepository(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and names of files")
	}
	outside := t.TempDir()
	top := filepath.Join(outside, "re po")
	write := func(file, text string) {
		file = filepath.Join(top, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("work/ext/a:b #1%.yaml", "first\nä second\n")
	write("real/extension.yaml", "name: alc\n")
	write("work/packed.tgz", "x")
	write("../elsewhere.yaml", "x\n")
	for link, to := range map[string]string{"work/link": "../real", "work/out.yaml": "../../elsewhere.yaml"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "work"))
	check := func(want map[string]string) {
		t.Helper()
		where := New()
		for file, uri := range want {
			if got := where.Of(file).URI; got != uri {
				t.Errorf("%s is %s, want %s", file, got, uri)
			}
		}
	}
	check(map[string]string{"ext/a:b #1%.yaml": "ext/a%3Ab%20%231%25.yaml", "./ext/../ext/none.yaml": "ext/none.yaml"}) // no git here
	if err := os.Mkdir(filepath.Join(top, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(outside)
	if err != nil {
		t.Fatal(err)
	}
	check(map[string]string{
		"ext/a:b #1%.yaml":               "work/ext/a%3Ab%20%231%25.yaml",
		"../real/extension.yaml":         "real/extension.yaml",
		"link/extension.yaml":            "real/extension.yaml",
		"link/charts/none.yaml":          "real/charts/none.yaml",
		"link":                           "real/extension.yaml",
		"packed.tgz/extension.yaml":      "work/packed.tgz",
		"out.yaml":                       "work/out.yaml",
		"a\xffb\n.yaml":                  "work/a%FFb%0A.yaml",
		"../../elsewhere.yaml":           "file://" + encoded(filepath.ToSlash(filepath.Join(real, "elsewhere.yaml"))),
		filepath.Join(top, "work", "x"):  "work/x",
		filepath.Join(top, "real", "äö"): "real/%C3%A4%C3%B6",
		"扩展/extension.yaml":              "work/%E6%89%A9%E5%B1%95/extension.yaml",
	})

	where := New()
	at := where.Of("ext/a:b #1%.yaml")
	for _, c := range []struct {
		finding results.Finding
		want    Region
	}{
		{results.Finding{}, Region{1, 1, 1, 6}},
		{results.Finding{Line: 2}, Region{2, 1, 2, 9}},
		{results.Finding{Line: 2, Column: 3, EndColumn: 6}, Region{2, 3, 2, 6}},
		{results.Finding{Line: 2, Column: 3, Excerpt: "   2 | ä second\n     |   ^^^"}, Region{2, 3, 2, 9}},
		{results.Finding{Line: 90, Column: 3}, Region{90, 3, 90, 4}},
	} {
		if got := at.Region(c.finding); got != c.want {
			t.Errorf("%+v is %+v, want %+v", c.finding, got, c.want)
		}
	}
	if got, want := at.LineHash(results.Finding{Message: "m"}, 1), lineHashes("first\nä second\n")[1]; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	packed := where.Of("packed.tgz/extension.yaml")
	if r := packed.Region(results.Finding{Line: 7, Column: 4}); r != (Region{1, 1, 1, 2}) {
		t.Errorf("in an archive: %+v", r)
	}
	first := results.FindingOf(diagnostic.Diagnostic{Code: "images/unused", File: "extension.yaml", Subject: "a", Message: "m"}, "packed.tgz")
	second, reworded := first, first
	second.Fingerprint, reworded.Message = results.FindingOf(diagnostic.Diagnostic{Code: "images/unused", File: "extension.yaml", Subject: "b"}, "packed.tgz").Fingerprint, "in other words"
	if packed.LineHash(first, 1) == packed.LineHash(second, 1) {
		t.Error("two findings in an archive have one fingerprint")
	}
	if packed.LineHash(first, 1) != packed.LineHash(reworded, 1) {
		t.Error("other words make another fingerprint")
	}
	older, olderCode := first, first
	older.Fingerprint, olderCode.Fingerprint, olderCode.Code = "", "", "images/unlisted"
	if packed.LineHash(older, 1) == packed.LineHash(olderCode, 1) {
		t.Error("two findings of an earlier version have one fingerprint")
	}
}

// The hashes are those of codeql-action (src/fingerprints.test.ts, 4.36.3).
func TestLineHashesAreThoseOfCodeQLAction(t *testing.T) {
	for text, want := range map[string][]string{
		"":                     {"c129715d7a2bc9a3:1"},
		" a\nb\n  \t\tc\n d":   {"271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"},
		"hello;\r\nworld!!!\n": nil,
		" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n": {"e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"},
		" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r":             {"e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"},
		strings.Repeat("Lorem ipsum dolor sit amet.\n", 10): {"a7f2ff13bc495cf2:1", "a7f2ff13bc495cf2:2", "a7f2ff13bc495cf2:3", "a7f2ff13bc495cf2:4", "a7f2ff13bc495cf2:5", "a7f2ff13bc495cf2:6",
			"a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1"},
	} {
		got := lineHashes(text)
		if want != nil && len(got) != len(want) {
			t.Errorf("%q has %d lines", text, len(got))
		}
		for i, hash := range want {
			if got[i+1] != hash {
				t.Errorf("line %d of %q is %s, want %s", i+1, text, got[i+1], hash)
			}
		}
	}
	// Blanks do not count, and lines above and line ends do not either.
	if a, b := lineHashes("x: 1\n  y: 2\n"), lineHashes("new\nx:1\r\n\ty: 2\r\n"); a[2] != b[3] {
		t.Errorf("%s and %s", a[2], b[3])
	}
}
