package report

import (
	webpage "github.com/ksrelease/ksrelease/internal/page"
	"github.com/ksrelease/ksrelease/internal/results"
)

// htmlPage is a page for people, with how each extension is shown.
func htmlPage(r *results.Document, _ Tool) ([]byte, error) { return webpage.Bytes(webpage.OfResult(r)) }
