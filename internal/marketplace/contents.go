package marketplace

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// contents says which extensions there are, so that a record that is gone is not taken
// for one that never was, and what else is known of the marketplace as a whole.
type contents struct {
	Extensions  []string `json:"extensions"` // by name, sorted
	ExternalURL string   `json:"external_url,omitempty"`
}

// maxContents is the most bytes of the file with the contents.
const maxContents = 64 << 20

// readContents reads the contents; nil where there is no such file.
func (s *store) readContents() (*contents, error) {
	data, err := s.read(contentsFile, maxContents)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, errIrregular), errors.Is(err, errTooLarge):
		return nil, s.damaged(contentsFile, "%v", cause(err))
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", s.path(contentsFile), err)
	}
	found := &contents{}
	if err := unseal(data, found); err != nil {
		if format := formatOf(data); format > formatVersion {
			return nil, &FormatError{s.path(contentsFile), format}
		}
		return nil, s.damaged(contentsFile, "%v", err)
	}
	for i, name := range found.Extensions {
		if !namePattern.MatchString(name) || i > 0 && found.Extensions[i-1] >= name {
			return nil, s.damaged(contentsFile, "its list of extensions is not one that was written here")
		}
	}
	if _, err := parseExternalURL(found.ExternalURL); err != nil {
		return nil, s.damaged(contentsFile, "%v", err)
	}
	return found, nil
}

// writeContents makes the contents the truth on disk.
func (s *store) writeContents(c contents) error {
	slices.Sort(c.Extensions)
	if c.Extensions == nil {
		c.Extensions = []string{}
	}
	data, err := seal(c)
	if err != nil {
		return fmt.Errorf("encoding the contents: %w", err)
	}
	return s.write(contentsFile, data, privateFileMode)
}

// cause is what went wrong without the name of the file.
func cause(err error) error {
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		return onPath.Err
	}
	return err
}
