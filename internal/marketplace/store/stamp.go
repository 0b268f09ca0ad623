package store

import "time"

// Stamp is when the state last changed: each change gives a file a name.
type Stamp struct{ Records, Contents time.Time }

func (s *Store) Stamp() Stamp {
	changed := func(name string) time.Time {
		info, err := s.Root.Lstat(name)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	return Stamp{changed(ExtensionsDir), changed(ContentsFile)}
}
