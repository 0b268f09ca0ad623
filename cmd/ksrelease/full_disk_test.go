package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// printing says how each command prints something to standard output, after what has to
// be done for it. What needs a repository gets one.
var printing = map[string]struct {
	before, line string
	git          bool
}{
	"run":                 {line: "run --local --dry-run"},
	"check":               {line: "check"},
	"lint":                {line: "lint"},
	"package":             {line: "package --output json"},
	"init":                {line: "init -C fresh"},
	"adopt":               {line: "adopt"},
	"status":              {line: "status --local"},
	"doctor":              {line: "doctor --local"},
	"report":              {before: "run --local --report run.jsonl", line: "report run.jsonl"},
	"plan":                {line: "plan --local --output github-matrix"},
	"changes":             {line: "changes --since HEAD", git: true},
	"diff":                {line: "diff alc --local"},
	"preview":             {line: "preview alc --local -o page.html"},
	"bump":                {line: "bump alc --patch --dry-run"},
	"tag":                 {line: "tag --local", git: true},
	"prove":               {line: "prove nothing --local", git: true},
	"notes":               {line: "notes alc"},
	"bundle":              {line: "bundle --from tree -o new.tar"},
	"unbundle":            {before: "bundle --from tree -o new.tar", line: "unbundle new.tar --to ./museum"},
	"images list":         {line: "images list"},
	"images check":        {line: "images check"},
	"images mirror":       {line: "images mirror --to localhost:1/x --dry-run"},
	"withdraw":            {before: "run --local", line: "withdraw --local alc@1.2.0"},
	"login":               {line: "login --token-stdin --server SERVER"},
	"logout":              {line: "logout"},
	"whoami":              {before: "login --token-stdin --server SERVER", line: "whoami --server SERVER"},
	"help":                {line: "help run"},
	"man":                 {line: "man pages"},
	"schema":              {line: "schema"},
	"marketplace approve": {before: "run --local", line: "marketplace approve alc@1.2.0"},
	"marketplace reject":  {before: "run --local", line: "marketplace reject alc@1.2.0"},
	"marketplace repair":  {before: "run --local", line: "marketplace repair"},
	"cache info":          {line: "cache info"},
	"cache clean":         {line: "cache clean"},
	"version":             {line: "version"},
	"completion":          {line: "completion bash"},
}

// silent are the commands that print no results, with the reason.
var silent = map[string]string{
	"marketplace serve": "what it says goes to standard error, and it does not end",
}

// A disk that is full is an error of each command, in one line and a hint; a reader
// that goes away is none. Each command of the grammar is here, or in silent.
func TestAFullDiskIsAnErrorOfEachCommand(t *testing.T) {
	soak.Long(t)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	server := serveMarketplace(t).server
	for name := range commandsOf(ksreleaseModel(t).Node) {
		if silent[name] != "" {
			continue
		}
		p, ok := printing[name]
		if !ok {
			t.Errorf("say in printing how %q prints something, or in silent why it does not", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, line := range []string{p.line, name + " --help"} {
				dir := t.TempDir()
				for _, place := range []string{"", "fresh"} {
					files := map[string]string{
						"alc/extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.2.0\ndisplayName: {en: ALC}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n",
						"alc/values.yaml":    "global: {}\n",
						"alc/CHANGELOG.md":   "## 1.2.0\n\n- New\n",
					}
					if place == "" {
						files[".ksrelease.yaml"] = "version: 1\nextensions: [{path: alc}]\n"
					}
					for file, text := range files {
						file = filepath.Join(dir, place, filepath.FromSlash(file))
						if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
							t.Fatal(err)
						}
					}
				}
				if p.git && line == p.line {
					commitAll(t, dir)
				}
				if p.before != "" && line == p.line {
					if code, _, errs := runInto(t, dir, strings.Fields(strings.ReplaceAll(p.before, "SERVER", server.URL)), nil); code != 0 {
						t.Fatalf("%s: %d\n%s", p.before, code, errs)
					}
				}
				full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				code, _, errs := runInto(t, dir, strings.Fields(strings.ReplaceAll(line, "SERVER", server.URL)), full)
				_ = full.Close()
				if code != app.ExitNotReleased || strings.Count(errs, "ksrelease: ") != 1 || !strings.Contains(errs, "writing to standard output: write /dev/stdout: no space left on device") || strings.Contains(errs, "goroutine") {
					t.Errorf("%s > /dev/full: exit code %d\n%s", line, code, errs)
				}
			}
			// A reader that has gone away.
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			_ = reader.Close()
			code, _, errs := runInto(t, t.TempDir(), strings.Fields(name+" --help"), writer)
			_ = writer.Close()
			if code != app.ExitNotReleased || errs != "ksrelease: not all results were written: nobody reads standard output any more\n" {
				t.Errorf("%s --help | true: exit code %d\n%s", name, code, errs)
			}
		})
	}
}

// commitAll makes a repository of a folder, with all that is in it.
func commitAll(t *testing.T, dir string) {
	t.Helper()
	gittest.Need(t)
	r := gittest.At(t, dir)
	r.Git("init", "-q")
	r.Commit("one")
}

// That the disk is full is said whatever else the exit code stands for, once, and the
// code stays.
func TestAFullDiskIsSaidOfACommandThatFails(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	const broken, whole = "name: alc\n", "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.2.0\ndisplayName: {en: ALC}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n"
	for _, c := range []struct {
		line, config, metadata string
		code                   int
	}{
		{"lint", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"lint --output json", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"package", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"package --output json", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"run --local --dry-run", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"check", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
		{"check", "verson: 1\n", whole, app.ExitUsage},
		{"status --local", "version: 1\nextensions: [{path: alc}]\n", broken, app.ExitNotReleased},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{".ksrelease.yaml": c.config, "alc/extension.yaml": c.metadata, "alc/values.yaml": "global: {}\n"} {
			file = filepath.Join(dir, filepath.FromSlash(file))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		code, _, errs := runInto(t, dir, strings.Fields(c.line), full)
		_ = full.Close()
		if code != c.code || strings.Count(errs, "no space left on device") != 1 {
			t.Errorf("%s > /dev/full: exit code %d, not %d, or no word of the disk:\n%s", c.line, code, c.code, errs)
		}
	}
}

// runInto runs a command line in a folder with standard output going to a file, or, where
// there is none, to what it returns.
func runInto(t *testing.T, dir string, args []string, to *os.File) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.WaitDelay = time.Second
	command.Dir = dir
	command.Env = append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1"), ownFolders(dir)...)
	command.Stdin = strings.NewReader("kck-00000000-0000-0000-0000-000000000000\n")
	command.Stdout, command.Stderr = &stdout, &stderr
	if to != nil {
		command.Stdout = to
	}
	err := command.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
}
