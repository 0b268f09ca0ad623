package gitlab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ksrelease/ksrelease/internal/results"
)

// codeclimate is what GitLab's own schema asks of an entry (app/validators/json_schemas/
// codeclimate.json), together with what its page "Code Quality" and its parser need: the path,
// and a line, without which the page that shows them breaks.
const codeclimate = `{
  "type": "array",
  "items": {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "properties": {
      "description": {"type": "string", "minLength": 1},
      "check_name": {"type": "string", "minLength": 1},
      "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
      "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
      "location": {
        "type": "object",
        "required": ["path", "lines"],
        "properties": {
          "path": {"type": "string", "minLength": 1, "not": {"pattern": "^(/|\\./|\\.\\./)"}},
          "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}}
        }
      }
    }
  }
}`

// holdToGitLab reads a report as GitLab does, and says what is wrong with it.
func holdToGitLab(t *testing.T, data []byte) []issue {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(codeclimate))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("codeclimate.json", parsed); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if err := compiler.MustCompile("codeclimate.json").Validate(value); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	var all []issue
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	// GitLab keeps one entry of each fingerprint.
	seen := map[string]bool{}
	for _, i := range all {
		if seen[i.Fingerprint] {
			t.Errorf("%s is there twice", i.Fingerprint)
		}
		seen[i.Fingerprint] = true
	}
	if !slices.IsSortedFunc(all, func(a, b issue) int { return urgency(a.Severity) - urgency(b.Severity) }) {
		t.Errorf("the worst do not come first: %s", data)
	}
	return all
}

func finding(code, severity, file string, line int) results.Finding {
	rule, _, _ := strings.Cut(code, "/")
	return results.Finding{Code: code, Rule: rule, Severity: severity, Message: "m", File: file, Line: line, Fingerprint: "0123456789abcdef"}
}

func TestCodeQuality(t *testing.T) {
	t.Chdir(t.TempDir())
	all := []results.Finding{
		finding("images/unused", "warning", "ext/alc/extension.yaml", 12),
		finding("images/unused", "warning", "ext/alc/extension.yaml", 14),
		finding("schema/type", "error", "./ext/../ext/alc/a b%.yaml", 0),
		finding("texts/long", "info", "../elsewhere/x.yaml", 3),
		{Severity: "odd"},
		finding("texts/long", "info", "/", 3),
		{Message: "a\x1b[2J\nb", File: "a\nb", Severity: "error"},
	}
	r := &results.Document{
		Extensions: []results.Extension{{Name: "alc", Findings: all}, {Name: "bee", Findings: all[:1]}},
		Error:      &results.CommandError{Problems: []results.Finding{finding("configuration/unknown-key", "error", ".ksrelease.yaml", 2)}},
	}
	data, err := CodeQuality(r)
	if err != nil {
		t.Fatal(err)
	}
	got := holdToGitLab(t, data)
	if len(got) != 9 {
		t.Errorf("%d entries:\n%s", len(got), data)
	}
	want := issue{"m", "schema/type", got[1].Fingerprint, "critical", place{"ext/alc/a b%.yaml", lines{1, 1}}}
	if got[1] != want {
		t.Errorf("got %+v, want %+v", got[1], want)
	}

	// The line and the words do not count, the file and the code do.
	prints := func(f results.Finding) string {
		data, err := CodeQuality(&results.Document{Extensions: []results.Extension{{Findings: []results.Finding{f}}}})
		if err != nil {
			t.Fatal(err)
		}
		return holdToGitLab(t, data)[0].Fingerprint
	}
	first := all[0]
	moved, other := first, first
	moved.Line, moved.Message = 40, "in other words"
	other.File = "ext/bee/extension.yaml"
	if prints(first) != prints(moved) || prints(first) == prints(other) || prints(first) != got[3].Fingerprint {
		t.Errorf("fingerprints: %s, moved %s, in another file %s", prints(first), prints(moved), prints(other))
	}
}

// Where nothing was found an empty array says so: without a report nothing is compared.
func TestCodeQualityOfNothing(t *testing.T) {
	data, err := CodeQuality(&results.Document{})
	if err != nil || string(data) != "[]\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// parseDotenv reads variables as GitLab does: one line of another form refuses all.
func parseDotenv(data []byte) (map[string]string, error) {
	if len(data) >= 5<<10 {
		return nil, fmt.Errorf("%d bytes", len(data))
	}
	all := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok || !regexp.MustCompile(`^[A-Za-z0-9_]+$`).MatchString(name) {
			return nil, fmt.Errorf("the line %q", line)
		}
		if strings.ContainsAny(value, "$'\"\\ \t") || value == "" {
			return nil, fmt.Errorf("the value %q", value)
		}
		all[name] = value
	}
	if len(all) > 20 {
		return nil, fmt.Errorf("%d variables", len(all))
	}
	return all, nil
}

func TestDotenv(t *testing.T) {
	now := time.Now()
	r := &results.Document{Command: "run", Finished: &now, Extensions: []results.Extension{
		{Name: "alc", Version: "1.2.0", Outcome: results.Released, AsAsked: true},
		{Name: "bee", Version: "1.0.0-rc.1+x", Outcome: results.Released, AsAsked: true},
		{Name: "$(rm)", Version: "1", Outcome: results.Released, AsAsked: true},
		{Name: "cat", Version: "1\nX=1", Outcome: results.Failed},
		{Name: "dog", Version: "1.0.0", Outcome: results.Drift},
	}}
	data, err := Dotenv(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseDotenv(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	for name, want := range map[string]string{
		"KSRELEASE_AS_ASKED": "false", "KSRELEASE_NOT_AS_ASKED": "2", "KSRELEASE_RELEASED": "3", "KSRELEASE_RELEASED_NAMES": "alc@1.2.0,bee@1.0.0-rc.1+x",
		"KSRELEASE_FAILED": "1", "KSRELEASE_FAILED_NAMES": "", "KSRELEASE_EXTENSIONS": "5", "KSRELEASE_DRY_RUN": "false", "KSRELEASE_COMMAND": "run",
	} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
	// As many as there may be, and names as long as they may be.
	r.Extensions = nil
	for i := range 4000 {
		o := []results.Outcome{results.Released, results.Planned, results.Exists, results.Failed}[i%4]
		r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprint(strings.Repeat("n", 60), i), Version: "1.0.0-" + strings.Repeat("x", i%300), Outcome: o, AsAsked: true})
	}
	if data, err = Dotenv(r); err != nil {
		t.Fatal(err)
	}
	if got, err = parseDotenv(data); err != nil || got["KSRELEASE_EXISTS"] != "1000" || got["KSRELEASE_AS_ASKED"] != "true" || len(got["KSRELEASE_EXISTS_NAMES"]) < 500 {
		t.Errorf("%v: %s", err, data)
	}
	if data, err = Dotenv(&results.Document{Command: "run; x", Error: &results.CommandError{}, Finished: &now}); err != nil {
		t.Fatal(err)
	}
	if got, err = parseDotenv(data); err != nil || got["KSRELEASE_AS_ASKED"] != "false" || got["KSRELEASE_COMMAND"] != "" {
		t.Errorf("%v: %s", err, data)
	}
}
