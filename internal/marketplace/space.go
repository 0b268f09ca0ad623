package marketplace

import (
	"net/http"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// tellingOfSpace answers for a full disk with a status that clients do not take for a
// passing trouble, and with what to do.
func (m *Marketplace) tellingOfSpace(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := next(w, r)
		if store.OutOfSpace(err) {
			return wire.Refuse(http.StatusInsufficientStorage, "%v: there is no space left for the marketplace in %s; free some and ask again", err, m.state.Store.Dir)
		}
		return err
	}
}
