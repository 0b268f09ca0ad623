package results

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Merge makes one result of those of several runs, such as the shards of a release. Where two
// have the same version of an extension, that of the run which began later counts: it was run
// again. One run that has no end leaves the whole without one. The error says why the results
// do not belong together; what is odd about them is a warning of the result.
func Merge(all []*Document) (*Document, error) {
	if len(all) == 0 {
		return nil, errors.New("there is no result to merge")
	}
	if len(all) == 1 {
		return all[0], nil
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *Document) int { return a.Started.Compare(b.Started) })
	first := all[0]
	merged := &Document{
		SchemaVersion: first.SchemaVersion, Command: first.Command, Tool: first.Tool, Revision: first.Revision, DryRun: first.DryRun,
		Started: first.Started, Finished: first.Finished, Extensions: []Extension{}, Selection: first.Selection, Since: first.Since,
	}
	at := map[[2]string]int{}
	for _, d := range all {
		switch {
		case d.Command != first.Command:
			return nil, fmt.Errorf("one is of ksrelease %s, and another of ksrelease %s", first.Command, d.Command)
		case d.DryRun != first.DryRun:
			return nil, errors.New("one is of a dry run, and another of a run that releases")
		}
		if d.Tool != first.Tool {
			merged.warn("the runs were made by %s %s and %s %s", first.Tool.Name, first.Tool.Version, d.Tool.Name, d.Tool.Version)
		}
		if d.Revision != first.Revision {
			merged.warn("the runs were made of two commits: %s and %s", cmp.Or(first.Revision, "none"), cmp.Or(d.Revision, "none"))
			merged.Revision = ""
		}
		for _, at := range d.Targets {
			if !slices.Contains(merged.Targets, at) {
				merged.Targets = append(merged.Targets, at)
			}
		}
		// What not all were narrowed to does not hold for the whole.
		if !reflect.DeepEqual(d.Selection, first.Selection) {
			merged.Selection = nil
		}
		if !reflect.DeepEqual(d.Since, first.Since) {
			merged.Since = nil
		}
		switch {
		case d.Finished == nil:
			merged.Finished = nil
		case merged.Finished != nil && d.Finished.After(*merged.Finished):
			merged.Finished = d.Finished
		}
		merged.Error = cmp.Or(merged.Error, d.Error)
		merged.AuthRefused = merged.AuthRefused || d.AuthRefused
		merged.Announcements = append(merged.Announcements, d.Announcements...)
		merged.Hooks = append(merged.Hooks, d.Hooks...)
		for _, w := range d.Warnings {
			merged.warn("%s", w)
		}
		for _, x := range d.Extensions {
			id := [2]string{x.Name, x.Version}
			if i, ok := at[id]; ok {
				merged.Extensions[i] = together(merged.Extensions[i], x)
				continue
			}
			at[id] = len(merged.Extensions)
			merged.Extensions = append(merged.Extensions, x)
		}
	}
	slices.SortFunc(merged.Extensions, InReports)
	merged.Committed = AllCommitted(merged.Extensions)
	merged.Recount()
	return merged, nil
}

// MissingShards are the shards, such as 2/5, of which none of the results is, where others of
// the same number of shards are there.
func MissingShards(all []*Document) (missing []string) {
	seen := map[int]map[int]bool{} // by the number of shards
	for _, d := range all {
		var shard shards.Shard
		if shard.UnmarshalText([]byte(d.Shard)) != nil {
			continue // that of a run of all, or of a stranger
		}
		if seen[shard.Count] == nil {
			seen[shard.Count] = map[int]bool{}
		}
		seen[shard.Count][shard.Index] = true
	}
	for _, count := range slices.Sorted(maps.Keys(seen)) {
		for index := 1; index <= count; index++ {
			if !seen[count][index] {
				missing = append(missing, shards.Shard{Index: index, Count: count}.String())
			}
		}
	}
	return missing
}

// warn adds a warning, each once.
func (r *Document) warn(format string, values ...any) {
	if text := fmt.Sprintf(format, values...); !slices.Contains(r.Warnings, text) {
		r.Warnings = append(r.Warnings, text)
	}
}

// InReports is the order of extensions in reports: by name, then by version.
func InReports(a, b Extension) int {
	if order := strings.Compare(a.Name, b.Name); order != 0 {
		return order // of ten thousand extensions, versions are read for those of one name alone
	}
	return cmp.Or(versions.Compare(a.Version, b.Version), strings.Compare(a.Path, b.Path))
}

// AllCommitted says whether all that is packed is as it was committed; nil where that is not
// known of any extension.
func AllCommitted(all []Extension) (committed *bool) {
	for _, x := range all {
		if x.Committed != nil && (committed == nil || *committed) {
			committed = x.Committed
		}
	}
	return committed
}
