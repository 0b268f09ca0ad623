package marketplace

import (
	"errors"
	"fmt"
	"net/http"
)

// Approve makes a submitted version active, so that its extension is ready.
func (m *Marketplace) Approve(name, version string) error {
	return m.review(name, version, approval, "")
}

// Reject sends a submitted version back with a message to its author. It leaves the
// Helm repository.
func (m *Marketplace) Reject(name, version, message string) error {
	return m.review(name, version, rejection, message)
}

func (m *Marketplace) review(name, version string, st step, message string) error {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.closed {
		return errors.New("the marketplace is closed")
	}
	return m.take(name, byVersion(version), st, message)
}

// picker chooses the snapshot of an extension that a step is for.
type picker func(*extensionRecord) (*snapshotRecord, error)

func byVersion(version string) picker {
	return func(e *extensionRecord) (*snapshotRecord, error) {
		if snapshot, ok := e.version(version); ok {
			return snapshot, nil
		}
		return nil, noVersion(e.Name, version)
	}
}

// ownByID is for authors, who have a snapshot's ID and may touch only their own.
func (m *Marketplace) ownByID(id string) picker {
	return func(e *extensionRecord) (*snapshotRecord, error) {
		if err := m.owns(e); err != nil {
			return nil, err
		}
		if snapshot, ok := e.snapshot(id); ok {
			return snapshot, nil
		}
		return nil, fmt.Errorf("the state of %s has lost snapshot %s", e.Name, id)
	}
}

// take applies a step to the snapshot that pick chooses.
func (m *Marketplace) take(name string, pick picker, st step, message string) error {
	if _, err := m.find(name); err != nil {
		return err
	}
	return m.change(name, func(old *extensionRecord) (*extensionRecord, error) {
		snapshot, err := pick(old)
		if err != nil {
			return nil, err
		}
		next, err := snapshot.take(st, name, message, m.options.Now().UTC())
		if err != nil {
			return nil, err
		}
		return old.with(next), nil
	})
}

func (m *Marketplace) submit(w http.ResponseWriter, r *http.Request) error {
	return m.stepSnapshot(w, r, submission)
}

func (m *Marketplace) cancelSubmit(w http.ResponseWriter, r *http.Request) error {
	return m.stepSnapshot(w, r, withdrawal)
}

// stepSnapshot is what an author does with a snapshot.
func (m *Marketplace) stepSnapshot(w http.ResponseWriter, r *http.Request, st step) error {
	message, err := readMessage(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("snapshot")
	m.mu.RLock()
	name, ok := m.snapshots[id]
	m.mu.RUnlock()
	if !ok {
		return refuse(http.StatusNotFound, "there is no snapshot %q", id)
	}
	if err := m.take(name, m.ownByID(id), st, message); err != nil {
		return err
	}
	answerJSON(w, http.StatusOK, struct{}{})
	return nil
}

// owns refuses what belongs to another user.
func (m *Marketplace) owns(e *extensionRecord) error {
	if e.Owner != m.options.User {
		return refuse(http.StatusForbidden, "extension %s belongs to another user", e.Name)
	}
	return nil
}

func (m *Marketplace) approve(w http.ResponseWriter, r *http.Request) error {
	return m.answerReview(w, r, approval)
}

func (m *Marketplace) reject(w http.ResponseWriter, r *http.Request) error {
	return m.answerReview(w, r, rejection)
}

func (m *Marketplace) answerReview(w http.ResponseWriter, r *http.Request, st step) error {
	message, err := readMessage(w, r)
	if err != nil {
		return err
	}
	// Not through review: the request holds life already.
	if err := m.take(r.PathValue("extension"), byVersion(r.PathValue("version")), st, message); err != nil {
		return err
	}
	answerJSON(w, http.StatusOK, struct{}{})
	return nil
}

func readMessage(w http.ResponseWriter, r *http.Request) (string, error) {
	var body struct {
		Message string `json:"message"`
	}
	err := readJSON(w, r, &body)
	return body.Message, err
}
