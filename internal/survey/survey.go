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

// Look finds the remarks on a version. lacking is what it requires and is nowhere; empty where all
// is there. The error is that the index could not be asked.
func Look(ctx context.Context, index target.Index, s Subject) (remarks []Remark, lacking string, err error) {
	published, err := index.Versions(ctx, s.Name)
	if err != nil {
		return nil, "", err
	}
	for _, r := range versions.Remarks(s.Version, s.Holds, published, s.Together) {
		remarks = append(remarks, Remark{results.RuleVersions, r.What, r.Subject, r.Message, "version", alsoFound[r.What]})
	}
	for _, d := range s.Dependencies {
		there, err := index.Versions(ctx, d.Name)
		if err != nil {
			return remarks, "", err
		}
		if slices.ContainsFunc(there, func(v string) bool { return versions.Admit(d.Constraint, v) }) {
			continue
		}
		what := versions.Lacking(d.Shown, d.Constraint, s.Holds, there, s.Declared[d.Name])
		switch {
		case !d.Required:
			remarks = append(remarks, Remark{results.RuleDependencies, "optional-missing", d.Shown, "it can use " + what, "externalDependencies", ""})
		case s.AllowMissing:
			remarks = append(remarks, Remark{results.RuleDependencies, "required-missing", d.Shown, "it requires " + what, "externalDependencies", ""})
		default:
			return remarks, what, nil
		}
	}
	return remarks, "", nil
}
