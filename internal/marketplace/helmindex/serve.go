package helmindex

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Serve answers with index.yaml: compressed for who can read that, and not at all for who
// has it already. Before an error nothing is written.
func (l *Index) Serve(w http.ResponseWriter, r *http.Request) error {
	body := l.Index
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		compressed, err := l.compressed()
		if err != nil {
			return err
		}
		body = compressed
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(len(body)))
		// A part of a compressed index is of no use to anybody, and its length would
		// not be the one above.
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	header.Set("Content-Type", "application/yaml; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // keep it, but ask each time
	header.Set("ETag", l.etag)
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
