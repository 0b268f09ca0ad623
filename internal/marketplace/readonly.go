package marketplace

import (
	"errors"
	"io/fs"
	"net/http"
	"time"
)

// openForReading reads the state and changes nothing: no folder is made, no lock taken.
// Another process may write meanwhile. That is well: each file changes as a whole, and
// what was read halfway through a change is read again.
func (m *Marketplace) openForReading() error {
	store, err := openStore(m.store.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // and stays empty
	}
	if err != nil {
		return err
	}
	m.store = store
	if err := m.reload(); err != nil {
		store.close()
		return err
	}
	return nil
}

// stamp is when the state last changed: each change gives a file a name.
type stamp struct{ records, contents time.Time }

func (s *store) stamp() stamp {
	changed := func(name string) time.Time {
		info, err := s.root.Lstat(name)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	return stamp{changed(extensionsDir), changed(contentsFile)}
}

// tick is longer than the clock of a file system stands still between two changes.
const tick = 20 * time.Millisecond

// reload reads the state. Damage is an error once it was seen twice in a state that
// nobody changed in between.
func (m *Marketplace) reload() error {
	const most = 100 // a writer that is at work all the time
	var last error
	steady := false
	for range most {
		before := m.store.stamp()
		read, err := m.store.readState()
		if err == nil {
			if time.Since(before.records) < tick || time.Since(before.contents) < tick {
				before = stamp{} // it may change again within this moment
			}
			m.mu.Lock()
			m.replace(read)
			m.seen = before
			m.mu.Unlock()
			return nil
		}
		if steady && m.store.stamp() == before {
			return err
		}
		time.Sleep(tick)
		steady = m.store.stamp() == before
		last = err
	}
	return last
}

// refresh reads the state again if another process has changed it.
func (m *Marketplace) refresh() error {
	if m.store.root == nil {
		return nil
	}
	m.mu.RLock()
	seen := m.seen
	m.mu.RUnlock()
	if m.store.stamp() == seen {
		return nil
	}
	return m.reload()
}

// errReadOnly refuses to write.
var errReadOnly = refuse(http.StatusForbidden, "this marketplace is opened for reading alone")
