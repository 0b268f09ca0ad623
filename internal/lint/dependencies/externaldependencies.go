package dependencies

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// External is the rule external-dependencies.
func External() rule.Rule {
	return rule.Rule{
		Name:    "external-dependencies",
		Summary: "externalDependencies name other extensions, each once, in versions that those released with it have",
		Why: "These are the extensions that have to be there before this one. A name that no extension can have is never found, " +
			"nor is the extension itself before it is installed; one that stands there twice leaves open which entry holds. Where one " +
			"of them is released from the same repository, in a version that the constraint does not admit, whoever has the newest " +
			"of both can install only one.\n\n" +
			"Nothing but the console and ksctl look at these entries. An entry without a version is taken by the console for any, and refused by ksctl. Of a type other than extension " +
			"the console takes no notice, and ksctl refuses to install where such an entry is required.",
		Fix: "Name each extension once, by the `name` of its extension.yaml:\n\n" +
			"externalDependencies:\n  - name: opensearch\n    type: extension\n    version: \">=2.11.0-0\"\n    required: true\n\n" +
			"Let `version` admit what is released with it, or release the other extension in a version that it admits.",
		Source: "The extension development guide of KubeSphere; `ExternalDependency` of kubesphere.io/api/core/v1alpha1 (the type defaults to extension); the rule on names is that of the rule `name`. " +
			"KubeSphere's console of 2025-06 (https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/Management/components/InstallModal/ExtensionVersionSelection.tsx) " +
			"and ksctl (`dependencies.go` of its command extension).",
		Codes: []rule.Code{
			{Name: "unknown-type", Meaning: "the type of an external dependency is not extension"},
			{Name: "no-version", Meaning: "an external dependency has no version"},
			{Name: "version-not-admitted", Meaning: "the version that is released too is not admitted"},
			{Name: "invalid-name", Meaning: "no extension can have this name"},
			{Name: "itself", Meaning: "the extension depends on itself"},
			{Name: "twice", Meaning: "an external dependency is listed twice"},
		},
		Default: rule.Warning,
		Run:     checkExternalDependencies,
	}
}

func checkExternalDependencies(pass *rule.Pass) {
	first := map[string]int{}
	for _, dependency := range pass.Entries("externalDependencies") {
		name := dependency.Text("name")
		if name == "" {
			continue // the schema says so
		}
		externalName(pass, name, dependency, first)
		kind := dependency.Text("type")
		if kind != "" && kind != "extension" {
			message := fmt.Sprintf("the external dependency %q is of the type %q, and there is only %q", excerpt.OneLine(name), excerpt.OneLine(kind), "extension")
			if required, _ := dependency.Fields["required"].(bool); required {
				message += ": the console takes it for one, and ksctl refuses to install"
			}
			pass.Problem(rule.Found("unknown-type", name, kind), pass.Ext.Document.Problem(message,
				"write type: extension, or remove the line", dependency.At("type")...))
		}
		version, written := dependency.Fields["version"], dependency.Text("version")
		if isEmpty := version == nil || version == written && strings.TrimSpace(written) == ""; isEmpty && (kind == "" || kind == "extension") && naming.ValidName(name) == nil {
			pass.Problem(rule.Found("no-version", name), pass.Ext.Document.Problem(
				fmt.Sprintf("the external dependency %q has no version: to the console any will do, and ksctl refuses to install", excerpt.OneLine(name)),
				`write version: ">=0.0.0-0" for any version`, dependency.At("version")...))
		}
		siblingVersion(pass, name, dependency)
	}
}

// siblingVersion holds siblings of the name of a dependency to the constraint on it.
func siblingVersion(pass *rule.Pass, name string, dependency rule.Entry) {
	text := dependency.Text("version")
	constraint, err := semver.NewConstraint(text)
	if text == "" || name == pass.Ext.Metadata.Name || err != nil {
		return // what cannot be read, other rules report
	}
	// Of several versions the highest is named, where none will do.
	var version *semver.Version
	for _, text := range pass.Siblings[name] {
		v, err := semver.NewVersion(text)
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
	pass.Problem(rule.Found("version-not-admitted", name), pass.Ext.Document.Problem(
		fmt.Sprintf("the external dependency %q is to be %q, and is released with this one as %s", name, excerpt.OneLine(text), excerpt.OneLine(version.Original())),
		hint, dependency.At("version")...))
}

func externalName(pass *rule.Pass, name string, dependency rule.Entry, first map[string]int) {
	at := dependency.At("name")
	if naming.ValidName(name) != nil {
		hint := "use the name of its extension.yaml: lower-case letters, digits and hyphens, at most 63 characters"
		if lower := strings.ToLower(strings.TrimSpace(name)); naming.ValidName(lower) == nil {
			hint = fmt.Sprintf("did you mean %q?", lower)
		}
		pass.Problem(rule.Found("invalid-name", name), pass.Ext.Document.Problem(fmt.Sprintf("no extension can have the name %q", excerpt.OneLine(name)), hint, at...))
		return
	}
	if name == pass.Ext.Metadata.Name {
		pass.Problem(rule.Found("itself", name), pass.Ext.Document.Problem(
			fmt.Sprintf("the extension %q names itself as an external dependency, so that it can never be installed first", name),
			"take the entry out", at...))
	}
	line, _ := pass.Ext.Document.Place(at...)
	if before, twice := first[name]; twice {
		pass.Problem(rule.Found("twice", name), pass.Ext.Document.Problem(
			fmt.Sprintf("the external dependency %q stands here twice, first in line %d", name, before),
			"keep one of the two, with one constraint on its version", at...))
		return
	}
	first[name] = line
}
