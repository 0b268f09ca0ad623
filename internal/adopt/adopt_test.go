package adopt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Each archive in testdata is a repository; what is said of it, and written, is in it below
// want/. UPDATE=1 writes that anew.
func TestRepositories(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) < 8 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			absolute, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var wanted, files []txtar.File
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want/") {
					wanted = append(wanted, f)
					continue
				}
				files = append(files, f)
				put(t, f.Name, string(f.Data))
			}
			report := readHere(t)
			got := results(t, report)
			if os.Getenv("UPDATE") != "" {
				archive.Files = append(files, got...)
				if err := os.WriteFile(absolute, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(got) != len(wanted) {
				t.Fatalf("%d files, want %d", len(got), len(wanted))
			}
			for i := range got {
				if got[i].Name != wanted[i].Name || !bytes.Equal(got[i].Data, wanted[i].Data) {
					t.Errorf("%s:\n%s\nwant %s:\n%s", got[i].Name, got[i].Data, wanted[i].Name, wanted[i].Data)
				}
			}
		})
	}
}

// results are the text of a report, and the files that it would write, but for the config,
// which other tests hold.
func results(t *testing.T, report *Report) []txtar.File {
	t.Helper()
	var printed bytes.Buffer
	report.Print(output.New(&printed), false)
	text, _, _ := strings.Cut(printed.String(), "--- /dev/null")
	for _, note := range report.Notes {
		text += "→ " + note + "\n"
	}
	all := []txtar.File{{Name: "want/report.txt", Data: []byte(text)}}
	for _, w := range report.Writes {
		if w.Path == config.Name {
			if _, err := config.Parse(config.Name, []byte(w.Text), func(string) (string, bool) { return "", false }); err != nil {
				t.Errorf("%v\n%s", err, w.Text)
			}
			if hooks := regexp.MustCompile(`(?m)^    (before|after):\n(      .*\n|        .*\n)+`).FindAllString(w.Text, -1); len(hooks) > 0 {
				all[0].Data = append(all[0].Data, config.Name+" has hooks:\n"+strings.Join(hooks, "")...)
			}
			for _, set := range regexp.MustCompile(`(?m)^  (server|patterns): .*$`).FindAllString(w.Text, -1) {
				all[0].Data = append(all[0].Data, ".ksrelease.yaml has"+set[1:]+"\n"...)
			}
			continue
		}
		all = append(all, txtar.File{Name: "want/" + w.Path, Data: []byte(w.Text)})
	}
	return all
}

// acceptsAll is a version of ksrelease that has all that is written anywhere.
func acceptsAll(string) bool { return true }

