package state

import (
	"errors"
	"io/fs"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// openForReading reads the state and changes nothing: no folder is made, no lock taken.
// Another process may write meanwhile. That is well: each file changes as a whole, and
// what was read halfway through a change is read again.
func (st *State) openForReading() error {
	folder, err := store.Open(st.Store.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // and stays empty
	}
	if err != nil {
		return err
	}
	st.Store = folder
	if err := st.reload(); err != nil {
		folder.Close()
		return err
	}
	return nil
}

// tick is longer than the clock of a file system stands still between two changes.
const tick = 20 * time.Millisecond

// reload reads the state. Damage is an error once it was seen twice in a state that
// nobody changed in between.
func (st *State) reload() error {
	const most = 100 // a writer that is at work all the time
	var last error
	steady := false
	for range most {
		before := st.Store.Stamp()
		read, err := st.Store.ReadAll()
		if err == nil {
			if time.Since(before.Records) < tick || time.Since(before.Contents) < tick {
				before = store.Stamp{} // it may change again within this moment
			}
			st.mu.Lock()
			st.replace(read)
			st.seen = before
			st.mu.Unlock()
			return nil
		}
		if steady && st.Store.Stamp() == before {
			return err
		}
		time.Sleep(tick)
		steady = st.Store.Stamp() == before
		last = err
	}
	return last
}

// Refresh reads the state again if another process has changed it.
func (st *State) Refresh() error {
	if st.Store.Root == nil {
		return nil
	}
	st.mu.RLock()
	seen := st.seen
	st.mu.RUnlock()
	if st.Store.Stamp() == seen {
		return nil
	}
	return st.reload()
}
