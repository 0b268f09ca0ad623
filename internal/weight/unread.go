package weight

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// leaveOut advises to leave out files that nobody reads: by folder where that
// holds nothing else, else by name. Small ones are put together.
func (p *parcel) leaveOut(unread []string) []change {
	const ownLine = 4 << 10
	var changes []change
	var small, smallNames []string
	for _, g := range p.folders(unread) {
		var share int64
		for _, name := range g.files {
			share += p.share[name]
		}
		if share >= ownLine {
			changes = append(changes, without(g.files, leaveOutText(g.String(), len(g.files))))
			continue
		}
		small = append(small, g.files...)
		smallNames = append(smallNames, g.String())
	}
	if len(small) > 0 {
		changes = append(changes, without(small, leaveOutText(some(smallNames), len(small))))
	}
	return changes
}

func leaveOutText(names string, files int) string {
	them := "it, and KubeSphere does not show it"
	if files > 1 {
		them = "them, and KubeSphere does not show them"
	}
	return fmt.Sprintf("leave %s out with .helmignore: no template reads %s", names, them)
}

// group is a folder, with a slash at its end, and the files in it; or one file.
type group struct {
	name  string
	files []string
}

func (g group) String() string {
	if strings.HasSuffix(g.name, "/") {
		return fmt.Sprintf("%s (%s)", g.name, counted(len(g.files), "file"))
	}
	return g.name
}

// folders puts files together by the topmost folder that holds nothing else.
func (p *parcel) folders(names []string) []group {
	mine := make(map[string]bool, len(names))
	for _, name := range names {
		mine[name] = true
	}
	mixed := map[string]bool{}
	for _, f := range p.files {
		for dir := path.Dir(f.Name); !mine[f.Name] && dir != "."; dir = path.Dir(dir) {
			mixed[dir] = true
		}
	}
	byName := map[string][]string{}
	for _, name := range names {
		top := name
		for dir := path.Dir(name); dir != "." && !mixed[dir]; dir = path.Dir(dir) {
			top = dir + "/"
		}
		byName[top] = append(byName[top], name)
	}
	var groups []group
	for name, files := range byName {
		groups = append(groups, group{name, files})
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.name, b.name) })
	return groups
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
