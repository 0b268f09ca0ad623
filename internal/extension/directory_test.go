package extension

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"

	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

const smallMetadata = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\nicon: https://x.example/i.svg\n"

func names(e *Extension) []string {
	out := make([]string, len(e.Files))
	for i, f := range e.Files {
		out[i] = f.Name
	}
	return out
}

func TestLoadDirectory(t *testing.T) {
	dir := trees.Write(t, map[string]string{
		MetadataFile:                smallMetadata,
		"values.yaml":               "a: 1\n",
		"charts/sub/Chart.yaml":     "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/templates/a.tx": "x",
		ChartFile:                   "name: anything\n",
	})
	e, err := Load(dir, Options{Display: "apps/demo"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Path != "apps/demo" || e.Document.File() != "extension.yaml" {
		t.Errorf("path is %q, document %q", e.Path, e.Document.File())
	}
	if want := []string{"charts/sub/Chart.yaml", "charts/sub/templates/a.tx", MetadataFile, "values.yaml"}; !slices.Equal(names(e), want) {
		t.Errorf("files are %q, want %q", names(e), want)
	}
}

// .git, .env, keys, leftovers and ksrelease's own output are in no package.
func TestNeverPacked(t *testing.T) {
	kept := map[string]string{
		MetadataFile:            smallMetadata,
		"values.yaml":           "",
		".helmignore":           "# nothing\n",
		"environment.env.yaml":  "",
		"charts/demo-1.tgz":     "nested",
		"files/config.env":      "",
		"other-1.0.0.tgz":       "somebody else's",
		"templates/_idea.tpl":   "",
		"files/my.gitignore.md": "",
		"files/ca.pem":          "a chart may need it, and lint looks into it",
		"values.yaml.bak":       "lint tells it",
	}
	left := map[string]string{
		".git/HEAD": "", "charts/sub/.git/config": "", ".hg/x": "", ".svn/x": "", ".bzr/x": "",
		".gitignore": "", "charts/sub/.gitignore": "", ".hgignore": "", ".bzrignore": "",
		".DS_Store": "", ".idea/w.xml": "", ".vscode/s.json": "", ".project": "", "x.tmproj": "",
		"a.swp": "", "a.swo": "", "values.yaml~": "", ".#values.yaml": "", "#values.yaml#": "", "x.orig": "",
		".env": "", ".env.local": "", "charts/sub/.env": "", ".envrc": "", ".netrc": "",
		"id_rsa": "", "id_rsa.pub": "", "id_dsa": "", "id_ecdsa": "", "files/id_ed25519": "", "cert.p12": "", "cert.pfx": "",
		".ksrelease/marketplace/index.yaml": "", ".ksrelease.yaml": "", ".ksrelease.baseline.yaml": "", "demo-1.0.0.tgz": "own", "demo-0.9.0.tgz": "older", "demo-1.0.0.tgz.sha256": "own",
	}
	files := maps.Clone(kept)
	maps.Copy(files, left)
	e := mustLoad(t, trees.Write(t, files))
	if want := slices.Sorted(maps.Keys(kept)); !slices.Equal(names(e), want) {
		t.Errorf("the files are\n\t%q\nwant\n\t%q", names(e), want)
	}
	for _, pattern := range helmignore.Patterns {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(left)), func(name string) bool {
			return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { ok, err := path.Match(pattern, part); return ok && err == nil })
		}) {
			t.Errorf("no file of this test is left out by %s", pattern)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "packaging.md"))
	if err != nil {
		t.Fatal(err)
	}
	if list := "`" + strings.Join(helmignore.Patterns, "` `") + "`"; !strings.Contains(strings.Join(strings.Fields(string(page)), " "), list) {
		t.Errorf("docs/packaging.md does not say what is always left out:\n%s", list)
	}
}

func TestIgnoredPaths(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "dist/a.tgz": "x", "distinct.txt": "y"})
	e, err := Load(dir, Options{Ignore: []string{filepath.Join(dir, "dist")}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"distinct.txt", MetadataFile}; !slices.Equal(names(e), want) {
		t.Errorf("files are %q, want %q", names(e), want)
	}
}

