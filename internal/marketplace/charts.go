package marketplace

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// getIndex serves index.yaml as it is at this moment.
func (m *Marketplace) getIndex(w http.ResponseWriter, r *http.Request) error {
	current, err := m.state.Current()
	if err != nil {
		return err
	}
	return current.Serve(w, r)
}

// getChart serves a package that is in the index, if its bytes are those that were sent.
func (m *Marketplace) getChart(w http.ResponseWriter, r *http.Request) error {
	filename := r.PathValue("file")
	missing := wire.Refuse(http.StatusNotFound, "there is no chart %s in this repository", filename)
	current, err := m.state.Current()
	if err != nil {
		return err
	}
	listed := current.Packages[filename]
	if listed == nil {
		return missing
	}
	file, err := m.state.Store.OpenPackage(listed)
	if now, still := m.state.IsListed(filename); errors.Is(err, fs.ErrNotExist) && (!still || now.Digest != listed.Digest) {
		return missing // taken back and replaced since the line above
	}
	if store.IsDamage(err) {
		return fmt.Errorf("%w; it is not served: who runs this marketplace puts it back, or ends it and runs ksrelease marketplace repair", err)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("ETag", `"`+listed.Digest+`"`)
	wire.AsData(w)
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}
