package lint

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension"
)

func externalDependenciesRule() Rule {
	return Rule{
		Name:    "external-dependencies",
		Summary: "externalDependencies name other extensions, each once, in versions that those released with it have",
		Why: "These are the extensions that have to be there before this one. A name that no extension can have is never found, " +
			"nor is the extension itself before it is installed; one that stands there twice leaves open which entry holds. Where one " +
			"of them is released from the same repository, in a version that the constraint does not admit, whoever has the newest " +
			"of both can install only one.",
		Fix: "Name each extension once, by the `name` of its extension.yaml:\n\n" +
			"externalDependencies:\n  - name: opensearch\n    type: extension\n    version: \">=2.11.0-0\"\n    required: true\n\n" +
			"Let `version` admit what is released with it, or release the other extension in a version that it admits.",
		Source: "The extension development guide of KubeSphere; `ExternalDependency` of kubesphere.io/api/core/v1alpha1 (the type defaults to extension); the rule on names is that of the rule `name`.",
		Codes: []Code{
			{"unknown-type", "the type of an external dependency is not extension"},
			{"version-not-admitted", "the version that is released too is not admitted"},
			{"invalid-name", "no extension can have this name"},
			{"itself", "the extension depends on itself"},
			{"twice", "an external dependency is listed twice"},
		},
		Default: Warning,
		check:   checkExternalDependencies,
	}
}

func checkExternalDependencies(pass *subject) {
	first := map[string]int{}
	for _, dependency := range pass.entries("externalDependencies") {
		name := dependency.text("name")
		if name == "" {
			continue // the schema says so
		}
		externalName(pass, name, dependency, first)
		if kind := dependency.text("type"); kind != "" && kind != "extension" {
			pass.problem(coded("unknown-type", name, kind), pass.ext.Document.Problem(
				fmt.Sprintf("the external dependency %q is of the type %q, and there is only %q", oneLine(name), oneLine(kind), "extension"),
				"write type: extension, or remove the line", dependency.at("type")...))
		}
		versionBeside(pass, name, dependency)
	}
}

// versionBeside holds what is released beside the extension against the constraint
// on it.
func versionBeside(pass *subject, name string, dependency entry) {
	text := dependency.text("version")
	constraint, err := semver.NewConstraint(text)
	if text == "" || name == pass.ext.Metadata.Name || err != nil {
		return // what cannot be read, other rules tell
	}
	// Of several versions the highest is named, where none will do.
	var version *semver.Version
	for _, beside := range pass.Beside[name] {
		v, err := semver.NewVersion(beside)
		if err != nil || constraint.Check(v) {
			return
		}
		if version == nil || v.GreaterThan(version) {
			version = v
		}
	}
	if version == nil {
		return
	}
	hint := fmt.Sprintf("let the constraint admit %s, or release %s in a version that it admits", version, name)
	if version.Prerelease() != "" {
		if core, _ := version.SetPrerelease(""); constraint.Check(&core) {
			hint = fmt.Sprintf("constraints admit pre-releases only where they name one, as in %q", ">="+core.String()+"-0")
		}
	}
	pass.problem(coded("version-not-admitted", name), pass.ext.Document.Problem(
		fmt.Sprintf("the external dependency %q is to be %q, and is released with this one as %s", name, oneLine(text), oneLine(version.Original())),
		hint, dependency.at("version")...))
}

func externalName(pass *subject, name string, dependency entry, first map[string]int) {
	at := dependency.at("name")
	if extension.ValidName(name) != nil {
		hint := "use the name of its extension.yaml: lower-case letters, digits and hyphens, at most 63 characters"
		if lower := strings.ToLower(strings.TrimSpace(name)); extension.ValidName(lower) == nil {
			hint = fmt.Sprintf("did you mean %q?", lower)
		}
		pass.problem(coded("invalid-name", name), pass.ext.Document.Problem(fmt.Sprintf("no extension can have the name %q", oneLine(name)), hint, at...))
		return
	}
	if name == pass.ext.Metadata.Name {
		pass.problem(coded("itself", name), pass.ext.Document.Problem(
			fmt.Sprintf("the extension %q names itself as an external dependency, so that it can never be installed first", name),
			"take the entry out", at...))
	}
	line, _ := pass.ext.Document.Place(at...)
	if before, twice := first[name]; twice {
		pass.problem(coded("twice", name), pass.ext.Document.Problem(
			fmt.Sprintf("the external dependency %q stands here twice, first in line %d", name, before),
			"keep one of the two, with one constraint on its version", at...))
		return
	}
	first[name] = line
}