// .helmignore means what it means to Helm.
func TestHelmignoreAsHelmReadsIt(t *testing.T) {
	files := map[string]string{
		MetadataFile: smallMetadata, ChartFile: "apiVersion: v2\nname: demo\nversion: 1.0.0\n",
		"a.txt": "", "b.md": "", "sub/a.txt": "", "sub/deep/a.txt": "", "sub/b.md": "", "templates/.hidden": "", "templates/x.yaml": "",
		"charts/c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "charts/c/a.txt": "", "charts/c/.helmignore": "*.txt\n", "[x].txt": "", "dir.d/f": "", "values.yaml": "",
	}
	patterns := []string{
		"*.txt", "/a.txt", "sub/", "sub/a.txt", "sub/*", "!values.yaml", "*.md\n!b.md", "dir.d", "dir.d/", "# c\n\n  a.txt  ", "\ufeff*.md", "charts/c/a.txt", "a.txt/", "templates/", "?.md", "\\[x\\].txt",
	}
	for _, pattern := range patterns {
		t.Run(pattern, func(t *testing.T) {
			tree := maps.Clone(files)
			tree[".helmignore"] = pattern
			dir := trees.Write(t, tree)
			loaded, helmErr := loader.LoadDir(dir)
			e, err := Load(dir, Options{})
			if helmErr != nil {
				// Patterns may leave out Chart.yaml or extension.yaml themselves.
				if err == nil && pattern != "!values.yaml" {
					t.Fatalf("Helm refuses the folder (%v), we do not", helmErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, f := range loaded.Raw {
				if f.Name != ChartFile {
					want = append(want, f.Name)
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, names(e)); diff != "" {
				t.Errorf("Helm takes other files:\n%s", diff)
			}
		})
	}
}

// FuzzHelmignore: whatever stands in .helmignore, it leaves out of an extension
// what it leaves out of Helm's chart, and is refused where Helm refuses it.
func FuzzHelmignore(f *testing.F) {
	files := map[string]string{
		MetadataFile: smallMetadata, ChartFile: "apiVersion: v2\nname: demo\nversion: 1.0.0\n", "values.yaml": "", "a.txt": "", "b.md": "", "[x].txt": "", "-": "", "文件.txt": "",
		"sub/a.txt": "", "sub/deep/a.txt": "", "templates/x.yaml": "", "templates/.hidden": "", "files/ a ": "", "files/#a": "", "files/!a": "",
	}
	dir := f.TempDir()
	for name, content := range files {
		trees.WriteFile(f, dir, name, content)
	}
	for _, seed := range []string{
		"*.txt\n!a.txt\n", "a/**\n", "# c\r\n\r\nsub/\r\n*.md\r\n", "\ufeff/a.txt", "!", "/", "//", "[", "\\", "\\[x\\].txt\n\\#a", "sub/*/a.txt", "  *.txt  ", "!*.md\n*", "?", "{a,b}.*", "templates/", "files/ a ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		trees.WriteFile(t, dir, ".helmignore", source)
		e, err := Load(dir, Options{})
		if _, refused := ignore.Parse(strings.NewReader(source)); refused != nil {
			wantError(t, err, "reading .helmignore: ")
			return
		}
		if err != nil {
			wantError(t, err, "there is an extension.yaml, but line ", "leaves it out")
			return
		}
		loaded, err := loader.LoadDir(dir)
		if err != nil { // Chart.yaml is left out, perhaps
			return
		}
		var want []string
		for _, f := range loaded.Raw {
			if f.Name != ChartFile {
				want = append(want, f.Name)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, names(e)); diff != "" {
			t.Errorf("Helm takes other files:\n%s", diff)
		}
	})
}

func TestHelmignoreOfTheCorpus(t *testing.T) {
	for _, archive := range corpusPackages(t) {
		dir := trees.Unpack(t, archive, true)
		loaded, err := loader.LoadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, f := range loaded.Raw {
			if f.Name != ChartFile && !helmignore.NeverPacked(f.Name) {
				want = append(want, f.Name)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, names(mustLoad(t, dir))); diff != "" {
			t.Errorf("%s: Helm takes other files:\n%s", filepath.Base(archive), diff)
		}
	}
}

func TestBadHelmignore(t *testing.T) {
	tests := []struct{ source, want string }{
		{"# all\r\n\r\ndocs/**\r\n", `reading .helmignore: line 3, "docs/**": double-star (**) syntax is not supported: name a folder to leave it out with all that is in it, such as docs/`},
		{"a\n [ \n", `reading .helmignore: line 2, "[": syntax error in pattern: fix the pattern`},
		{"*.md\n!README.md\n", `there is an extension.yaml, but line 2 of .helmignore, "!README.md", leaves it out: to Helm a pattern with ! leaves out all that it does not match; remove that line`},
		{"\ufeff*.yaml\n", `there is an extension.yaml, but line 1 of .helmignore, "*.yaml", leaves it out: remove that line`},
	}
	for _, tt := range tests {
		_, err := Load(trees.Write(t, map[string]string{MetadataFile: smallMetadata, ".helmignore": tt.source}), Options{Display: "apps/x"})
		wantError(t, err, "reading the extension apps/x: "+tt.want)
	}
}

// link makes a symbolic link, or skips the test where the system has none.
func link(t *testing.T, target, dir, name string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, full); err != nil {
		t.Skipf("skipped: symbolic links cannot be made here: %v", err)
	}
}

func TestLinksThatStayInside(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "shared/a.txt": "A", "shared/deep/b.txt": "B"})
	link(t, "shared/a.txt", dir, "a.txt")
	link(t, "../../shared", dir, "charts/sub/shared")
	link(t, filepath.Join(dir, "shared", "a.txt"), dir, "absolute.txt")
	link(t, "a.txt", dir, "chain.txt")
	e := mustLoad(t, dir)
	got := map[string]string{}
	for _, f := range e.Files {
		got[f.Name] = string(f.Data)
	}
	want := map[string]string{
		MetadataFile: smallMetadata, "shared/a.txt": "A", "shared/deep/b.txt": "B",
		"a.txt": "A", "absolute.txt": "A", "chain.txt": "A", "charts/sub/shared/a.txt": "A", "charts/sub/shared/deep/b.txt": "B",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIgnoredLinks: .helmignore leaves out links as Helm does, which holds patterns
// against what a link leads to, and wherever it leads.
func TestIgnoredLinks(t *testing.T) {
	outside := t.TempDir()
	trees.WriteFile(t, outside, "modules/left-pad/index.js", "")
	trees.WriteFile(t, outside, "file", "")
	for _, tt := range []struct {
		name, target, pattern string
		left                  bool // out
	}{
		{"node_modules", outside + "/modules", "node_modules/", true},
		{"node_modules", outside + "/modules", "node_modules", true},
		{"node_modules", outside + "/modules", "/node_modules/", true},
		{"node_modules", outside + "/modules", "node_*/", true},
		{"node_modules", outside + "/modules", "*", true},
		{"web/node_modules", outside + "/modules", "node_modules/", true},
		{"web/node_modules", outside + "/modules", "web/node_modules/", true},
		{"web/node_modules", outside + "/modules", "web/", true},
		{"web/node_modules", outside + "/modules", "/node_modules/", false},
		{"node_modules", outside + "/modules", "node_modules/*", true},
		{"node_modules", outside + "/modules", "node_modules/?*", true},
		{"node_modules", outside + "/modules", "node_modules/*.js", false},
		{"node_modules", outside + "/modules", "node_modules/[a-z]*", false},
		{"node_modules", outside + "/file", "node_modules/", false}, // a file is no folder
		{"node_modules", outside + "/file", "node_modules", true},
		{"node_modules", "nowhere", "node_modules/", true},
		{"node_modules", "nowhere", "node_modules", true},
		{"node_modules", "node_modules", "node_modules/", true},
		{"sub/loop", "..", "loop/", true},
		{"sub/loop", "..", "sub/loop", true},
		{"templates/.hidden", outside + "/file", "", true}, // Helm's own default
		{"templates/.hidden", outside + "/modules", "", true},
		{"templates/.hidden", "nowhere", "", true},
		{"inside", "files", "inside/", true},
		{"inside", "files/x", "inside/", true}, // a file within is taken
	} {
		dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "files/x": "", ".helmignore": tt.pattern + "\n"})
		link(t, tt.target, dir, tt.name)
		e, err := Load(dir, Options{})
		if tt.pattern == "*" {
			if err == nil || strings.Contains(err.Error(), "link") { // extension.yaml is left out, too
				t.Errorf("%s -> %s, %q: %v", tt.name, tt.target, tt.pattern, err)
			}
			continue
		}
		if tt.name == "inside" && tt.target == "files/x" {
			if err != nil || !slices.ContainsFunc(e.Files, func(f File) bool { return f.Name == "inside" }) {
				t.Errorf("a link to a file is left out by %q (%v)", tt.pattern, err)
			}
			continue
		}
		if (err == nil) != tt.left {
			t.Errorf("%s -> %s, %q: %v, want it left out: %v", tt.name, tt.target, tt.pattern, err, tt.left)
		}
		if err == nil && slices.ContainsFunc(e.Files, func(f File) bool { return strings.HasPrefix(f.Name, tt.name) }) {
			t.Errorf("%s -> %s is packed in spite of %q", tt.name, tt.target, tt.pattern)
		}
	}
}

// TestLinkedHelmignore: a .helmignore that is a link counts wherever it is followed
// like any other file.
func TestLinkedHelmignore(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "common.ignore": "secret.txt\n", "secret.txt": "s"})
	for _, target := range []string{"common.ignore", filepath.Join(dir, "common.ignore"), filepath.Join("..", filepath.Base(dir), "common.ignore")} {
		if err := os.Remove(filepath.Join(dir, ".helmignore")); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		link(t, target, dir, ".helmignore")
		if got := names(mustLoad(t, dir)); slices.Contains(got, "secret.txt") {
			t.Errorf("with a link to %s the files are %q", target, got)
		}
	}
}

