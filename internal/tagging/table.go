package tagging

import (
	"maps"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/output"
)

// Table prints what became of each tag.
func Table(out *output.Stream, entries []Entry) {
	shared := sharedFailures(entries)
	table := output.NewTable("extension", "version", "tag", "").Folding(1, 2)
	for _, e := range entries {
		said := output.Word(string(e.Status))
		if e.Reason != "" && len(shared[whyOf(e)]) == 0 {
			said = output.Format("%s: %s", said, whyOf(e))
		}
		table.Row(output.Name(e.Name), output.Name(e.Version), output.Name(e.Tag), said)
	}
	out.Print("%s", table.Render(out.Columns()))
	for _, why := range slices.Sorted(maps.Keys(shared)) {
		out.Print("%s", output.Fold("", "  ", "failed: "+strings.Join(shared[why], ", ")+": "+why, out.Columns()))
	}
}

// whyOf is the reason of a status, and what to do about it.
func whyOf(e Entry) string {
	if e.Hint == "" {
		return e.Reason
	}
	return e.Reason + " → " + e.Hint
}

// sharedFailures are the names of extensions that failed for one reason, such as a repository
// that cannot be read: it is printed once.
func sharedFailures(entries []Entry) map[string][]string {
	shared := map[string][]string{}
	for _, e := range entries {
		if e.Status == Failed {
			shared[whyOf(e)] = append(shared[whyOf(e)], e.Name)
		}
	}
	maps.DeleteFunc(shared, func(_ string, names []string) bool { return len(names) < 2 })
	return shared
}
