package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// environment is what the fixtures' ${NAME} stand for.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"HOST": "cloud.example.com", "EXISTING": "skip", "ODD": "overwrite", "KIND": "dingtalk", "HOOK": "https://oapi.example.com/robot/send?access_token=x",
		"KSRELEASE_TOKEN": "kck-hidden-hidden", "COPY_OF_TOKEN": "x kck-hidden-hidden",
		"KSRELEASE_MIRROR_PASSWORD": "hunter2-hunter2", "COPY_OF_MIRROR": "hunter2-hunter2", "KSRELEASE_WEBHOOK_PASSWORD": "x", "KSRELEASE_PGP_PASSPHRASE": "correct horse",
	}[name]
	return value, ok
}

// beyondSchema are the bad fixtures that the schema alone takes for good, with
// the reason why no schema can know better.
var beyondSchema = map[string]string{
	"dollars.yaml":         "the schema reads $${HOST} as a reference, which may stand for any value",
	"duplicates.yaml":      "to a schema the later of two equal keys is all there is",
	"second-document.yaml": "to a schema the first document is all there is",
	"environment.yaml":     "variables are not part of the file",
	"secrets.yaml":         "a reference may stand for any value",
	"globs.yaml":           "the form of globs is no regular language",
	"announce-secret.yaml": "which kinds have signatures is no matter of one key",
	"cache-remote.yaml":    "a size as text has no least value",
	"memory.yaml":          "a size as text has no least value",
	"target-names.yaml":    "which names are alike is no matter of one item",
}

// TestGoodFixtures holds loader and schema to the same verdict on what is right.
func TestGoodFixtures(t *testing.T) {
	for _, file := range fixtures(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := read(t, file)
			if _, err := Parse(file, src, environment); err != nil {
				t.Errorf("the loader refuses it:\n%v", err)
			}
			if err := schemaVerdict(t, src); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

// TestBadFixtures compares what the loader says with golden files, and holds
// loader and schema to the same verdict on what is wrong.
func TestBadFixtures(t *testing.T) {
	for _, file := range fixtures(t, "bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := read(t, file)
			config, err := Parse(filepath.Base(file), src, environment)
			var problems diagnostic.List
			if config != nil || !errors.As(err, &problems) {
				t.Fatalf("the loader takes it, or fails without problems: %v", err)
			}
			checkCodes(t, err)
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("run with -update if this is better:\n%s", diff)
			}
			for _, jargon := range []string{"map[", "interface", "json:", "config.", "*config", "additionalProp", "0x", "<nil>"} {
				if strings.Contains(got, jargon) && !strings.HasPrefix(filepath.Base(file), "not-utf8") {
					t.Errorf("the message speaks of %q", jargon)
				}
			}
			_, beyond := beyondSchema[filepath.Base(file)]
			if refused := schemaVerdict(t, src) != nil; refused == beyond {
				t.Errorf("the schema refuses it: %v; beyond the schema: %v", refused, beyond)
			}
		})
	}
}

// TestTenMistakes counts: a file with ten different mistakes has ten problems.
func TestTenMistakes(t *testing.T) {
	_, err := Parse("ten.yaml", read(t, "testdata/bad/ten.yaml"), environment)
	var problems diagnostic.List
	if !errors.As(err, &problems) || len(problems) != 10 {
		t.Fatalf("%d problems, want 10:\n%v", len(problems), err)
	}
	for _, p := range problems {
		if p.Range.Start.Line == 0 || p.Range.Start.Column == 0 || p.Excerpt == "" {
			t.Errorf("no place for %q", p.Message)
		}
	}
}

func fixtures(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", folder, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// schemaVerdict is what any tool would say that only knows the schema: another
// YAML reader and the validator, with nothing of the loader between them.
func schemaVerdict(t *testing.T, src []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSON))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schema.ID, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(schema.ID)
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(src, &node); err != nil {
		return err
	}
	dropDuplicates(&node)
	var value any
	if err := node.Decode(&value); err != nil {
		return err
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return compiled.Validate(plain)
}

// dropDuplicates keeps the first of equal keys, so that the reader, which would
// refuse them, leaves the verdict to the schema.
func dropDuplicates(node *yaml.Node) {
	if node.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		var kept []*yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			if key := node.Content[i].Value; !seen[key] {
				seen[key] = true
				kept = append(kept, node.Content[i], node.Content[i+1])
			}
		}
		node.Content = kept
	}
	for _, child := range node.Content {
		dropDuplicates(child)
	}
}
