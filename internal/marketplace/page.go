package marketplace

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	webpage "github.com/ksrelease/ksrelease/internal/page"
)

//go:embed page.html
var pageSource string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"both": webpage.Both}).Parse(pageSource))
})

// maxInlineIcon is the most bytes of a data: icon that the page repeats. Icons may be
// half a megabyte, and the page shows many.
const maxInlineIcon = 32 << 10

// page is what the page at / shows.
type page struct {
	Base       string
	Extensions []pageExtension
	Versions   int
	Waiting    int  // for review
	AnyToken   bool // is accepted, if it looks like one
	Queue      []waiting
	Reviewable bool   // there is a key for the review
	Reviews    bool   // who looks at the page has signed in with it
	Refused    string // why the last thing that was asked for was not done, as refused… have it
}

// waiting is a version that waits for its review.
type waiting struct {
	Name string
	pageVersion
}

type pageExtension struct {
	Name        string
	Description string
	Status      catalog.Status
	Icon        template.URL
	Initial     string
	Versions    []pageVersion
}

type pageVersion struct {
	Version string
	Status  catalog.Status
	Size    string
	Digest  string
	Updated string
	When    string // for machines
	Message string
	Chart   string // address of the package; empty when it is not in the repository
	Shown   string // address of the page that shows it as KubeSphere does; empty where there is none
	Address string // of the version, below marketplace/review/
	Events  []event
}

// event is what happened to a version.
type event struct{ English, Chinese, When string }

// getPage shows people what is here and how to use it.
func (m *Marketplace) getPage(w http.ResponseWriter, r *http.Request) error {
	shown := page{
		Base: m.base(r).String(), AnyToken: m.options.Token == "",
		Reviewable: m.options.ReviewToken != "" && !m.options.ReadOnly, Reviews: browserReview{m}.signedIn(r), Refused: r.URL.Query().Get("refused"),
	}
	now := m.options.Now()
	for _, extension := range m.state.All() {
		made := showExtension(extension, now)
		shown.Extensions = append(shown.Extensions, made)
		shown.Versions += len(extension.Snapshots)
		for i := range extension.Snapshots {
			if extension.Snapshots[i].Status == catalog.Submitted {
				shown.Waiting++
				shown.Queue = append(shown.Queue, waiting{extension.Name, made.Versions[i]})
			}
		}
	}
	var body bytes.Buffer
	if err := pageTemplate().Execute(&body, shown); err != nil {
		return err
	}
	asPage(w, "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	w.Write(body.Bytes())
	return nil
}

// asPage sets what a browser should know of a page.
func asPage(w http.ResponseWriter, policy string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin") // without an origin no browser says that a form is of this page
	header.Set("Cache-Control", "no-store")
}

func showExtension(extension *catalog.Extension, now time.Time) pageExtension {
	shown := pageExtension{Name: extension.Name, Status: extension.Status(), Initial: strings.ToUpper(extension.Name[:1])}
	for i := range extension.Snapshots {
		snapshot := &extension.Snapshots[i]
		if i == 0 {
			shown.Description = snapshot.Package.Chart.Description
			shown.Icon = showIcon(snapshot.Package.Chart.Icon)
		}
		shown.Versions = append(shown.Versions, showVersion(extension.Name, snapshot, now))
	}
	return shown
}

func showVersion(name string, snapshot *catalog.Snapshot, now time.Time) pageVersion {
	shown := pageVersion{
		Version: snapshot.Version,
		Status:  snapshot.Status,
		Size:    humanize.IBytes(uint64(snapshot.Package.Size)),
		Digest:  snapshot.Package.Digest,
		Updated: humanize.RelTime(snapshot.UpdatedAt, now, "ago", "from now"),
		When:    snapshot.UpdatedAt.UTC().Format(time.RFC3339),
	}
	if snapshot.Status == catalog.Rejected {
		shown.Message = snapshot.Message
	}
	shown.Address = url.PathEscape(name) + "/" + url.PathEscape(snapshot.Version)
	shown.Events = eventsOf(snapshot)
	if snapshot.Status.Listed() {
		shown.Shown = "marketplace/shown/" + shown.Address
		shown.Chart = path.Join(store.ChartsDir, snapshot.Package.Filename)
	}
	return shown
}

// eventsOf is what is known of the past of a version, the first first.
func eventsOf(s *catalog.Snapshot) []event {
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
	events := []event{{"first uploaded", "首次上传", at(s.CreatedAt)}}
	if up := s.Package.UploadedAt; up.After(s.CreatedAt) {
		events = append(events, event{"uploaded again", "重新上传", at(up)})
	}
	switch s.Status {
	case catalog.Submitted:
		events = append(events, event{"submitted for review", "提交审批", at(s.UpdatedAt)})
	case catalog.Active:
		if !s.ListedAt.IsZero() {
			events = append(events, event{"submitted for review", "提交审批", at(s.ListedAt)})
		}
		events = append(events, event{"approved", "审批通过", at(s.UpdatedAt)})
	case catalog.Rejected:
		events = append(events, event{"rejected", "审批驳回", at(s.UpdatedAt)})
	}
	return events
}

// showIcon is the icon where the page can show it without asking another server: one
// that was uploaded here, by its path, or one that stands in the address itself. The
// page's policy lets a browser load nothing else.
func showIcon(icon string) template.URL {
	if len(icon) <= maxInlineIcon && strings.HasPrefix(icon, "data:image/") {
		return template.URL(icon) // an attribute's escaping still applies
	}
	address, err := url.Parse(icon)
	if err != nil || !strings.HasPrefix(address.Path, "/"+store.FilesDir+"/") || strayPath(address.Path) != "" {
		return ""
	}
	return template.URL(strings.TrimPrefix((&url.URL{Path: address.Path}).EscapedPath(), "/"))
}
