package marketplace

import "path"

// publishChart puts a copy of a package under public/charts/ in place of what has the
// name. A second name of the same file would do with less, but whoever can write to what
// is public could change the package of the state through it, and a private file cannot
// have other permissions under a public name.
func (s *store) publishChart(p *packageRecord) error {
	source, err := s.openPackage(p)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := s.stage(source, publicFileMode)
	if err != nil {
		return err
	}
	defer file.discard()
	return file.keep(path.Join(publicCharts, p.Filename))
}
