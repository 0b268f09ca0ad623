package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// place makes files of a test, by their path below a folder; a text that begins with
// "->" is a link.
func place(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(text, "->"); ok {
			if err := os.Symlink(to, file); err != nil {
				t.Skip(err)
			}
		} else if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tempDir is a folder without links on the way to it, as on macOS.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const least = "version: 1\nextensions: [{path: a}]\n"

// A config above the working directory is found up to the top of its git work tree.
func TestFindEndsAtTheTopOfTheWorkTree(t *testing.T) {
	dir := tempDir(t)
	place(t, dir, map[string]string{
		Name: least, "repo/.git/HEAD": "ref: x", "repo/sub/x": "",
		"repo/modules/sub/.git": "gitdir: ../../.git/modules/sub\n", "repo/modules/sub/x": "",
		"repo/other/.git": "gitdir: /elsewhere/.git/worktrees/other\n", "repo/other/x": "",
		"plain/sub/x": "", "link": "->repo/sub",
	})
	for _, from := range []string{"repo", "repo/sub", "repo/modules/sub", "repo/other", "link"} {
		_, err := Find(filepath.Join(dir, filepath.FromSlash(from)))
		var above *AboveTopError
		if !errors.As(err, &above) || !errors.Is(err, ErrNotFound) || above.File != filepath.Join(dir, Name) {
			t.Errorf("%s: %v", from, err)
		}
	}
	if file, err := Find(filepath.Join(dir, "plain", "sub")); err != nil || file != filepath.Join(dir, Name) {
		t.Errorf("outside of a work tree: %s, %v", file, err)
	}
	place(t, dir, map[string]string{"repo/" + Name: least})
	for from, found := range map[string]bool{"repo": true, "repo/sub": true, "repo/modules/sub": true, "repo/other": false} {
		file, err := Find(filepath.Join(dir, filepath.FromSlash(from)))
		if found && (err != nil || file != filepath.Join(dir, "repo", Name)) || !found && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %s, %v", from, file, err)
		}
	}
}

// A config above the working directory belongs to the user or to root.
func TestFindTakesNoConfigOfAnother(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir := tempDir(t)
	place(t, dir, map[string]string{Name: least, "sub/x": ""})
	if err := os.Chown(filepath.Join(dir, Name), 12345, -1); err != nil {
		t.Skip(err)
	}
	if _, err := Find(filepath.Join(dir, "sub")); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "belongs to another user (uid 12345)") {
		t.Errorf("%v", err)
	}
	if _, err := Find(dir); err != nil {
		t.Errorf("in the working directory itself: %v", err)
	}
}

// A config is a regular file within its project, whatever links lead to it.
func TestLoadStaysWithinTheProject(t *testing.T) {
	dir := tempDir(t)
	const secret = "//registry.example.com/:_authToken=hidden-away\n"
	place(t, dir, map[string]string{
		"npmrc": secret, "real.yaml": least, "elsewhere/config.yaml": least,
		"repo/.git/HEAD": "ref: x", "repo/shared.yaml": least, "repo/sub/x": "", "repo/folder/" + Name + "/x": "",
		"repo/sub/" + Name: "->../shared.yaml", "repo/" + Name: "->../npmrc", "repo/absolute.yaml": "->" + filepath.Join(dir, "npmrc"),
		"repo/environ.yaml": "->/proc/self/environ", "repo/zero.yaml": "->/dev/zero", "repo/out": "->../elsewhere",
		"plain/in.yaml": "->x/real.yaml", "plain/x/real.yaml": least, "plain/out.yaml": "->../real.yaml",
		"repo/large.yaml": strings.Repeat("#", 9<<20),
	})
	for name, want := range map[string]string{
		"repo/sub/" + Name: "", "plain/in.yaml": "", "real.yaml": "",
		"repo/" + Name: "leads out of", "repo/absolute.yaml": "leads out of", "repo/environ.yaml": "leads out of", "repo/zero.yaml": "leads out of",
		"repo/out/config.yaml": "leads out of", "plain/out.yaml": "leads out of",
		"repo/large.yaml": "more than 8 MiB", "repo/folder/" + Name: "a folder",
	} {
		if runtime.GOOS == "windows" && strings.Contains(name, "environ") {
			continue
		}
		_, err := Load(filepath.Join(dir, filepath.FromSlash(name)), noEnvironment)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)) && !(strings.HasPrefix(name, "repo/") && errors.Is(err, os.ErrNotExist)):
			t.Errorf("%s: %v, want %s", name, err, want)
		case err != nil && strings.Contains(err.Error(), "hidden-away"):
			t.Errorf("%s shows what it must not: %v", name, err)
		}
	}
	// A relative name is one below the working directory, whatever leads there.
	t.Chdir(filepath.Join(dir, "repo"))
	if _, err := Load(filepath.Join("out", "config.yaml"), noEnvironment); err == nil || !strings.Contains(err.Error(), "leads out of") {
		t.Errorf("%v", err)
	}
	if _, err := Load(filepath.Join("sub", Name), noEnvironment); err != nil {
		t.Error(err)
	}
}
