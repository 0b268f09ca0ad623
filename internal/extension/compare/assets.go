package compare

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// assetDifferences compares icon and screenshots. What is known is returned with an error,
// too.
func assetDifferences(local, other *extension.Extension, fetch Fetch) (Differences, error) {
	c := assets{local: local, other: other, fetch: fetch, fetched: make(map[string][]byte)}
	found, errIcon := c.all("icon", []string{local.Metadata.Icon}, []string{other.Metadata.Icon})
	shots, err := c.all("screenshots", local.Metadata.Screenshots, other.Metadata.Screenshots)
	if err == nil && len(shots) > 0 {
		var reordered Differences
		reordered, err = c.all("screenshots", remoteFirst(local.Metadata.Screenshots), other.Metadata.Screenshots)
		if err == nil && len(reordered) == 0 {
			shots = nil
		}
	}
	return append(found, shots...), errors.Join(errIcon, err)
}

// remoteFirst is the order that ksbuilder gives to screenshots.
func remoteFirst(refs []string) []string {
	out := make([]string, 0, len(refs))
	for _, local := range []bool{false, true} {
		for _, ref := range refs {
			if extension.IsLocalRef(ref) == local {
				out = append(out, ref)
			}
		}
	}
	return out
}

// assets compares references, of which each may be a file, a data: URI or an address.
type assets struct {
	local, other *extension.Extension
	fetch        Fetch
	fetched      map[string][]byte
}

// all compares the references of a field, one after the other. Where pictures differ that
// are files, they are named; anything else is a difference in the field.
func (c *assets) all(field string, ours, theirs []string) (Differences, error) {
	if len(ours) != len(theirs) {
		return Differences{inMetadata(field)}, nil
	}
	// What an address leads to is not ours to look after: another address is a
	// difference, and known as one without asking anybody.
	for i := range ours {
		if isAddress(ours[i]) && ours[i] != theirs[i] {
			return Differences{inMetadata(field)}, nil
		}
	}
	var out Differences
	for i := range ours {
		switch d, err := c.one(field, ours[i], theirs[i]); {
		case err != nil:
			return out, err
		case d != nil:
			out = append(out, *d)
		}
	}
	return out, nil
}

// one compares two references; the difference is nil where both stand for the same.
func (c *assets) one(field, ours, theirs string) (*Difference, error) {
	if ours == theirs && !extension.IsLocalRef(ours) {
		return nil, nil
	}
	differs := inMetadata(field)
	if c.fetch == nil && isAddress(theirs) {
		return &differs, nil
	}
	data, ok, err := c.content(c.local, ours)
	if err != nil {
		return nil, err
	}
	other, otherOK, err := c.content(c.other, theirs)
	switch {
	case err != nil:
		return nil, err
	case !ok && !otherOK && ours == theirs, ok && otherOK && bytes.Equal(data, other):
		return nil, nil
	case ok && otherOK && extension.IsLocalRef(ours):
		file, _ := extension.LocalFile(ours)
		return &Difference{file, Changed, field}, nil
	}
	return &differs, nil
}

func isAddress(ref string) bool {
	return ref != "" && !extension.IsLocalRef(ref) && !strings.EqualFold(ref[:len("data:")], "data:")
}

// content is what a reference stands for; ok is false where that is nothing.
func (c *assets) content(e *extension.Extension, ref string) (data []byte, ok bool, err error) {
	switch {
	case ref == "":
		return nil, false, nil
	case extension.IsLocalRef(ref):
		file, inside := extension.LocalFile(ref)
		for _, a := range e.Assets {
			if inside && a.File == file {
				return a.Data, true, nil
			}
		}
		return nil, false, nil
	case !isAddress(ref):
		data, ok = decodeDataURI(ref)
		return data, ok, nil
	}
	if data, ok := c.fetched[ref]; ok {
		return data, true, nil
	}
	if data, err = c.fetch(ref); err != nil {
		return nil, false, err
	}
	c.fetched[ref] = data
	return data, true, nil
}

// decodeDataURI gives the content of a data: URI (RFC 2397).
func decodeDataURI(ref string) ([]byte, bool) {
	head, body, ok := strings.Cut(ref, ",")
	if !ok {
		return nil, false
	}
	text, err := url.PathUnescape(body)
	if err != nil {
		return nil, false
	}
	if !strings.HasSuffix(head, ";base64") {
		return []byte(text), true
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil
}
