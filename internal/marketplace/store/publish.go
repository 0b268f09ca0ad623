package store

import (
	"path"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

// PublishChart puts a copy of a package under public/charts/ in place of what has the
// name. A second name of the same file would do with less, but whoever can write to what
// is public could change the package of the state through it, and a private file cannot
// have other permissions under a public name.
func (s *Store) PublishChart(p *catalog.Package) error {
	source, err := s.OpenPackage(p)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := s.Stage(source, PublicFileMode)
	if err != nil {
		return err
	}
	defer file.Discard()
	return file.Keep(path.Join(PublicCharts, p.Filename))
}