// TestIgnoredFolderAroundTheExtension: packages may be put next to the extension, or
// into its folder; that leaves out nothing else.
func TestIgnoredFolderAroundTheExtension(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "values.yaml": "", "demo-1.0.0.tgz": "own", "demo-1.0.0.tgz.sha256": "own"})
	for _, ignored := range []string{dir, dir + "/", filepath.Dir(dir), "/"} {
		e, err := Load(dir, Options{Ignore: []string{ignored}})
		if err != nil {
			t.Fatalf("%s: %v", ignored, err)
		}
		if want := []string{MetadataFile, "values.yaml"}; !slices.Equal(names(e), want) {
			t.Errorf("%s: the files are %q, want %q", ignored, names(e), want)
		}
	}
}

// TestWouldPack: what is written into an extension becomes a part of it, unless it is
// left out.
func TestWouldPack(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, ".helmignore": "reports/\n*.log\n", "reports/x": "", "files/x": ""})
	link(t, "files", dir, "linked")
	for file, want := range map[string]bool{
		"result.json": true, "files/result.json": true, "linked/result.json": true, "files/nowhere/result.json": false,
		"reports/result.json": false, "run.log": false, "dist/result.json": false, ".ksrelease/result.json": false, "../result.json": false,
	} {
		if got := WouldPack(dir, filepath.Join(dir, file), Options{Ignore: []string{filepath.Join(dir, "dist")}}); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}

