// Package page writes what a run did, and how each extension is shown in KubeSphere, as one page
// of HTML: it asks nobody for anything, runs no script, and is read on a telephone, too.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"sync"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Preview is the command of a page that is about what would be shown, and not about a run.
const Preview = "preview"

// Page is what is written.
type Page struct {
	Result *results.Document
	// Language is that in which the page opens, "en" or "zh"; it has both.
	Language string
	// Extensions are those of Result, in its order.
	Extensions []Extension
	// Notes are on the page as a whole, in sentences.
	Notes []string
	// Home is the address of the page that leads here, relative; empty where none does.
	Home string
}

// Extension is one extension of the page.
type Extension struct {
	Result results.Extension
	// Now is how this version is shown, and Published how the one is that it is compared with;
	// nil where there is none, or it cannot be read.
	Now, Published *showing.Showing
	// Against says what Published is, in words: "the published version 1.2.0".
	Against string
	// Alone says why there is no Published; it may be empty.
	Alone string
	// Diff is what differs between both; nil where that is not known.
	Diff *chartdiff.Diff
	// Unlinted says that nobody has looked for findings.
	Unlinted bool
	// Notes are on how the console shows it, in sentences.
	Notes []string
}

// most is how much the pictures and texts of a page may take, in bytes, so that a page of a hundred
// extensions stays below 5 MB.
const most = 3_900_000

// mostWithTexts is how many extensions a page has at most with their texts and screenshots: of more
// they would be too short to be read, and take longer than a report may.
const mostWithTexts = 300

// share is the part of one extension.
func share(extensions int) int { return min(max(most/max(extensions, 1), 16_000), 1_000_000) }

// BudgetOf is what the pictures and texts of each extension may take: of this version, and of
// the one that it is compared with.
func BudgetOf(extensions int) (now, published showing.Budget) {
	all := share(extensions)
	now = showing.Budget{Icon: all * 6 / 100, Screenshots: all * 15 / 100, Texts: all * 30 / 100, Wide: 1000}
	published = showing.Budget{Icon: all * 6 / 100, Screenshots: 0, Texts: all * 14 / 100}
	if extensions > mostWithTexts {
		now.Screenshots, now.Texts, published.Texts = 0, 0, 0
	}
	return now, published
}

//go:embed page.html
var source string

//go:embed page.css
var style string

// Policy is the Content-Security-Policy of a page, for who serves it.
func Policy() string { return policy() + "; frame-ancestors 'none'" }

// policy lets the page have its own style and pictures within it, and nothing else: no script, no
// address, no form.
var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
})

// templates are parsed when the first page is written.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(functions()).Parse(source))
})

// Write writes a page. The error is that of w.
func Write(w io.Writer, p Page) error { return templates().Execute(w, viewOf(p)) }

// Bytes is a page in memory.
func Bytes(p Page) ([]byte, error) {
	var b bytes.Buffer
	err := Write(&b, p)
	return b.Bytes(), err
}
