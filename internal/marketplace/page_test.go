package marketplace

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

func TestPage(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	c := serve(t, m)
	c.token = ""
	empty := c.want(200, c.get("/"))
	for _, want := range []string{"Nothing has been released here yet", "helm repo add local " + c.base, "cloud: {server: " + c.base + "}", "any API key of the form"} {
		if !strings.Contains(string(empty.body), want) {
			t.Errorf("the empty page lacks %q", want)
		}
	}

	c.token = testToken
	c.want(200, c.upload(files("/files/local/alc/2.0.0/i x.svg", "<svg/>")...))
	c.release("alc", "1.0.0")
	c.release("alc", "2.0.0", "Chart.yaml", "apiVersion: v2\ndescription: <b>bold</b>\nicon: "+c.base+"/files/local/alc/2.0.0/i%20x.svg\n"+metadata("alc", "2.0.0"))
	c.release("web", "1.0.0")
	c.draft("web", "1.1.0")
	if err := m.Approve("alc", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if err := m.Reject("web", "1.0.0", "say what it is for"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * time.Hour)
	text := string(c.want(200, c.get("/")).body)
	for _, want := range []string{
		"2 extensions, 4 versions, 1 waiting for review", "&lt;b&gt;bold&lt;/b&gt;",
		`<img class="icon" src="files/local/alc/2.0.0/i%20x.svg"`, `<a href="charts/alc-2.0.0.tgz">2.0.0</a>`,
		`<span class="state active">active</span>`, `<span class="state ready">ready</span>`, `<span class="state submitted">submitted</span>`,
		`<span class="state rejected">rejected</span>`, "Sent back: say what it is for",
		"3 hours ago", "2026-11-22T12:00:00Z", sha256Hex(packed("alc", "1.0.0"))[:12],
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "charts/web-1.1.0.tgz") {
		t.Error("the page links to a draft, which is not served")
	}
	if outside := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).FindString(text); outside != "" {
		t.Errorf("the page loads from elsewhere: %s", outside)
	}
	if policy := c.get("/").header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
}

func TestShowIcon(t *testing.T) {
	for icon, want := range map[string]string{
		"": "", "https://cdn.example.org/i.svg": "", "javascript:alert(1)": "", "data:text/html,<b>": "",
		"data:image/png;base64,AAAA":                                  "data:image/png;base64,AAAA",
		"data:image/png;base64," + strings.Repeat("A", maxInlineIcon): "",
		"http://127.0.0.1:8790/files/local/a/1/i.svg":                 "files/local/a/1/i.svg",
		"http://127.0.0.1:8790/files/../state/x":                      "",
		"http://127.0.0.1:8790/files/local/%22onload=x":               "files/local/%22onload=x",
	} {
		if got := string(showIcon(icon)); got != want {
			t.Errorf("showIcon(%.60s) = %q, want %q", icon, got, want)
		}
	}
}

// An icon cannot break out of the attribute it stands in.
func TestIconIsEscaped(t *testing.T) {
	var out strings.Builder
	icon := `data:image/svg+xml,"><script>alert(1)</script>`
	record := &catalog.Package{Filename: "a-1.0.0.tgz", Chart: &chart.Metadata{Icon: icon}}
	shown := showExtension(&catalog.Extension{Name: "a", Snapshots: []catalog.Snapshot{{Version: "1.0.0", Status: catalog.Draft, Package: record}}}, time.Now())
	if err := pageTemplate().Execute(&out, page{Extensions: []pageExtension{shown}}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<script>") {
		t.Error("an icon put a script into the page")
	}
}