// TestNamesThatNoPackageHas: what readers of packages refuse is reported before one is
// made.
func TestNamesThatNoPackageHas(t *testing.T) {
	for _, name := range []string{`docs\readme.txt`, `docs/a\b`, "C:/x"} {
		dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, name: ""})
		_, err := Load(dir, Options{})
		wantError(t, err, "has a backslash or a drive letter in its name", "rename it or leave it out (.helmignore)")
		trees.WriteFile(t, dir, ".helmignore", "*\\\\*\nC:\n")
		if _, err := Load(dir, Options{}); err != nil {
			t.Errorf("%s: ignored, the name still disturbs: %v", name, err)
		}
	}
}

// TestAssetsBelowLinks: what extension.yaml names and .helmignore leaves out is
// found below links, too, as long as they stay inside.
func TestAssetsBelowLinks(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: "name: demo\nversion: 1.0.0\nicon: static/icon.svg\n", ".helmignore": "pictures\nstatic\n", "pictures/icon.svg": "<svg/>"})
	link(t, filepath.Join(dir, "pictures"), dir, "static")
	e := mustLoad(t, dir)
	if len(e.Assets) != 1 || string(e.Assets[0].Data) != "<svg/>" {
		t.Errorf("the assets are %v, the problems %v", e.Assets, e.AssetProblems)
	}
}

