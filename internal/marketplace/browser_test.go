package marketplace

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

const testReviewToken = "review-0123456789abcdef"

// inBrowser is a browser with the page of a marketplace open.
type inBrowser struct {
	*http.Client
	base string
}

// post sends a form as a page of an origin does, and returns where it leads, or the status of another
// answer.
func (b inBrowser) post(t *testing.T, origin, address string, form url.Values) string {
	t.Helper()
	r, err := http.NewRequest("POST", b.base+"/marketplace/review/"+address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return response.Status
	}
	to, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(to.String(), b.base)
}

func newBrowser(t *testing.T, base string) inBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return inBrowser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, base}
}

func TestReviewInABrowser(t *testing.T) {
	m := open(t, t.TempDir(), Options{ReviewToken: testReviewToken})
	c := serve(t, m)
	c.release("alc", "1.0.0")
	c.release("alc", "2.0.0")
	b := newBrowser(t, c.base)
	page := func() string {
		response, err := b.Get(c.base + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var text strings.Builder
		if _, err := io.Copy(&text, response.Body); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	stateOf := func(version string) string {
		record, err := m.state.Find("alc")
		if err != nil {
			t.Fatal(err)
		}
		s, _ := record.Version(version)
		return string(s.Status) + " " + s.Message
	}

	// Who has not signed in sees the queue, and changes nothing.
	if text := page(); !strings.Contains(text, "Waiting for review") || !strings.Contains(text, `href="marketplace/shown/alc/2.0.0"`) || strings.Contains(text, "/approve") {
		t.Errorf("%s", text)
	}
	for _, tt := range []struct{ origin, address, key, want string }{
		{c.base, "alc/1.0.0/approve", "", "/?refused=session"},
		{c.base, "sign-in", "wrong", "/?refused=key"},
		{c.base, "sign-in", "", "/?refused=key"},
		{c.base, "sign-in", testToken, "/?refused=key"}, // that of releases is another one
		{"https://evil.example", "sign-in", testReviewToken, "403 Forbidden"},
		{"null", "sign-in", testReviewToken, "403 Forbidden"},
		{"", "sign-in", testReviewToken, "403 Forbidden"},
	} {
		if got := b.post(t, tt.origin, tt.address, url.Values{"key": {tt.key}}); got != tt.want {
			t.Errorf("%s from %q with %q: %s, want %s", tt.address, tt.origin, tt.key, got, tt.want)
		}
	}

	if got := b.post(t, c.base, "sign-in", url.Values{"key": {testReviewToken}}); got != "/" {
		t.Fatal(got)
	}
	at, _ := url.Parse(c.base)
	if cookies := b.Jar.Cookies(at); len(cookies) != 1 || strings.Contains(cookies[0].Value, testReviewToken) {
		t.Errorf("%v", cookies)
	}
	if text := page(); !strings.Contains(text, `action="marketplace/review/alc/1.0.0/approve"`) || !strings.Contains(text, "Sign out") {
		t.Errorf("%s", text)
	}
	// A page of another origin has the browser send the cookie: nothing is done.
	for _, origin := range []string{"https://evil.example", "http://127.0.0.1:1", "null", ""} {
		if got := b.post(t, origin, "alc/1.0.0/approve", nil); got != "403 Forbidden" {
			t.Errorf("from %q: %s", origin, got)
		}
	}
	if got := stateOf("1.0.0"); !strings.HasPrefix(got, "submitted ") {
		t.Fatalf("it is %s", got)
	}
	if got := b.post(t, c.base, "alc/1.0.0/approve", nil); got != "/" || stateOf("1.0.0") != "active " {
		t.Errorf("%s, it is %s", got, stateOf("1.0.0"))
	}
	if got := b.post(t, c.base, "alc/1.0.0/approve", nil); got != "/?refused=state" {
		t.Errorf("approved twice: %s", got)
	}
	if got := b.post(t, c.base, "alc/2.0.0/reject", url.Values{"message": {"<b>no</b> icon"}}); got != "/" || stateOf("2.0.0") != "rejected <b>no</b> icon" {
		t.Errorf("%s, it is %s", got, stateOf("2.0.0"))
	}
	if got := b.post(t, c.base, "alc/2.0.0/reject", url.Values{"message": {strings.Repeat("x", mostMessage+1)}}); got != "400 Bad Request" {
		t.Errorf("a message without end: %s", got)
	}
	if got := b.post(t, c.base, "nobody/1.0.0/approve", nil); got != "/?refused=state" {
		t.Errorf("an extension that is not there: %s", got)
	}
	if text := page(); !strings.Contains(text, "Nothing waits.") || !strings.Contains(text, "&lt;b&gt;no&lt;/b&gt; icon") || !strings.Contains(text, "approved") {
		t.Errorf("%s", text)
	}
	if got := b.post(t, c.base, "sign-out", nil); got != "/" {
		t.Error(got)
	}
	if text := page(); strings.Contains(text, "Sign out") {
		t.Error("still signed in")
	}
}

// TestNoReviewWithoutAKey: without a key of its own there is no review in a browser, whatever one sends.
func TestNoReviewWithoutAKey(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	c.release("alc", "1.0.0")
	b := newBrowser(t, c.base)
	for _, address := range []string{"sign-in", "alc/1.0.0/approve"} {
		if got := b.post(t, c.base, address, url.Values{"key": {""}}); got != "404 Not Found" {
			t.Errorf("%s: %s", address, got)
		}
	}
	if _, err := Open(t.TempDir(), Options{ReviewToken: "short"}); err == nil || !strings.Contains(err.Error(), "has 5 characters, and needs 16") {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.TempDir(), Options{Token: testReviewToken, ReviewToken: testReviewToken}); err == nil || !strings.Contains(err.Error(), "is the API key") {
		t.Errorf("%v", err)
	}
}

// TestAsShown: a version as KubeSphere shows it, next to the one that was approved.
func TestAsShown(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	c := serve(t, m)
	c.want(200, c.upload(files("/files/local/alc/2.0.0/i.svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`)...))
	c.release("alc", "1.0.0", "README.md", "before")
	c.release("alc", "2.0.0", "README.md", "# Now\n\n<script>alert(1)</script>\n", "extension.yaml", metadata("alc", "2.0.0")+"\nicon: "+c.base+"/files/local/alc/2.0.0/i.svg\n")
	c.draft("alc", "3.0.0")
	c.token = ""
	if answer := c.get("/marketplace/shown/alc/1.0.0"); !strings.Contains(string(answer.body), "<p>before</p>") {
		t.Errorf("%d %s", answer.status, answer.body)
	}
	if err := m.Approve("alc", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	answer := c.want(200, c.get("/marketplace/shown/alc/2.0.0"))
	text := string(answer.body)
	for _, want := range []string{"<h1>Now</h1>", "<p>before</p>", "the published version 1.0.0", "README.md", `src="data:image/svg&#43;xml;base64,`, `<a href="../../../">`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if strings.Contains(text, "<script") || !strings.Contains(answer.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("it may run a script")
	}
	for _, nowhere := range []string{"alc/3.0.0", "alc/9.0.0", "nobody/1.0.0"} {
		c.want(404, c.get("/marketplace/shown/"+nowhere))
	}
}
