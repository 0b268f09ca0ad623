package store

import "path"

// MakePrivate keeps others of this machine from what an earlier ksrelease let them read.
func (s *Store) MakePrivate() error {
	for _, dir := range []string{StateDir, ExtensionsDir, PackagesDir, StagingDir} {
		if err := s.Root.Chmod(dir, PrivateDirMode); err != nil {
			return err
		}
	}
	packages, err := s.List(PackagesDir)
	if err != nil {
		return err
	}
	for _, entry := range packages {
		if !entry.Type().IsRegular() {
			continue
		}
		if err := s.Root.Chmod(path.Join(PackagesDir, entry.Name()), PrivateFileMode); err != nil {
			return err
		}
	}
	return nil
}
