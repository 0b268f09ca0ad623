package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// upgrade brings a directory of an earlier ksrelease into the form of today: records
// without a digest of their own get one, what is public moves below public/, and what is
// private is readable by its owner alone. The earlier ksrelease kept uploaded files and
// the static repository at the top, next to the state. Each step may be the last one
// before a crash; the records come last, as it is they that ask for an upgrade.
func (st *State) upgrade(read *store.Inventory) error {
	s := st.Store
	if err := st.moveUploads(); err != nil {
		return err
	}
	if err := st.completeContents(read); err != nil {
		return err
	}
	if err := st.dropEarlierRepository(); err != nil {
		return err
	}
	if err := s.MakePrivate(); err != nil {
		return err
	}
	for _, record := range read.Records {
		if err := s.WriteExtension(record); err != nil {
			return err
		}
	}
	if len(read.Records) > 0 {
		st.options.Warn(fmt.Sprintf("the marketplace in %s is upgraded to a new form: what a web server may serve is in %s now", s.Dir, s.Path(store.PublicDir)))
	}
	return nil
}

// moveUploads moves the uploaded files below public/.
func (st *State) moveUploads() error {
	s := st.Store
	from, err := s.Root.Lstat(store.FilesDir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !from.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	taken, err := s.Exists(store.UploadsDir)
	if err != nil {
		return err
	}
	if taken {
		st.options.Warn(fmt.Sprintf("uploaded files of an earlier ksrelease are still in %s: there is a folder %s already", s.Path(store.FilesDir), s.Path(store.UploadsDir)))
		return nil
	}
	if err := s.Root.Rename(store.FilesDir, store.UploadsDir); err != nil {
		return err
	}
	return errors.Join(s.SyncDir(store.PublicDir), s.SyncDir("."))
}

// dropEarlierRepository removes the static repository at the top, which nobody keeps up
// to date any more.
func (st *State) dropEarlierRepository() error {
	s := st.Store
	charts, err := s.List(store.ChartsDir)
	if err != nil {
		return err
	}
	for _, entry := range charts {
		if err := st.retract(path.Join(store.ChartsDir, entry.Name())); err != nil {
			return err
		}
	}
	for _, name := range []string{store.IndexName, store.ChartsDir} {
		if err := s.Root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// retract removes a published package of which the state has a copy, and moves any other
// file to what is lost.
func (st *State) retract(name string) error {
	s := st.Store
	digest, size, err := s.Digest(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if kept, keptSize, err := s.Digest(store.PackageFile(digest)); err == nil && kept == digest && keptSize == size {
			if err := s.Root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
	}
	lost, err := s.Lose(name)
	if err != nil {
		return err
	}
	st.options.Warn(fmt.Sprintf("%s is not of this marketplace: it is moved to %s", s.Path(name), s.Path(lost)))
	return nil
}
