package config

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// checkCodes holds what is wrong with a config to the table of codes. An error that is no
// list, and nil, pass.
func checkCodes(t *testing.T, err error) {
	t.Helper()
	var found diagnostic.List
	if !errors.As(err, &found) {
		return
	}
	for _, d := range found {
		known := slices.ContainsFunc(Codes(), func(c diagnostic.Code) bool { return c.Name == d.What() })
		if d.Rule() != Rule || !known || d.Severity != diagnostic.Error {
			t.Errorf("%q has the code %q and the severity %q; want one of Codes", d.Message, d.Code, d.Severity)
		}
	}
}

// madeElsewhere are the codes of mistakes that other packages find, by config.Problem or
// by the constant.
var madeElsewhere = []string{CodeVersionTwice, CodeUnusableCAFile, CodeUnusableKeyFile, CodeUndeclared}

// TestEachCode makes the mistake of each code.
func TestEachCode(t *testing.T) {
	root := monorepo(t)
	write(t, filepath.Join(root, "odd", "extension.yaml", "file"), "")
	const good = "version: 1\nextensions: [{path: extensions/alc}]\n"
	variables := map[string]string{"KSRELEASE_TOKEN": "0123456789", "LARGE": strings.Repeat("x", maxExpanded)}
	env := func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
	tests := map[string]struct {
		src     string
		subject string
	}{
		"syntax":            {"version: 1\nextensions: [\n", ""},
		"not-text":          {good + "# \x00\n", ""},
		"too-large":         {good + "#" + strings.Repeat(" ", yamldoc.MaxSize), ""},
		"second-document":   {good + "---\n", ""},
		"repeated-key":      {good + "version: 1\n", "version"},
		"repeated-merge":    {good + "<<: {parallelism: 2}\n<<: {parallelism: 3}\n", "<<"},
		"invalid-key":       {good + "lint:\n  rules: {1: off}\n", ""},
		"invalid-alias":     {"version: 1\nextensions: &a [{path: extensions/alc}, *a]\n", ""},
		"missing-key":       {"version: 1\n", "extensions"},
		"unknown-key":       {good + "frobnicate: 1\n", "frobnicate"},
		"invalid-value":     {good + "push: {drift: maybe}\n", "push/drift"},
		"unset-variable":    {good + "package: {output: '${NOT_SET}'}\n", "package/output"},
		"secret-variable":   {good + "package: {output: '${KSRELEASE_TOKEN}'}\n", "package/output"},
		"invalid-reference": {good + "package: {output: '${'}\n", "package/output"},
		"invalid-pattern":   {"version: 1\nextensions: [{path: 'a['}]\n", "extensions/0/path"},
		"costly-pattern":    {"version: 1\nextensions: [{path: '**/**/**/**/**'}]\n", "extensions/0/path"},
		"no-match":          {"version: 1\nextensions: [{path: extensions/alc}, {path: nothing}]\n", "extensions/1/path"},
		"excludes-nothing":  {"version: 1\nextensions: [{path: extensions/*, exclude: [nothing]}]\n", "extensions/0/exclude/0"},
		"not-an-extension":  {"version: 1\nextensions: [{path: odd}]\n", "extensions/0/path"},
		"unreadable":        {"version: 1\nextensions: [{path: \"a\\0b\"}]\n", "extensions/0/path"},
	}
	for name, test := range tests {
		c, err := Parse(filepath.Join(root, Name), []byte(test.src), env)
		if err == nil {
			_, err = c.Sources("", nil)
		}
		var found diagnostic.List
		if !errors.As(err, &found) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(found) != 1 || found[0].Code != Rule+"/"+name || found[0].Subject != test.subject {
			t.Errorf("%s: want one mistake with that code about %q, got", name, test.subject)
			for _, d := range found {
				t.Errorf("%s about %q: %s", d.Code, d.Subject, d.Message)
			}
		}
	}
	var want []string
	for _, c := range Codes() {
		if !slices.Contains(madeElsewhere, Rule+"/"+c.Name) {
			want = append(want, c.Name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(tests))); diff != "" {
		t.Errorf("codes (-) and the mistakes of this test (+):\n%s", diff)
	}
}

// TestCodesAreWords holds what documents list.
func TestCodesAreWords(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Name] || c.Meaning == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("%+v", c)
		}
		seen[c.Name] = true
	}
}
