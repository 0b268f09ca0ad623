package marketplace

import (
	"errors"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/state"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// Approve makes a submitted version active, so that its extension is ready.
func (m *Marketplace) Approve(name, version string) error {
	return m.review(name, version, catalog.Approval, "")
}

// Reject sends a submitted version back with a message to its author. It leaves the
// Helm repository.
func (m *Marketplace) Reject(name, version, message string) error {
	return m.review(name, version, catalog.Rejection, message)
}

func (m *Marketplace) review(name, version string, st catalog.Step, message string) error {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.closed {
		return errors.New("the marketplace is closed")
	}
	return m.state.Take(name, state.ByVersion(version), st, message)
}

func (m *Marketplace) submit(w http.ResponseWriter, r *http.Request) error {
	return m.stepSnapshot(w, r, catalog.Submission)
}

func (m *Marketplace) cancelSubmit(w http.ResponseWriter, r *http.Request) error {
	return m.stepSnapshot(w, r, catalog.Withdrawal)
}

// stepSnapshot is what an author does with a snapshot.
func (m *Marketplace) stepSnapshot(w http.ResponseWriter, r *http.Request, st catalog.Step) error {
	message, err := readMessage(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("snapshot")
	name, ok := m.state.SnapshotOf(id)
	if !ok {
		return wire.Refuse(http.StatusNotFound, "there is no snapshot %q", id)
	}
	if err := m.state.Take(name, state.OwnByID(id, m.options.User), st, message); err != nil {
		return err
	}
	wire.AnswerJSON(w, http.StatusOK, struct{}{})
	return nil
}

func (m *Marketplace) approve(w http.ResponseWriter, r *http.Request) error {
	return m.answerReview(w, r, catalog.Approval)
}

func (m *Marketplace) reject(w http.ResponseWriter, r *http.Request) error {
	return m.answerReview(w, r, catalog.Rejection)
}

func (m *Marketplace) answerReview(w http.ResponseWriter, r *http.Request, st catalog.Step) error {
	message, err := readMessage(w, r)
	if err != nil {
		return err
	}
	// Not through review: the request holds life already.
	if err := m.state.Take(r.PathValue("extension"), state.ByVersion(r.PathValue("version")), st, message); err != nil {
		return err
	}
	wire.AnswerJSON(w, http.StatusOK, struct{}{})
	return nil
}

func readMessage(w http.ResponseWriter, r *http.Request) (string, error) {
	var body struct {
		Message string `json:"message"`
	}
	err := wire.ReadJSON(w, r, &body)
	return body.Message, err
}