func readHere(t *testing.T, paths ...string) *Report {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	report, err := Read(t.Context(), Options{Root: root, Paths: paths, Accepts: acceptsAll, Version: "v1.2.3"})
	if err != nil {
		t.Fatalf("%v (%s)", err, failure.Hint(err))
	}
	return report
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.FromSlash(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	workflow  = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: ksbuilder push alc\n"
	extension = "name: alc\nversion: 1.0.0\n"
)

// New files are written once, and what is there is replaced only where that is asked for; a
// config is never replaced.
func TestSave(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	put(t, ".github/workflows/old.yml", workflow)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	states := func(r *Report) string {
		var all []string
		for _, w := range r.Writes {
			all = append(all, w.State)
		}
		return strings.Join(all, " ")
	}
	report := readHere(t)
	if got := states(report); got != "new new" {
		t.Error(got)
	}
	if err := report.Save(root, false); err != nil || states(report) != "written written" {
		t.Errorf("%v, %s", err, states(report))
	}
	again := readHere(t)
	if err := again.Save(root, false); err != nil || states(again) != "kept same" {
		t.Errorf("%v, %s", err, states(again))
	}
	put(t, ".github/workflows/ksrelease.yml", "on: push\n")
	put(t, config.Name, "version: 1\nextensions: [{path: alc}]\n")
	other := readHere(t)
	if err := other.Save(root, false); err == nil || states(other) != "kept differs" || !strings.Contains(failure.Hint(err), "--overwrite") {
		t.Errorf("%v, %s", err, states(other))
	}
	if err := other.Save(root, true); err != nil || states(other) != "kept written" {
		t.Errorf("%v, %s", err, states(other))
	}
	if text, err := os.ReadFile(config.Name); err != nil || !strings.Contains(string(text), "path: alc}") {
		t.Errorf("%s, %v", text, err)
	}
	if entries, err := os.ReadDir(".github/workflows"); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	if text, err := os.ReadFile(".github/workflows/old.yml"); err != nil || string(text) != workflow {
		t.Errorf("%s, %v", text, err)
	}
}

// Nothing is read or written outside of the repository, whatever links there are.
func TestLinks(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.yml")
	if err := os.WriteFile(secret, []byte(workflow+"# the secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	put(t, ".gitlab-ci.yml", "a:\n  script: [ksbuilder push alc]\n")
	if err := os.Mkdir(".github", 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{".github/workflows": outside, "Makefile": secret, ".gitlab": outside} {
		if err := os.Symlink(to, filepath.FromSlash(link)); err != nil {
			t.Skip(err)
		}
	}
	report := readHere(t)
	if len(report.Files) != 1 || report.Files[0].Path != ".gitlab-ci.yml" {
		t.Errorf("%+v", report.Files)
	}
	unread := false
	for _, u := range report.Unread {
		unread = unread || u.File == "Makefile" && strings.Contains(u.Message, "leads out of")
	}
	if !unread {
		t.Errorf("%+v", report.Unread)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Save(root, true); err == nil {
		t.Error("written through a link")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// Keys and passwords that stand in files are reported by their place, and shown nowhere.
func TestLiteralsAreNotShown(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	put(t, ".github/workflows/a.yml", `on: push
env:
  CHAT_TOKEN: kck-canary-one
permissions: {id-token: write, contents: read}
jobs:
  a:
    runs-on: x
    env: {ok: "${{ secrets.OK }}", PASSWORD: "${{ secrets.P }}"}
    steps:
      - name: kck-canary-two
        run: |
          ksbuilder login -t kck-canary-two
          ksbuilder push alc
          curl -u bot:canary-three https://bot:canary-four@example.com/api/charts -F x=@a.tgz
          helm registry login x -u u --password=canary-five && canary-five
          echo canary-six | oras login --password-stdin
          TOKEN="$PASSWORD" ksbuilder push alc
          curl -H "Authorization: Bearer canary-seven" https://example.com -d 1
          curl -d x https://hooks.slack.com/services/canary-nine/x
`)
	put(t, ".gitlab-ci.yml", "a:\n  script: ['ksbuilder login -t canary-eight', 'helm push canary-eight.tgz oci://x']\n")
	report := readHere(t)
	var places []string
	for _, l := range report.Literals {
		places = append(places, l.What)
	}
	want := []string{"CHAT_TOKEN", "a password or token of a login", "an address with a password", "a password or token of a login", "a password that is piped into a login", "a header of curl", "an address of a chat, which is a key", "a password or token of a login"}
	if !slices.Equal(places, want) {
		t.Errorf("%q, want %q", places, want)
	}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	report.Print(output.New(&text), false)
	for _, printed := range []string{string(data), text.String()} {
		if at := strings.Index(printed, "canary"); at >= 0 {
			t.Errorf("shown: …%s…", printed[max(0, at-80):min(len(printed), at+40)])
		}
	}
}

// Paths may be files and folders of the repository, and nothing else.
func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	put(t, "ci/release", "#!/bin/sh\nksbuilder push alc\n")
	put(t, "ci/deep/lint.sh", "ksbuilder lint alc\n")
	put(t, "ci/other.txt", "ksbuilder lint alc\n")
	if got := len(readHere(t).Files); got != 0 {
		t.Errorf("%d files", got)
	}
	for _, test := range []struct {
		paths []string
		want  string
	}{
		{[]string{"ci"}, "ci/deep/lint.sh ci/release"},
		{[]string{"ci/release"}, "ci/release"},
		{[]string{"./ci/../ci/deep/lint.sh"}, "ci/deep/lint.sh"},
	} {
		var got []string
		for _, f := range readHere(t, test.paths...).Files {
			got = append(got, f.Path)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: %q", test.paths, got)
		}
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"../x": "is not in this repository", "absent.yml": "absent.yml: ", "ci/other.txt": "is no file that a CI system", "alc": "alc has no file of a CI system",
	} {
		_, err := Read(t.Context(), Options{Root: root, Paths: []string{path}, Accepts: acceptsAll})
		if err == nil || !strings.Contains(err.Error(), want) || failure.Hint(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
	empty := t.TempDir()
	if _, err := Read(t.Context(), Options{Root: empty, Accepts: acceptsAll}); err == nil || !strings.Contains(err.Error(), "no extension here") {
		t.Errorf("%v", err)
	}
}

// Hostile files end with what is wrong with them, and soon.
func TestHostileFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for _, i := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		before := string(i[0] - 1)
		bomb += "a" + i + ": &a" + i + " [" + strings.Repeat("*a"+before+", ", 9) + "*a" + before + "]\n"
	}
	put(t, ".github/workflows/bomb.yml", bomb+workflow)
	put(t, ".github/workflows/large.yml", workflow+strings.Repeat("# x\n", 1<<19))
	put(t, ".github/workflows/deep.yml", "on: "+strings.Repeat("[", 5000))
	put(t, ".github/workflows/control\x1b[31m.yml", strings.Replace(workflow, "push alc", "push \"\u202ealc\" ##[error]x", 1))
	put(t, "Makefile", "A=$(B)$(B)\nB=$(A)$(A)\nx:\n\tksbuilder push $(A) && "+strings.Repeat("(", 3000)+"\ny: x\nx: y\n\tmake y; make x\n")
	put(t, "Jenkinsfile", "sh '"+strings.Repeat("\\", 1<<16)+"\nsh \"\"\"${"+strings.Repeat("{", 1<<16))
	fan := "A0=\n"
	for i := 1; i < 9; i++ {
		fan += fmt.Sprintf("A%d=%s\n", i, strings.Repeat(fmt.Sprintf("$(A%d)", i-1), 500))
	}
	needs := ""
	for i := range 1200 {
		needs += fmt.Sprintf(" t%d", i)
	}
	put(t, "hostile.mk", fan+"all:"+needs+"\n\tksbuilder push $(A8)\n"+strings.ReplaceAll(strings.TrimSpace(needs), " ", ": all\n\tmake all\n")+": all"+needs+"\n")
	put(t, "a.sh", "bash ./a.sh; source a.sh; ksbuilder push a\n")
	begun := time.Now()
	report := readHere(t)
	readHere(t, "hostile.mk")
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	var text bytes.Buffer
	report.Print(output.New(&text), false)
	if strings.ContainsAny(text.String(), "\x1b\u202e") || strings.Contains(text.String(), "##[error]") {
		t.Errorf("%q", text.String())
	}
	if len(report.Unread) < 3 || len(report.Files) == 0 {
		t.Errorf("%+v\n%+v", report.Files, report.Unread)
	}
	if calls := readHere(t, "a.sh"); len(calls.Files) != 1 {
		t.Errorf("%+v", calls.Files)
	}
}

// What a file includes and nobody has read is said, the file that includes something stays as a
// whole, and a name of any length is shown in a line.
func TestIncludes(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "alc/extension.yaml", extension)
	long := strings.Repeat("x", 100_000)
	put(t, "Makefile", "include ../x.mk /y.mk $(DIR)/z.mk known.mk\nall:\n\tksbuilder push alc\n"+long+":\n\tksbuilder push alc\nother:\n\t$(MAKE) "+long+"\n")
	put(t, "known.mk", "test:\n\tgo test\n")
	put(t, ".gitlab-ci.yml", "include: [{local: known.yml}, {remote: https://x.example/y.yml}, {project: p/q, file: z.yml}, {template: T.gitlab-ci.yml}]\na:\n  script: [ksbuilder push alc]\n")
	put(t, "known.yml", "b:\n  script: [go test]\n")
	report := readHere(t)
	var unread, removable []string
	for _, u := range report.Unread {
		unread = append(unread, fmt.Sprintf("%s:%d: %s", u.File, u.Line, u.Message))
	}
	for _, p := range report.Removable {
		removable = append(removable, p.File+": "+p.What)
		if len(p.What) > 1000 {
			t.Errorf("%d bytes of a name", len(p.What))
		}
	}
	want := []string{
		".gitlab-ci.yml:1: it includes https://x.example/y.yml, which was not read",
		".gitlab-ci.yml:1: it includes p/q, which was not read",
		"Makefile:1: it includes ${DIR}/z.mk, which was not read",
		"Makefile:0: it includes ../x.mk, which is not in this repository",
		"Makefile:0: it includes /y.mk, which is not in this repository",
	}
	if slices.Sort(unread); !slices.Equal(unread, slices.Sorted(slices.Values(want))) {
		t.Errorf("%q", unread)
	}
	if slices.Contains(removable, "Makefile: the whole file") || !slices.Contains(removable, "Makefile: the target all") {
		t.Errorf("%q", removable)
	}
	for _, f := range report.Files {
		for _, step := range f.Steps {
			for _, use := range step.Uses {
				if len(use.Command) > 1000 || len(use.Does) > 1000 {
					t.Errorf("%d bytes of a command, %d of what it does", len(use.Command), len(use.Does))
				}
			}
		}
	}
}
