package report

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// whereToSee says where what was released is to be seen: the address of a package, or, of several
// next to each other, with NAME and VERSION in place of theirs.
func (t *Text) whereToSee(r *results.Document) {
	type place struct{ target, pattern string }
	var places []place
	last, count := map[place]string{}, map[place]int{}
	for _, x := range r.Extensions {
		for _, in := range endsOrAll(x) {
			if in.Outcome != results.Released || in.Address == "" {
				continue
			}
			at := place{in.Name, patternOf(in.Address, x.Name, x.Version)}
			if !slices.Contains(places, at) {
				places = append(places, at)
			}
			last[at] = in.Address
			count[at]++
		}
	}
	for _, at := range places {
		where := at.pattern
		if count[at] == 1 {
			where = last[at]
		}
		t.out.Print("%s", output.Fold("", "  ", "to be seen at "+namedTarget(at.target)+where, 0))
	}
}

// endsOrAll are the targets of an extension, or itself as it is in the only one.
func endsOrAll(x results.Extension) []results.Target {
	if len(x.Targets) > 0 {
		return x.Targets
	}
	return []results.Target{{Outcome: x.Outcome, Address: x.Address}}
}

// patternOf is an address with NAME and VERSION in its last part.
func patternOf(address, name, version string) string {
	at := strings.LastIndexByte(address, '/') + 1
	last := address[at:]
	if after, ok := strings.CutPrefix(last, name); ok {
		last = "NAME" + after
	}
	if i := strings.LastIndex(last, version); i > 0 && version != "" {
		last = last[:i] + "VERSION" + last[i+len(version):]
	}
	return address[:at] + last
}
