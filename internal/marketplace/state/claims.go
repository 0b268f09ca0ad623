package state

import (
	"net/http"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// ClaimFilename makes sure that a file name of the repository stands for one package.
// The claim is given back by release when nothing came of the push; one that was there
// before stays.
func (st *State) ClaimFilename(filename string, wanted catalog.Claim) (release func(), err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch holder, taken := st.filenames[filename]; {
	case !taken:
		st.filenames[filename] = wanted
		return func() { st.unclaim(filename, wanted) }, nil
	case holder != wanted:
		return nil, wire.Refuse(http.StatusConflict, "the file name %s is that of version %s of %s: choose another version", filename, holder.Version, holder.Extension)
	}
	return func() { st.unclaim(filename, wanted) }, nil
}

// unclaim gives a file name back, unless a snapshot has it by now.
func (st *State) unclaim(filename string, given catalog.Claim) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if known := st.catalogue[given.Extension]; known != nil {
		if _, ok := known.Version(given.Version); ok {
			return
		}
	}
	delete(st.filenames, filename)
}