func TestLinksThatDoNot(t *testing.T) {
	outside := t.TempDir()
	trees.WriteFile(t, outside, "secret", "s3cret")
	tests := []struct {
		name, target string
		want         string
	}{
		{"secret.txt", filepath.Join(outside, "secret"), "the link secret.txt points out of the extension: only links that stay inside are followed; copy the file instead"},
		{"folder", outside, "the link folder points out of the extension"},
		{"files/up", "../..", "the link files/up points out of the extension"},
		{"gone", "nowhere", "the link gone points to nothing: remove it or correct it"},
		{"sub/loop", "..", "the link sub/loop points to a folder that holds it: remove the link"},
		{"self", "self", "the link self points to nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "files/x": ""})
			link(t, tt.target, dir, tt.name)
			_, err := Load(dir, Options{Display: "apps/demo"})
			wantError(t, err, "reading the extension apps/demo", tt.want)
			if strings.Contains(err.Error(), "s3cret") {
				t.Error("the error shows what is outside")
			}
			// What is ignored need not be in order.
			trees.WriteFile(t, dir, ".helmignore", filepath.Base(tt.name)+"\n")
			if _, err := Load(dir, Options{}); err != nil {
				t.Errorf("ignored, the link still disturbs: %v", err)
			}
		})
	}
}

func TestLinkToWhatIsNeverPacked(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, ".env": "TOKEN=1", ".git/config": "x"})
	link(t, ".env", dir, "settings")
	link(t, ".git", dir, "git")
	link(t, "jo@host.4711:1700000000", dir, ".#values.yaml") // Emacs, while it edits
	if e := mustLoad(t, dir); !slices.Equal(names(e), []string{MetadataFile}) {
		t.Errorf("files are %q", names(e))
	}
}

func TestDirectoryLimits(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "big": strings.Repeat("x", 3000), "a/b/c/d": "y"})
	tests := []struct {
		limits Limits
		want   string
	}{
		{Limits{File: 2000}, "big has 2.9 KiB, and Helm loads no file larger than 2.0 KiB: make it smaller, or leave out what is no part of it (.helmignore)"},
		{Limits{Unpacked: 2000}, "more than 2.0 KiB of content: an extension may have 1 MiB packed; leave out what is no part of it (.helmignore)"},
		{Limits{Entries: 3}, "more than 3 files and folders"},
		{Limits{Depth: 2}, "a/b/c is more than 2 folders deep: an extension has a few; leave out what is no part of it (.helmignore)"},
	}
	for _, tt := range tests {
		_, err := Load(dir, Options{Limits: tt.limits})
		wantError(t, err, tt.want)
	}
	mustLoad(t, dir)
}

func TestHelmsOwnLimitOnFiles(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata})
	f, err := os.Create(filepath.Join(dir, "data.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(5<<20 + 1); err != nil {
		t.Fatal(err)
	}
	_, err = Load(dir, Options{})
	wantError(t, err, "data.bin has 5.0 MiB, and Helm loads no file larger than 5.0 MiB")
}

func TestLoadErrors(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no extension.yaml", map[string]string{"values.yaml": ""}, []string{"there is no extension.yaml in it", "give the directory"}},
		{"extension.yml", map[string]string{"extension.yml": ""}, []string{"rename extension.yml to extension.yaml"}},
		{"Extension.yaml", map[string]string{"Extension.yaml": ""}, []string{"rename Extension.yaml to extension.yaml"}},
		{"a list", map[string]string{MetadataFile: "- a\n"}, []string{"apps/x/extension.yaml:1:1", "holds no fields"}},
		{"empty", map[string]string{MetadataFile: "# nothing\n"}, []string{"apps/x/extension.yaml", "holds no fields", "beginning with apiVersion, name and version"}},
		{"no YAML", map[string]string{MetadataFile: "name: [demo\n"}, []string{"apps/x/extension.yaml:"}},
		{"no key", map[string]string{MetadataFile: "name: demo\nversion: 1.0.0\n1: other\n"}, []string{"apps/x/extension.yaml:3:1", "key 1 is not a string"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(trees.Write(t, tt.files), Options{Display: "apps/x"})
			wantError(t, err, tt.want...)
		})
	}
	_, err := Load(filepath.Join(t.TempDir(), "none"), Options{Display: "apps/none"})
	wantError(t, err, "reading the extension apps/none: no such file or directory")
}

func TestLoadMany(t *testing.T) {
	files := map[string]string{MetadataFile: smallMetadata}
	for i := range 300 {
		files[fmt.Sprintf("files/%03d", i)] = "x"
	}
	if got := len(mustLoad(t, trees.Write(t, files)).Files); got != 301 {
		t.Errorf("there are %d files, want 301", got)
	}
}
