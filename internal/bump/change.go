package bump

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/changelog"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/history"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// editing is a change while it is made.
type editing struct {
	*chosen
	ext     *extension.Extension
	change  Change
	folder  string // of the extension, links resolved
	history history.Done
}

// change makes the files of an extension with its new version.
func (r Request) change(c *chosen) (Change, error) {
	ext, err := extension.Load(c.Path, extension.Options{Display: c.Display})
	if err != nil {
		return Change{}, err
	}
	folder, err := filepath.EvalSymlinks(c.Path)
	if err != nil {
		return Change{}, fmt.Errorf("%s: %w", c.Display, failure.WithoutPath(err))
	}
	e := &editing{chosen: c, ext: ext, folder: folder}
	e.change = Change{Name: c.Name, Path: c.Display, Before: c.Version, Version: c.next, Why: c.why, Notes: c.notes}
	if r.History != nil {
		e.history = r.History(c.Extension)
	}
	e.change.Since, e.change.Missing = e.history.Since, e.history.Missing
	e.change.Commits = len(e.history.Subjects) + e.history.More
	for _, step := range []func(Request) error{e.metadata, e.changelogs} {
		if err := step(r); err != nil {
			return Change{}, err
		}
	}
	isMetadata := func(f File) int { // which comes first
		if filepath.Base(f.Path) == extension.MetadataFile && filepath.Dir(f.Path) == filepath.Clean(e.Display) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(e.change.Files, func(a, b File) int { return isMetadata(a) - isMetadata(b) })
	return e.change, nil
}

// put adds a file of the extension. Files that lead to one place through links are one.
func (e *editing) put(name, what string, after []byte) error {
	display := filepath.Join(e.Display, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(filepath.Join(e.folder, filepath.FromSlash(name)))
	if err != nil {
		return fmt.Errorf("%s: %w", display, failure.WithoutPath(err))
	}
	if inside, err := filepath.Rel(e.folder, real); err != nil || !filepath.IsLocal(inside) {
		return failure.WithHint(fmt.Errorf("%s is a link that leads out of the extension", display), "change it by hand, or put a file in its place")
	}
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("%s: %w", display, failure.WithoutPath(err))
	}
	for _, f := range e.change.Files {
		if f.real == real {
			return nil
		}
	}
	before, err := os.ReadFile(real)
	if err != nil {
		return fmt.Errorf("reading %s: %w", display, failure.WithoutPath(err))
	}
	e.change.Files = append(e.change.Files, File{Path: display, What: what, Before: before, After: after, real: real, mode: info.Mode().Perm()})
	return nil
}

// file is a file that belongs to the package.
func (e *editing) file(name string) ([]byte, bool) {
	at, ok := slices.BinarySearchFunc(e.ext.Files, name, func(f extension.File, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return nil, false
	}
	return e.ext.Files[at].Data, true
}

// like is the new version as an old one is written: with a v or without.
func (e *editing) like(written string) string {
	bare := strings.TrimPrefix(e.next, "v")
	if strings.HasPrefix(written, "v") {
		return "v" + bare
	}
	return bare
}

// isVersion says that a text is the version so far.
func (e *editing) isVersion(text string) bool {
	return text != "" && strings.TrimPrefix(text, "v") == strings.TrimPrefix(e.Version, "v")
}

// metadata changes extension.yaml, and what follows it: subcharts and Chart.lock.
func (e *editing) metadata(r Request) error {
	var edits []yamledit.Edit
	what := []string{}
	if e.next != e.Version {
		edits = append(edits, yamledit.Edit{Pointer: []string{"version"}, Value: e.next})
		what = append(what, "version "+e.next)
	}
	followers, err := e.subcharts(r)
	if err != nil {
		return err
	}
	fields, _ := e.ext.Document.Value().(map[string]any)
	declared, _ := fields["dependencies"].([]any)
	for i, entry := range declared {
		dependency, _ := entry.(map[string]any)
		name, _ := dependency["name"].(string)
		if version, _ := dependency["version"].(string); followers[name] && e.isVersion(version) && isLocal(dependency["repository"]) {
			edits = append(edits, yamledit.Edit{Pointer: []string{"dependencies", strconv.Itoa(i), "version"}, Value: e.like(version)})
			what = append(what, "the dependency "+name)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(e.constraints)) {
		edits = append(edits, yamledit.Edit{Pointer: []string{"externalDependencies", strconv.Itoa(i), "version"}, Value: e.constraints[i]})
	}
	for _, entry := range e.entries {
		what = append(what, strings.ToLower(entry[:1])+entry[1:])
	}
	after, err := yamledit.Rewrite(e.ext.Document, edits)
	if err != nil {
		return inFolder(err, e.Display)
	}
	if err := e.put(extension.MetadataFile, strings.Join(what, ", "), after); err != nil {
		return err
	}
	return e.lock(followers)
}

// isLocal says that a dependency is a chart of this repository.
func isLocal(repository any) bool {
	address, isText := repository.(string)
	return !isText || address == "" || strings.HasPrefix(address, "file://")
}

// subcharts changes the charts in charts/ that follow the extension: those of its version that
// a dependency names by exactly that version, or all of its version where that is asked for.
func (e *editing) subcharts(r Request) (followers map[string]bool, err error) {
	followers = map[string]bool{}
	if e.next == e.Version {
		return followers, nil
	}
	for _, sub := range e.ext.Subcharts() {
		if !e.isVersion(sub.Version) {
			continue
		}
		named, local := false, false
		for _, d := range e.ext.Metadata.Dependencies {
			if d.Name == sub.Name && isLocal(d.Repository) {
				local = true
				named = named || e.isVersion(d.Version)
			}
		}
		switch {
		case !local:
			continue
		case sub.Packed && named:
			e.change.Notes = append(e.change.Notes, fmt.Sprintf("%s is packed, and stays at %s", sub.Path, sub.Version))
			continue
		case sub.Packed:
			continue
		case !named && !r.Subcharts:
			e.change.Notes = append(e.change.Notes, fmt.Sprintf("%s has the version %s, too, and stays: no dependency names it by that (--subcharts changes it)", sub.Path, sub.Version))
			continue
		}
		if err := e.subchart(path.Join(sub.Path, "Chart.yaml"), sub.Version); err != nil {
			return nil, err
		}
		followers[sub.Name] = true
	}
	return followers, nil
}

func (e *editing) subchart(name, version string) error {
	source, ok := e.file(name)
	if !ok {
		return fmt.Errorf("%s is not part of %s", name, e.Display)
	}
	doc, err := yamldoc.ParseLoose(name, source)
	if err != nil {
		return inFolder(err, e.Display)
	}
	after, err := yamledit.Rewrite(doc, []yamledit.Edit{{Pointer: []string{"version"}, Value: e.like(version)}})
	if err != nil {
		return inFolder(err, e.Display)
	}
	return e.put(name, "version "+e.like(version), after)
}

// lock keeps Chart.lock in step with the dependencies, where it was.
func (e *editing) lock(followers map[string]bool) error {
	lock, err := e.ext.Lock()
	if err != nil || lock == nil || len(followers) == 0 {
		return nil // the rule dependency-lock says what is wrong with it
	}
	if !e.ext.LockInSync(lock) {
		e.change.Notes = append(e.change.Notes, extension.LockFile+" was made for other dependencies, and stays as it is")
		return nil
	}
	var edits []yamledit.Edit
	declared, locked := make([]*chart.Dependency, len(lock.Dependencies)), make([]*chart.Dependency, len(lock.Dependencies))
	for i, d := range e.ext.Metadata.Dependencies {
		is, was := *d, *lock.Dependencies[i]
		if followers[d.Name] && isLocal(d.Repository) {
			if e.isVersion(is.Version) {
				is.Version = e.like(is.Version)
			}
			if e.isVersion(was.Version) {
				was.Version = e.like(was.Version)
				edits = append(edits, yamledit.Edit{Pointer: []string{"dependencies", strconv.Itoa(i), "version"}, Value: was.Version})
			}
		}
		declared[i], locked[i] = &is, &was
	}
	if len(edits) == 0 {
		return nil
	}
	source, _ := e.file(extension.LockFile)
	doc, err := yamldoc.ParseLoose(extension.LockFile, source)
	if err != nil {
		return inFolder(err, e.Display)
	}
	edits = append(edits, yamledit.Edit{Pointer: []string{"digest"}, Value: extension.LockDigest(declared, locked)})
	after, err := yamledit.Rewrite(doc, edits)
	if err != nil {
		return inFolder(err, e.Display)
	}
	return e.put(extension.LockFile, "the same dependencies", after)
}

// changelogs opens the section of the new version in each CHANGELOG.
func (e *editing) changelogs(r Request) error {
	if e.next == e.Version {
		return nil
	}
	entries := append(slices.Clone(e.entries), e.history.Subjects...)
	if e.history.More > 0 {
		entries = append(entries, fmt.Sprintf("… and %d more commits", e.history.More))
	}
	found := false
	for _, f := range e.ext.Files {
		if _, ok := changelog.Language(f.Name); !ok {
			continue
		}
		found = true
		if len(f.Data) > changelog.Largest {
			e.change.Notes = append(e.change.Notes, fmt.Sprintf("%s has more than %d KiB, and stays: write the section of %s by hand", f.Name, changelog.Largest>>10, e.next))
			continue
		}
		opened, err := changelog.Open(f.Data, changelog.Opening{Current: e.Version, Version: e.next, Entries: entries, Day: r.Day})
		if err != nil {
			return failure.WithHint(fmt.Errorf("%s: %w", filepath.Join(e.Display, f.Name), err), "write the section of %s by hand, and run the command again: it leaves a section that is there", e.next)
		}
		what := fmt.Sprintf("section %q", opened.Heading)
		switch {
		case opened.There:
			what += ", which is there already"
		case opened.Collected:
			what += " with what was unreleased"
		case len(entries) == 0:
			what += ", empty"
		case len(entries) == 1:
			what += " with 1 line to be edited"
		default:
			what += fmt.Sprintf(" with %d lines to be edited", len(entries))
		}
		if !opened.There && bytes.Equal(opened.Source, f.Data) {
			return fmt.Errorf("%s: nothing came of opening the section", filepath.Join(e.Display, f.Name))
		}
		if err := e.put(f.Name, what, opened.Source); err != nil {
			return err
		}
	}
	if !found {
		e.change.Notes = append(e.change.Notes, "there is no CHANGELOG.md: users cannot see what is new")
	}
	return nil
}
