package state

import (
	"errors"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
)

func open(t *testing.T, dir string, readOnly bool) *State {
	t.Helper()
	st, err := Open(dir, Options{ReadOnly: readOnly, Warn: func(message string) { t.Error(message) }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A change is on disk when it is acknowledged: who reads the directory sees it, and who
// opens it next.
func TestChangesAreOnDisk(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir, false)
	id := st.NewID()
	err := st.Change("alc", func(old *catalog.Extension) (*catalog.Extension, error) {
		if old != nil {
			t.Errorf("there is %+v", old)
		}
		return &catalog.Extension{ID: id, Name: "alc", Owner: "local"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := open(t, dir, true)
	if found, err := reader.Find("alc"); err != nil || found.ID != id {
		t.Errorf("a reader finds %+v, %v", found, err)
	}
	refused := reader.Change("alc", func(old *catalog.Extension) (*catalog.Extension, error) { return old, nil })
	if refused == nil {
		t.Error("a reader changed the state")
	}
	var locked *lease.LockedError
	if _, err := Open(dir, Options{Warn: func(string) {}, Now: time.Now}); !errors.As(err, &locked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := errors.Join(reader.Close(), st.Close()); err != nil {
		t.Fatal(err)
	}
	st = open(t, dir, false)
	if next := st.NewID(); next <= id {
		t.Errorf("the ID %s is not above %s", next, id)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}
