package lint

import "slices"

// Rule is one thing that an extension is held to.
type Rule struct {
	// Name is how configs, reports and comments call it. It never changes.
	Name string
	// Summary is what the rule asks for, in one line.
	Summary string
	// Why says what happens to an extension that breaks the rule, and Fix how to
	// fix it. Both are prose for docs/rules.md and for a terminal: paragraphs
	// with a blank line between them, names of files and fields as they are, or
	// in `backquotes`. What follows a paragraph that ends with a colon is code.
	Why, Fix string
	// Source is where the fact comes from: whose rule it is, and in which version.
	Source string
	// Codes are what the rule finds; besides them each rule has internalError.
	Codes []Code
	// Default is the severity of its findings where the config says nothing.
	Default Severity

	// needsChart marks the rules that load the chart, and so cost more than
	// reading one file.
	needsChart bool
	check      func(*subject)
}

// Code is one thing that a rule finds.
type Code struct {
	// Name is the second half of Finding.Code. It never changes.
	Name string
	// Meaning is what is wrong then, in one line.
	Meaning string
}

// finds reports whether a rule has a code.
func (r Rule) finds(name string) bool {
	return name == internalError || slices.ContainsFunc(r.Codes, func(c Code) bool { return c.Name == name })
}

// CodeOf is the code of a finding by its name in a rule: images/unlisted.
func (r Rule) CodeOf(name string) string { return r.Name + "/" + name }

// Rules are all there are, in the order in which they are run: from what every
// reader of an extension looks at first to what only its users see. After a
// change run `go generate ./...`: schema and documentation list them.
func Rules() []Rule {
	return []Rule{
		schemaRule(),
		nameRule(),
		versionRule(),
		languagesRule(),
		constraintsRule(),
		installationModeRule(),
		categoryRule(),
		providerRule(),
		linksRule(),
		externalDependenciesRule(),
		iconRule(),
		screenshotsRule(),
		assetsRule(),
		readmeRule(),
		changelogRule(),
		permissionsRule(),
		leastPrivilegeRule(),
		secretsRule(),
		leftoversRule(),
		filesRule(),
		helmIgnoreRule(),
		chartRule(),
		dependenciesRule(),
		lockRule(),
		valuesSchemaRule(),
		renderRule(),
		helmLintRule(),
		ciValuesRule(),
		imagesRule(),
		imageRegistryRule(),
		nodeSelectorRule(),
		limitsRule(),
		ignoreRule(), // last: it looks at what the others found
	}
}
