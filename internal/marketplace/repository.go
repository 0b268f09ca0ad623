package marketplace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// getIndex serves index.yaml as it is at this moment: compressed for who can read that,
// and not at all for who has it already.
func (m *Marketplace) getIndex(w http.ResponseWriter, r *http.Request) error {
	current, err := m.current()
	if err != nil {
		return err
	}
	body := current.index
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		if body, err = current.compressed(); err != nil {
			return err
		}
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(len(body)))
		// A part of a compressed index is of no use to anybody, and its length would
		// not be the one above.
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	header.Set("Content-Type", "application/yaml; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // keep it, but ask each time
	header.Set("ETag", current.etag)
	// Without Last-Modified: its second is too long a time for a list that may change
	// twice in it.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

// acceptsGzip reads Accept-Encoding: gzip, or any coding, unless with weight zero.
func acceptsGzip(values []string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}
		weight, hasWeight := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q=")
		if !hasWeight {
			return true
		}
		q, err := strconv.ParseFloat(weight, 64)
		return err == nil && q > 0
	}
	return false
}

// isListed finds a package that is in the index at this moment.
func (m *Marketplace) isListed(filename string) (*packageRecord, bool) {
	current, err := m.current()
	if err != nil {
		return nil, false
	}
	listed, ok := current.packages[filename]
	return listed, ok
}

// getChart serves a package that is in the index, if its bytes are those that were sent.
func (m *Marketplace) getChart(w http.ResponseWriter, r *http.Request) error {
	filename := r.PathValue("file")
	missing := refuse(http.StatusNotFound, "there is no chart %s in this repository", filename)
	current, err := m.current()
	if err != nil {
		return err
	}
	listed := current.packages[filename]
	if listed == nil {
		return missing
	}
	file, err := m.store.openPackage(listed)
	if now, still := m.isListed(filename); errors.Is(err, fs.ErrNotExist) && (!still || now.Digest != listed.Digest) {
		return missing // taken back and replaced since the line above
	}
	if isDamage(err) {
		return fmt.Errorf("%w; it is not served: who runs this marketplace puts it back, or ends it and runs ksrelease marketplace repair", err)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("ETag", `"`+listed.Digest+`"`)
	asData(w)
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}
