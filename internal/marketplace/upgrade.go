package marketplace

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// upgrade brings a directory of an earlier ksrelease into the form of today: records
// without a digest of their own get one, what is public moves below public/, and what is
// private is readable by its owner alone. The earlier ksrelease kept uploaded files and
// the static repository at the top, next to the state. Each step may be the last one
// before a crash; the records come last, as it is they that ask for an upgrade.
func (m *Marketplace) upgrade(read *found) error {
	s := m.store
	if err := m.moveUploads(); err != nil {
		return err
	}
	if err := m.completeContents(read); err != nil {
		return err
	}
	if err := m.dropEarlierRepository(); err != nil {
		return err
	}
	if err := s.makePrivate(); err != nil {
		return err
	}
	for _, record := range read.records {
		if err := s.writeExtension(record); err != nil {
			return err
		}
	}
	if len(read.records) > 0 {
		m.options.Warn(fmt.Sprintf("the marketplace in %s is upgraded to a new form: what a web server may serve is in %s now", s.dir, s.path(publicDir)))
	}
	return nil
}

// moveUploads moves the uploaded files below public/.
func (m *Marketplace) moveUploads() error {
	s := m.store
	from, err := s.root.Lstat(filesDir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !from.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	taken, err := s.exists(uploadsDir)
	if err != nil {
		return err
	}
	if taken {
		m.options.Warn(fmt.Sprintf("uploaded files of an earlier ksrelease are still in %s: there is a folder %s already", s.path(filesDir), s.path(uploadsDir)))
		return nil
	}
	if err := s.root.Rename(filesDir, uploadsDir); err != nil {
		return err
	}
	return errors.Join(s.syncDir(publicDir), s.syncDir("."))
}

// dropEarlierRepository removes the static repository at the top, which nobody keeps up
// to date any more.
func (m *Marketplace) dropEarlierRepository() error {
	s := m.store
	charts, err := s.list(chartsDir)
	if err != nil {
		return err
	}
	for _, entry := range charts {
		if err := m.retract(path.Join(chartsDir, entry.Name())); err != nil {
			return err
		}
	}
	for _, name := range []string{indexName, chartsDir} {
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// retract removes a published package of which the state has a copy, and moves any other
// file to what is lost.
func (m *Marketplace) retract(name string) error {
	s := m.store
	digest, size, err := s.digest(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if kept, keptSize, err := s.digest(packageFile(digest)); err == nil && kept == digest && keptSize == size {
			if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
	}
	lost, err := s.lose(name)
	if err != nil {
		return err
	}
	m.options.Warn(fmt.Sprintf("%s is not of this marketplace: it is moved to %s", s.path(name), s.path(lost)))
	return nil
}

// makePrivate keeps others of this machine from what an earlier ksrelease let them read.
func (s *store) makePrivate() error {
	for _, dir := range []string{stateDir, extensionsDir, packagesDir, stagingDir} {
		if err := s.root.Chmod(dir, privateDirMode); err != nil {
			return err
		}
	}
	packages, err := s.list(packagesDir)
	if err != nil {
		return err
	}
	for _, entry := range packages {
		if !entry.Type().IsRegular() {
			continue
		}
		if err := s.root.Chmod(path.Join(packagesDir, entry.Name()), privateFileMode); err != nil {
			return err
		}
	}
	return nil
}
