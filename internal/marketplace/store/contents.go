package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
)

// Contents says which extensions there are, so that a record that is gone is not taken
// for one that never was, and what else is known of the marketplace as a whole.
type Contents struct {
	Extensions  []string `json:"extensions"` // by name, sorted
	ExternalURL string   `json:"external_url,omitempty"`
}

// maxContents is the most bytes of the file with the contents.
const maxContents = 64 << 20

// ReadContents reads the contents; nil where there is no such file.
func (s *Store) ReadContents() (*Contents, error) {
	data, err := s.Read(ContentsFile, maxContents)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, ErrIrregular), errors.Is(err, errTooLarge):
		return nil, s.Damaged(ContentsFile, "%v", failure.WithoutPath(err))
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", s.Path(ContentsFile), err)
	}
	found := &Contents{}
	if err := unseal(data, found); err != nil {
		if format := formatOf(data); format > FormatVersion {
			return nil, &FormatError{s.Path(ContentsFile), format}
		}
		return nil, s.Damaged(ContentsFile, "%v", err)
	}
	for i, name := range found.Extensions {
		if !catalog.KnownName(name) || i > 0 && found.Extensions[i-1] >= name {
			return nil, s.Damaged(ContentsFile, "its list of extensions is not one that was written here")
		}
	}
	if _, err := externalurl.Parse(found.ExternalURL); err != nil {
		return nil, s.Damaged(ContentsFile, "%v", err)
	}
	return found, nil
}

// WriteContents makes the contents the truth on disk.
func (s *Store) WriteContents(c Contents) error {
	slices.Sort(c.Extensions)
	if c.Extensions == nil {
		c.Extensions = []string{}
	}
	data, err := seal(c)
	if err != nil {
		return fmt.Errorf("encoding the contents: %w", err)
	}
	return s.Write(ContentsFile, data, PrivateFileMode)
}
