package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// rulesOfScripts are the rules that run in the tests of this package. Scripts compare whole
// outputs, so a new rule with a finding for some extension of theirs would change many of
// them, and its own tests (testdata in its family) are where it is tested. A rule that has to
// be seen in a script is added here.
var rulesOfScripts = []string{
	"schema", "name", "version", "version-bump", "upgrade", "languages", "constraints", "installation-mode", "category", "provider", "links",
	"external-dependencies", "icon", "screenshots", "assets", "readme", "changelog", "permissions", "least-privilege", "secrets",
	"leftovers", "files", "helmignore", "chart", "dependencies", "dependency-lock", "values-schema", "render", "helm-lint",
	"ci-values", "images", "image-registry", "node-selector", "limits", "ignore",
}

// onlyRulesOfScripts turns the other rules off where no config asks for them.
func onlyRulesOfScripts(opts *lint.Options) {
	severities := maps.Clone(opts.Severities)
	if severities == nil {
		severities = map[string]lint.Severity{}
	}
	for _, r := range lint.Rules() {
		if _, asked := severities[r.Name]; !asked && !slices.Contains(rulesOfScripts, r.Name) {
			severities[r.Name] = lint.Off
		}
	}
	opts.Severities = severities
}

// TestRulesOfScripts: the list has no rule that is gone, and what a config asks for stays.
func TestRulesOfScripts(t *testing.T) {
	known := map[string]bool{}
	for _, r := range lint.Rules() {
		known[r.Name] = true
	}
	for _, name := range rulesOfScripts {
		if !known[name] {
			t.Errorf("there is no rule %q", name)
		}
	}
	opts := lint.Options{Severities: map[string]lint.Severity{"links": lint.Error}}
	onlyRulesOfScripts(&opts)
	if opts.Severities["links"] != lint.Error || len(opts.Severities) != 1+len(known)-len(rulesOfScripts) {
		t.Errorf("severities: %v", opts.Severities)
	}
}
