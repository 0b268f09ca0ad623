// Package survey looks at what a target has around a version that is going to be released: at the
// other versions of the extension, and at what it depends on.
package survey

import (
	"context"
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Subject is the version that is going to be released.
type Subject struct {
	Name, Version string
	// Together are the other versions of the same extension that are released with it.
	Together []string
	// Dependencies are those that nothing in the run may meet.
	Dependencies []Dependency
	// Declared are the versions of all extensions of the project, by name.
	Declared map[string][]string
	// Holds is what messages call the place where the versions of the target are.
	Holds string
	// AllowMissing releases what requires an extension that is nowhere.
	AllowMissing bool
}

// Dependency is an entry of externalDependencies.
type Dependency struct {
	Name, Constraint string
	Shown            string // name and constraint in messages
	Required         bool
}

// Remark is what is worth knowing. Subject is the other extension or version that it is about, if
// any, Key the part of extension.yaml, and SameAs the code of a finding of lint that says the same.
type Remark struct{ Rule, What, Subject, Message, Key, SameAs string }

// alsoFound are the findings of lint that say the same as a remark on the versions in the Helm
// repository, where it is known what the version was before.
var alsoFound = map[string]string{"goes-back": "version-bump/backwards", "jumps": "version-bump/jump"}

// Around is what a target has around a version.
type Around struct {
	// Before is the version of the extension before it: the highest one below, or else the highest.
	// It is empty where there is no other.
	Before  string
	Remarks []Remark
	Lacking string // what it requires and is nowhere; empty where all is there
}

// Look looks at what a target has around a version. The error is that the index could not be asked.
func Look(ctx context.Context, index target.Index, s Subject) (around Around, err error) {
	published, err := index.Versions(ctx, s.Name)
	if err != nil {
		return Around{}, err
	}
	around.Before = before(s.Version, published)
	for _, r := range versions.Remarks(s.Version, s.Holds, published, s.Together) {
		around.Remarks = append(around.Remarks, Remark{results.RuleVersions, r.What, r.Subject, r.Message, "version", alsoFound[r.What]})
	}
	for _, d := range s.Dependencies {
		there, err := index.Versions(ctx, d.Name)
		if err != nil {
			return around, err
		}
		if slices.ContainsFunc(there, func(v string) bool { return versions.Admit(d.Constraint, v) }) {
			continue
		}
		what := versions.Lacking(d.Shown, d.Constraint, s.Holds, there, s.Declared[d.Name])
		switch {
		case !d.Required:
			around.Remarks = append(around.Remarks, Remark{results.RuleDependencies, "optional-missing", d.Shown, "it can use " + what, "externalDependencies", ""})
		case s.AllowMissing:
			around.Remarks = append(around.Remarks, Remark{results.RuleDependencies, "required-missing", d.Shown, "it requires " + what, "externalDependencies", ""})
		default:
			around.Lacking = what
			return around, nil
		}
	}
	return around, nil
}

// before is the version before another one among those that are there.
func before(version string, there []string) string {
	below := slices.DeleteFunc(slices.Clone(there), func(other string) bool { return versions.Compare(other, version) >= 0 })
	if len(below) == 0 {
		below = slices.DeleteFunc(slices.Clone(there), func(other string) bool { return other == version })
	}
	if len(below) == 0 {
		return ""
	}
	return slices.MaxFunc(below, versions.Compare)
}
