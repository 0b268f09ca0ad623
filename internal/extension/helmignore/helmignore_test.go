package helmignore

import (
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// info is what the file system says of a file or folder with this name.
func info(t *testing.T, name string, folder bool) fs.FileInfo {
	t.Helper()
	file := &fstest.MapFile{}
	if folder {
		file.Mode = fs.ModeDir
	}
	got, err := fs.Stat(fstest.MapFS{name: file}, name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestParse(t *testing.T) {
	rules, err := Parse([]byte("\xEF\xBB\xBF# a comment\n\ndocs/\n*.md\n/top.txt\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"docs": true, "a.md": true, "top.txt": true, "values.yaml": false,
		"templates/.hidden.yaml": true, // Helm's own default
		"templates/a.yaml":       false,
		"sub/a.md":               true, "sub/top.txt": false,
	} {
		if got := rules.Ignore(name, info(t, name, name == "docs")); got != want {
			t.Errorf("%s: left out %v, want %v", name, got, want)
		}
	}
	if rules, err = Parse(nil); err != nil || rules.Ignore("a.md", info(t, "a.md", false)) {
		t.Errorf("without a .helmignore: %v", err)
	}
}

// A pattern that Helm does not take is named with its line.
func TestParseRefuses(t *testing.T) {
	for source, want := range map[string][]string{
		"a\n**/b\n":           {"line 2", `"**/b"`, "name a folder"},
		"[\n":                 {"line 1", `"["`, "fix the pattern"},
		"a\r\n# **\r\n[x\r\n": {"line 3", `"[x"`},
	} {
		_, err := Parse([]byte(source))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %q", source, err, part)
			}
		}
	}
}

// A .helmignore that each file would be held against for longer than anybody waits is
// refused; a long one is not.
func TestIgnoreIsBounded(t *testing.T) {
	for source, want := range map[string]string{
		strings.Repeat("docs/\n", 1000):                              "",
		strings.Repeat("docs/\n", 1001):                              "1001 lines, more than 1000",
		strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", 64):       "",
		strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", 64) + "x": "more than 64.0 KiB",
	} {
		_, err := Parse([]byte(source))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v, want %q", len(source), err, want)
		}
	}
}

func TestLines(t *testing.T) {
	var got []string
	for _, line := range Lines([]byte("\xEF\xBB\xBF*.md\n\n# no pattern\n  docs/  \n**\n!keep")) {
		got = append(got, strings.Repeat("\n", line.Number-1)+line.Pattern)
		if line.Rules == nil {
			t.Errorf("line %d has no rules", line.Number)
		}
	}
	if want := []string{"*.md", "\n\n\ndocs/", "\n\n\n\n\n!keep"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhyLeftOut(t *testing.T) {
	for source, want := range map[string]string{
		"docs/\nvalues.*\n*.yaml\n": `line 2 of .helmignore, "values.*", leaves it out: remove that line`,
		"!*.md\n":                   `line 1 of .helmignore, "!*.md", leaves it out: to Helm a pattern with !`,
	} {
		if got := WhyLeftOut([]byte(source), info(t, "values.yaml", false)); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s", source, got)
		}
	}
}

func TestNeverPackedNames(t *testing.T) {
	for name, want := range map[string]bool{
		".git/config": true, "a/.git": true, "a/b/.env": true, ".env.local": true, "id_rsa": true, "id_rsa.pub": true,
		"keys/x.p12": true, "notes.txt~": true, "a/.#x": true, ".ksrelease/marketplace/x": true,
		"git": false, ".github/x": false, "env": false, "my_id_rsa": false, "x.pem": false, "a.env": false, "": false,
	} {
		if got := NeverPacked(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	for _, pattern := range Patterns {
		if _, err := path.Match(pattern, ""); err != nil || strings.Contains(pattern, "/") {
			t.Errorf("%q is no pattern of a name: %v", pattern, err)
		}
	}
}

func TestIsOwnPackage(t *testing.T) {
	for name, want := range map[string]bool{
		"demo-1.0.0.tgz": true, "demo-1.0.0.tgz.sha256": true, "demo-1.0.0.tgz.prov": true, "demo-1.0.0.tgz.sig": true,
		"demo.tgz": false, "other-1.0.0.tgz": false, "sub/demo-1.0.0.tgz": false, "demo-1.0.0.zip": false, "demo-1.0.0.sha256": false,
	} {
		if got := IsOwnPackage("demo", name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if IsOwnPackage("", "-1.0.0.tgz") {
		t.Error("an extension without a name has packages")
	}
}

// A name is matched as by path.Match, which the form of the patterns makes needless.
func TestNeverPackedPartMatchesThePatterns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := strings.Fields(". # ~ * .git .env env rc id_rsa id_ swp .swo orig .p12 pfx .ksrelease .yaml baseline a tmproj .idea netrc")
	matched := 0
	for range 100_000 {
		name := ""
		for range 1 + r.IntN(4) {
			name += pieces[r.IntN(len(pieces))]
		}
		want := slices.ContainsFunc(Patterns, func(pattern string) bool {
			ok, err := path.Match(pattern, name)
			if err != nil || strings.Count(pattern, "*") > 1 || strings.ContainsAny(pattern, `?[\`) {
				t.Fatalf("%q has another form than NeverPackedPart matches", pattern)
			}
			return ok
		})
		if got := NeverPackedPart(name); got != want {
			t.Fatalf("%q: %v, want %v", name, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d names matched", matched)
	}
}
