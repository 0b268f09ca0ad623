package results

import "slices"

// Remarks know which findings of an extension are about one of its targets. What is found for
// several is said once, in the words of the first. The zero value knows none.
type Remarks struct {
	of map[string]int // the place of the target, by the fingerprint of the finding
}

// Add adds a finding that is about the target at a place to all findings, in the order of the
// targets. One that is known takes the place of that before. All that there was stays as it is:
// events hold it.
func (r *Remarks) Add(all []Finding, found Finding, at int) []Finding {
	all = slices.Clone(all)
	i := slices.IndexFunc(all, func(f Finding) bool { return f.Fingerprint == found.Fingerprint })
	other, known := r.of[found.Fingerprint]
	switch {
	case i >= 0 && known && other < at:
		return all
	case i >= 0 && known && other > at:
		all, i = slices.Delete(all, i, i+1), -1
	}
	if r.of == nil {
		r.of = map[string]int{}
	}
	r.of[found.Fingerprint] = at
	if i >= 0 {
		all[i] = found
		return all
	}
	i = len(all)
	for i > 0 && r.of[all[i-1].Fingerprint] > at {
		i--
	}
	return slices.Insert(all, i, found)
}

// Once drops of findings, but for the first few, those that are among the others already.
func Once(all []Finding, first int) []Finding {
	known := map[string]bool{}
	kept := slices.Clone(all[:first])
	for _, f := range all[first:] {
		if !known[f.Fingerprint] {
			kept = append(kept, f)
		}
		known[f.Fingerprint] = true
	}
	return kept
}
