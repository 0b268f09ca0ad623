package marketplace

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
)

// publishChart puts a package under charts/ in place of what has the name: the same
// file under a second name where the file system can do that, else a copy.
func (s *store) publishChart(filename, digest string) error {
	link := path.Join(stagingDir, rand.Text())
	target := path.Join(chartsDir, filename)
	if err := s.root.Link(packageFile(digest), link); err != nil {
		return s.copyChart(target, digest)
	}
	// Renaming one name of a file to another name of the same file does nothing and
	// leaves both (POSIX), so the staged name is removed either way.
	defer s.root.Remove(link)
	return s.root.Rename(link, target)
}

func (s *store) copyChart(target, digest string) error {
	source, err := s.root.Open(packageFile(digest))
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := s.stage(source, 0o644)
	if err != nil {
		return err
	}
	defer file.discard()
	return file.keep(target)
}

// isPublished says whether the chart under filename is the package it should be.
func (s *store) isPublished(filename string, wanted *packageRecord) bool {
	name := path.Join(chartsDir, filename)
	info, err := s.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != wanted.Size {
		return false
	}
	if original, err := s.root.Stat(packageFile(wanted.Digest)); err == nil && os.SameFile(info, original) {
		return true
	}
	file, err := s.root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return false
	}
	return hex.EncodeToString(hash.Sum(nil)) == wanted.Digest
}
