package compare

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// contentDifferences compares the files that the content digest covers.
func contentDifferences(local, other *extension.Extension) Differences {
	c := contents{
		ours:   &unpack.Meter{Limits: local.Limits},
		theirs: &unpack.Meter{Limits: other.Limits},
	}
	c.files("", packed(local), packed(other), 0)
	ours, theirs := withReferencesOf(local, other), other.Document.Source()
	if bytes.Equal(ours, theirs) {
		return c.found
	}
	if fields := fieldDifferences(local, other, true); len(fields) > 0 {
		return append(c.found, fields...)
	}
	return append(c.found, changed(extension.MetadataFile, ours, theirs)) // in comments, for one
}

// packed are the files of the pushed form, without extension.yaml.
func packed(e *extension.Extension) []extension.File {
	return slices.DeleteFunc(slices.Clone(e.Files), func(f extension.File) bool {
		return f.Name == extension.MetadataFile || e.LeavesOut(f.Name)
	})
}

// withReferencesOf is extension.yaml as it would have been packed with the references of
// the other extension.
func withReferencesOf(e, other *extension.Extension) []byte {
	references := map[string]string{}
	for _, ref := range referencesOf(other.Metadata) {
		references[strings.Join(ref.pointer, "/")] = ref.text
	}
	var edits []yamledit.Edit
	for _, ref := range referencesOf(e.Metadata) {
		if there, ok := references[strings.Join(ref.pointer, "/")]; ok && there != ref.text {
			edits = append(edits, yamledit.Edit{Pointer: ref.pointer, Value: there})
		}
	}
	if data, err := yamledit.Apply(e.Document, edits); err == nil {
		return data
	}
	return e.Document.Source()
}

// reference is a value of icon or screenshots, and where it stands.
type reference struct {
	text    string
	pointer []string
}

func referencesOf(m extension.Metadata) []reference {
	refs := []reference{{m.Icon, []string{"icon"}}}
	for i, s := range m.Screenshots {
		refs = append(refs, reference{s, []string{"screenshots", strconv.Itoa(i)}})
	}
	return slices.DeleteFunc(refs, func(r reference) bool { return r.text == "" })
}

// contents collects what differs between two lists of files.
type contents struct {
	ours, theirs *unpack.Meter
	found        Differences
}

// files compares files that are sorted by name; depth is how many archives they lie in,
// and prefix the path to them.
func (c *contents) files(prefix string, ours, theirs []extension.File, depth int) {
	for len(ours) > 0 || len(theirs) > 0 {
		switch {
		case len(theirs) == 0, len(ours) > 0 && ours[0].Name < theirs[0].Name:
			c.found = append(c.found, Difference{File: prefix + ours[0].Name, Kind: Added})
			ours = ours[1:]
		case len(ours) == 0, theirs[0].Name < ours[0].Name:
			c.found = append(c.found, Difference{File: prefix + theirs[0].Name, Kind: Removed})
			theirs = theirs[1:]
		default:
			c.file(prefix, ours[0], theirs[0], depth)
			ours, theirs = ours[1:], theirs[1:]
		}
	}
}

func (c *contents) file(prefix string, ours, theirs extension.File, depth int) {
	kind, content := extension.ContentOf(ours, c.ours, depth)
	otherKind, otherContent := extension.ContentOf(theirs, c.theirs, depth)
	if kind == otherKind && bytes.Equal(content, otherContent) {
		return
	}
	if kind != "archive" || otherKind != "archive" {
		c.found = append(c.found, changed(prefix+ours.Name, ours.Data, theirs.Data))
		return
	}
	// Each archive is unpacked for its digest by meters that last for the whole extension.
	// To name what is in it gets others, or the second reading would exceed the limits.
	inside := contents{ours: &unpack.Meter{Limits: c.ours.Limits}, theirs: &unpack.Meter{Limits: c.theirs.Limits}}
	_, a, err := unpack.ReadNested(ours.Data, inside.ours, unpack.All)
	_, b, otherErr := unpack.ReadNested(theirs.Data, inside.theirs, unpack.All)
	if err == nil && otherErr == nil {
		inside.files(prefix+ours.Name+"!/", a, b, depth+1)
	}
	if len(inside.found) == 0 { // what goes beyond the limits
		inside.found = Differences{{File: prefix + ours.Name, Kind: Changed}}
	}
	c.found = append(c.found, inside.found...)
}
