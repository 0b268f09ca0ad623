package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/schema"
)

// outputSchemas are the schemas of what is printed as JSON.
var outputSchemas = map[string][]byte{"result": schema.Result, "event": schema.Event, "status": schema.Status}

// holdToSchema says what of a text breaks the schema of a name. Events are a line each.
func holdToSchema(name string, text []byte) error {
	raw, ok := outputSchemas[name]
	if !ok {
		return fmt.Errorf("there is no schema %q", name)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if err := compiler.AddResource(name, parsed); err != nil {
		return err
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return err
	}
	all := [][]byte{text}
	if name == "event" {
		all = bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	}
	for _, one := range all {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(one))
		if err != nil {
			return fmt.Errorf("%w in %s", err, one)
		}
		if err := compiled.Validate(value); err != nil {
			return err
		}
	}
	return nil
}

// holdsInScript holds a file, or stdout, to a published schema.
func holdsInScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] holds result|event|status FILE")
	}
	err := holdToSchema(args[0], []byte(ts.ReadFile(args[1])))
	switch {
	case neg && err == nil:
		ts.Fatalf("%s holds to the schema %s", args[1], args[0])
	case !neg && err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
}

// What docs/ci.md has jq say of the files of a run, it says.
func TestRecipesOfTheDocuments(t *testing.T) {
	soak.Long(t)
	jq, err := exec.LookPath("jq")
	if err != nil {
		t.Fatal("jq is missing, which the recipes of docs/ci.md are for: apt-get install jq")
	}
	dir, home := t.TempDir(), t.TempDir()
	metadata := func(name, version string) string {
		return "apiVersion: kubesphere.io/v1alpha1\nname: " + name + "\nversion: " + version + "\ndisplayName: {en: X, zh: X}\ndescription: {en: An extension, zh: 扩展}\ncategory: computing\nprovider: {en: {name: Example}, zh: {name: Example}}\nicon: icon.svg\n"
	}
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(to string, exit int, args ...string) {
		t.Helper()
		command := exec.Command(os.Args[0], args...)
		command.Dir, command.Env = dir, append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1"), ownFolders(home)...)
		out, err := command.Output()
		if command.ProcessState.ExitCode() != exit {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		write(to, string(out))
	}
	write(".ksrelease.yaml", "version: 1\nextensions: [{path: alc}, {path: bee}]\n")
	for name, version := range map[string]string{"alc": "1.2.0", "bee": "0.1.0"} {
		write(name+"/extension.yaml", metadata(name, version))
		write(name+"/icon.svg", `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`)
		write(name+"/values.yaml", "global: {}\n")
	}
	run("first.txt", 0, "run", "--local", "alc")
	write("alc/values.yaml", "global: {changed: true}\n")
	run("events.jsonl", 1, "run", "--local", "--report", "result.json", "--output", "json", "--parallelism", "1")
	run("status.json", 0, "status", "--local", "--output", "json")
	for file, name := range map[string]string{"result.json": "result", "events.jsonl": "event", "status.json": "status"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := holdToSchema(name, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	recipes := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readDoc(t, "docs/ci.md"), -1) {
		for part := range strings.SplitSeq("\n"+block[1], "\n$ ") {
			line, want, _ := strings.Cut(part, "\n")
			if !strings.HasPrefix(line, "jq ") {
				continue
			}
			recipes++
			command := exec.Command("sh", "-c", jq+strings.TrimPrefix(line, "jq"))
			command.Dir = dir
			got, err := command.CombinedOutput()
			if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(want) {
				t.Errorf("%s: %v\n%s\nthe page says\n%s", line, err, got, want)
			}
		}
	}
	if recipes < 9 {
		t.Errorf("only %d recipes found", recipes)
	}
}
