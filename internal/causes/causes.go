// Package causes groups findings by what caused them, so that many are read in a few lines: the worst
// of each cause are shown, and of the others how many there are, and where.
package causes

import (
	"cmp"
	"slices"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Found is a finding, and the name of the extension that it is in.
type Found struct {
	Extension string
	Finding   results.Finding
}

// Cause is what findings of one code and severity have in common.
type Cause struct {
	Code, Severity string
	Shown          []Found // the first of them
	More           int     // how many others there are
	In             []Count // the extensions of these others, those with most first
}

// Count is how many findings are in an extension.
type Count struct {
	Extension string
	Findings  int
}

// few are as many findings as anybody reads through.
const few = 20

// How many findings of a cause are shown where not all are. Each error has to be fixed, so more of them
// are.
const (
	shownErrors = 3
	shownOthers = 1
)

// Group groups findings, the worst causes first: by severity, secrets before all else, and then by how
// many findings there are.
// Where all that there is can be read through, or no cause has many, it gives nil: then nothing
// is left out, and findings are read best in the order in which they are.
func Group(all []Found) []Cause {
	if len(all) <= few {
		return nil
	}
	type key struct{ code, severity string }
	var order []key
	of := map[key][]Found{}
	for _, f := range all {
		k := key{f.Finding.Code, f.Finding.Severity}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], f)
	}
	var causes []Cause
	more := 0
	for _, k := range order {
		c := newCause(k.code, k.severity, of[k])
		more += c.More
		causes = append(causes, c)
	}
	if more == 0 {
		return nil
	}
	slices.SortStableFunc(causes, func(a, b Cause) int {
		if first, second := diagnostic.Severity(a.Severity), diagnostic.Severity(b.Severity); first != second {
			if first.Below(second) {
				return 1
			}
			return -1
		}
		if grave := isGrave(a); grave != isGrave(b) {
			if grave {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(b.Shown)+b.More, len(a.Shown)+a.More), cmp.Compare(a.Code, b.Code))
	})
	return causes
}

// isGrave says that a cause is shown before others of its severity, however few findings it has: who has
// got a package with a secret in it keeps that.
func isGrave(c Cause) bool { return diagnostic.Rule(c.Code) == "secrets" }

// newCause is a cause with all its findings.
func newCause(code, severity string, all []Found) Cause {
	shown := shownOthers
	if severity == string(diagnostic.Error) {
		shown = shownErrors
	}
	if len(all) <= shown+1 { // a line in place of one finding saves nothing
		shown = len(all)
	}
	c := Cause{Code: code, Severity: severity, Shown: all[:shown], More: len(all) - shown}
	at := map[string]int{}
	for _, f := range all[shown:] {
		i, known := at[f.Extension]
		if !known {
			i = len(c.In)
			at[f.Extension] = i
			c.In = append(c.In, Count{Extension: f.Extension})
		}
		c.In[i].Findings++
	}
	slices.SortStableFunc(c.In, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(a.Extension, b.Extension))
	})
	return c
}
