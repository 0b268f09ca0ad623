package marketplace

import (
	"net/http"

	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// SetAddress makes known that the marketplace is served at addr, HOST:PORT or a URL, so
// that another process can find it (Connect, LockedError). A host that stands for all
// addresses is written as 127.0.0.1, since it is for processes of this host. The file
// holds a key and is readable by its owner alone.
func (m *Marketplace) SetAddress(addr string) error {
	return lease.Announce(m.state.Store, externalurl.LocalURL(addr), m.ExternalURL(), m.ownKey)
}

// getProof answers a challenge.
func (m *Marketplace) getProof(w http.ResponseWriter, r *http.Request) error {
	number := r.URL.Query().Get("number")
	if len(number) < 16 || len(number) > 64 {
		return wire.Refuse(http.StatusBadRequest, "number has to have 16 to 64 characters")
	}
	wire.AnswerJSON(w, http.StatusOK, map[string]string{"proof": lease.ProofOf(m.ownKey, number)})
	return nil
}
