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
)

//go:embed page.html
var pageSource string

var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageSource)) })

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
}

// getPage shows people what is here and how to use it.
func (m *Marketplace) getPage(w http.ResponseWriter, r *http.Request) error {
	shown := page{Base: m.base(r).String(), AnyToken: m.options.Token == ""}
	now := m.options.Now()
	for _, extension := range m.state.All() {
		shown.Extensions = append(shown.Extensions, showExtension(extension, now))
		shown.Versions += len(extension.Snapshots)
		for i := range extension.Snapshots {
			if extension.Snapshots[i].Status == catalog.Submitted {
				shown.Waiting++
			}
		}
	}
	var body bytes.Buffer
	if err := pageTemplate().Execute(&body, shown); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.Write(body.Bytes())
	return nil
}

func showExtension(extension *catalog.Extension, now time.Time) pageExtension {
	shown := pageExtension{Name: extension.Name, Status: extension.Status(), Initial: strings.ToUpper(extension.Name[:1])}
	for i := range extension.Snapshots {
		snapshot := &extension.Snapshots[i]
		if i == 0 {
			shown.Description = snapshot.Package.Chart.Description
			shown.Icon = showIcon(snapshot.Package.Chart.Icon)
		}
		shown.Versions = append(shown.Versions, showVersion(snapshot, now))
	}
	return shown
}

func showVersion(snapshot *catalog.Snapshot, now time.Time) pageVersion {
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
	if snapshot.Status.Listed() {
		shown.Chart = path.Join(store.ChartsDir, snapshot.Package.Filename)
	}
	return shown
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
