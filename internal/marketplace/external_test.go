package marketplace

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// urls are the addresses of all packages in an index, by name@version.
func (i indexFile) urls() map[string]string {
	all := map[string]string{}
	for _, entries := range i.Entries {
		for _, entry := range entries {
			all[entry.Name+"@"+entry.Version] = strings.Join(entry.URLs, " ")
		}
	}
	return all
}

// through is a client of a marketplace behind a reverse proxy, which has it below a path
// and takes the path off, or not.
func through(t *testing.T, to *client, prefix string, strips, keepsHost bool) (*client, string) {
	t.Helper()
	target, err := url.Parse(to.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if keepsHost {
			r.Out.Host = r.In.Host
		}
	}}
	mux := http.NewServeMux()
	if strips {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, proxy))
	} else {
		mux.Handle(prefix+"/", proxy)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	behind := *to
	behind.base = server.URL + prefix
	return &behind, server.URL + prefix
}

// Behind a reverse proxy with a path everything is reached by the external URL alone,
// whether the proxy takes the path off or leaves it, and whatever host it passes on.
func TestExternalURLBehindAProxy(t *testing.T) {
	for _, prefix := range []string{"/market", "/a/b-c.d", "/charts", "/files", "/apis", "/m~1"} {
		for _, strips := range []bool{true, false} {
			for _, keepsHost := range []bool{true, false} {
				name := prefix + map[bool]string{true: " taken off", false: " left"}[strips] + map[bool]string{true: ", with its host", false: ""}[keepsHost]
				t.Run(name, func(t *testing.T) {
					dir := t.TempDir()
					m := open(t, dir, Options{})
					server := httptest.NewUnstartedServer(nil)
					server.Config = NewServer(m.GuardHost(server.Listener.Addr(), m))
					server.Start()
					t.Cleanup(server.Close)
					direct := &client{t: t, http: server.Client(), base: server.URL, token: testToken, user: DefaultUser}
					c, external := through(t, direct, prefix, strips, keepsHost)
					if err := m.SetExternalURL(external + "/"); err != nil {
						t.Fatal(err)
					}
					var uploaded struct{ Files []struct{ URL string } }
					c.want(200, c.upload(files("/files/local/alc/1.0.0/a b.png", "x")...)).decode(t, &uploaded)
					if want := external + "/files/local/alc/1.0.0/a%20b.png"; uploaded.Files[0].URL != want {
						t.Errorf("URL of a file = %s, want %s", uploaded.Files[0].URL, want)
					}
					c.release("alc", "1.0.0")
					flush(t, m)
					want := map[string]string{"alc@1.0.0": external + "/charts/alc-1.0.0.tgz"}
					for who, index := range map[string]indexFile{"the proxy": c.index(), "the server": direct.index(), "the folder": readStatic(t, dir)} {
						if diff := cmp.Diff(want, index.urls()); diff != "" {
							t.Errorf("the index of %s: %s", who, diff)
						}
					}
					for _, address := range []string{want["alc@1.0.0"], uploaded.Files[0].URL, external + "/", external + "/index.yaml"} {
						answer, err := http.Get(address)
						if err != nil || answer.StatusCode != 200 {
							t.Errorf("%s: %v %v", address, answer.Status, err)
						}
						answer.Body.Close()
					}
					c.want(404, c.get("/nothing"))
				})
			}
		}
	}
}

// A page at the path without a slash would have links that lead past it.
func TestExternalPathWithoutSlash(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	c := serve(t, m)
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := m.SetExternalURL("http://h.example/market"); err != nil {
		t.Fatal(err)
	}
	if got := c.want(308, c.get("/market")).header.Get("Location"); got != "/market/" {
		t.Errorf("Location = %s", got)
	}
	c.want(200, c.get("/market/"))
	c.want(404, c.get("/markets/index.yaml"))
}

// The external URL stays with the folder: who opens it later writes the same index, and
// another URL, or none, rewrites it.
func TestExternalURLIsKept(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, m).release("alc", "1.0.0")
	for _, step := range []struct{ set, external, url string }{
		{"http://h.example/market/", "http://h.example/market", "http://h.example/market/charts/alc-1.0.0.tgz"},
		{"HTTPS://H.example:8443", "https://h.example:8443", "https://h.example:8443/charts/alc-1.0.0.tgz"},
		{"", "", "charts/alc-1.0.0.tgz"},
	} {
		if err := m.SetExternalURL(step.set); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"alc@1.0.0": step.url}
		for range 2 {
			if diff := cmp.Diff(want, readStatic(t, dir).urls()); diff != "" || m.ExternalURL() != step.external {
				t.Errorf("%q: external URL %q, %s", step.set, m.ExternalURL(), diff)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			if m, err = Open(dir, Options{FilesURL: "http://127.0.0.1:8790"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// On a loopback address only requests for a loopback host, or for that of the external
// URL, are answered: no page of another host whose name leads here reads or writes.
func TestHostIsChecked(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	if err := m.SetExternalURL("https://Market.Example/path"); err != nil {
		t.Fatal(err)
	}
	status := func(at net.Addr, host string) int {
		answer := httptest.NewRecorder()
		request := httptest.NewRequest("GET", "/index.yaml", nil)
		request.Host = host
		m.GuardHost(at, m).ServeHTTP(answer, request)
		if answer.Code != 200 && !strings.Contains(answer.Body.String(), "answers to localhost:8790 and 127.0.0.1:8790") {
			t.Errorf("%s: %s", host, answer.Body)
		}
		return answer.Code
	}
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8790}
	for _, host := range []string{
		"localhost", "localhost:8790", "LOCALHOST:8790", "LocalHost", "localhost.", "localhost.:8790", "127.0.0.1", "127.0.0.1:8790", "127.1.2.3:8790", "[::1]", "[::1]:8790", "[0:0:0:0:0:0:0:1]:8790",
		"market.example", "MARKET.example", "market.example:443", "market.example.",
	} {
		if got := status(loopback, host); got != 200 {
			t.Errorf("%q is answered with %d", host, got)
		}
		if got := status(&net.TCPAddr{IP: net.IPv6loopback, Port: 8790}, host); got != 200 {
			t.Errorf("%q is answered with %d on IPv6", host, got)
		}
	}
	strange := []string{
		"", "evil.example", "evil.example:8790", "localhost.evil.example:8790", "127.0.0.1.evil.example", "evil-localhost", "localhost:80", "127.0.0.1:8791", "localhost:", "[::1]:1", "0.0.0.0:8790", "[::]:8790",
		"192.168.0.1:8790", "market.example:8790", "market.example:80", "a.market.example", "localhost@evil.example", "evil@localhost:8790", "localhost:8790:8790", "2130706433", "0x7f000001", "127.1", "localhost/x", "::1",
		"[::ffff:127.0.0.1%25x]:8790", "localhost,evil.example", "local host",
	}
	for _, host := range strange {
		if got := status(loopback, host); got != http.StatusMisdirectedRequest {
			t.Errorf("%q is answered with %d", host, got)
		}
		// A server for others does not know the names that lead to it.
		if got := status(&net.TCPAddr{IP: net.IPv4zero, Port: 8790}, host); got != 200 {
			t.Errorf("%q is answered with %d where all can reach it", host, got)
		}
	}
}

// The key that was asked for is the only one; it need not look like one of KubeSphere.
func TestTokens(t *testing.T) {
	for _, token := range []string{"x", testToken, "a/b+c=~", strings.Repeat("k", 1024), `"'<>&;,`} {
		m := open(t, t.TempDir(), Options{Token: token})
		c := serve(t, m)
		c.token = token
		c.want(200, c.get("/apis/user/v1/user"))
		for _, other := range []string{"", "kck-other", token + "x", "kck-"} {
			c.token = other
			if got := c.get("/apis/user/v1/user").status; got != 401 {
				t.Errorf("%q opens what %q protects: %d", other, token, got)
			}
		}
	}
	for _, token := range []string{"", " ", "a b", "a\tb", "a\n", "\r\na", "ä", "a\x00", "a\x7f", "ａ", strings.Repeat("k", 1025)} {
		err := CheckToken(token)
		if err == nil || token != "" && len(token) < 9 && strings.Contains(err.Error(), token+" ") {
			t.Errorf("%q: %v", token, err)
		}
		if token == "" {
			continue
		}
		if m, err := Open(t.TempDir(), Options{Token: token}); err == nil {
			m.Close()
			t.Errorf("a marketplace opens with the token %q", token)
		}
	}
}

// What the folder holds is private or public, and by its permissions, too. Below public
// stands nothing of drafts, rejections, reviews and keys.
func TestPublicFolderHoldsWhatIsPublic(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{Token: "key-of-the-server"})
	c := serve(t, m)
	c.token = "key-of-the-server"
	if err := m.SetAddress(c.base); err != nil {
		t.Fatal(err)
	}
	c.want(200, c.upload(files("/files/local/alc/1.0.0/i.svg", "<svg/>")...))
	c.release("alc", "1.0.0")
	c.release("rejected", "1.0.0", "values.yaml", "what: rejected\n")
	c.release("withdrawn", "1.0.0")
	c.draft("drafted", "1.0.0")
	if err := errors.Join(m.Approve("alc", "1.0.0"), m.Reject("rejected", "1.0.0", "message-of-the-review")); err != nil {
		t.Fatal(err)
	}
	withdrawn := versionsOf(m)["withdrawn@1.0.0"]
	c.want(200, c.step(withdrawn.ID, "cancel-submit"))
	flush(t, m)
	all := readTree(t, dir)
	public := ""
	for name, content := range all {
		mode := os.FileMode(0o600)
		switch folder := strings.HasSuffix(name, "/"); {
		case strings.HasPrefix(name, "public/") && folder:
			mode = store.PublicDirMode
		case strings.HasPrefix(name, "public/"):
			mode = store.PublicFileMode
		case folder:
			mode = 0o700
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o (%v)", name, info.Mode().Perm(), mode, err)
		}
		if strings.HasPrefix(name, "public/") {
			public += name + "\n" + content + "\n"
		}
	}
	for _, secret := range []string{"rejected", "withdrawn", "drafted", "message-of-the-review", "key-of-the-server", m.ownKey, "please", string(packed("rejected", "1.0.0", "values.yaml", "what: rejected\n")), string(packed("drafted", "1.0.0"))} {
		if strings.Contains(public, secret) {
			t.Errorf("%.30q is public", secret)
		}
	}
	for _, name := range []string{"public/index.yaml", "public/charts/alc-1.0.0.tgz", "public/files/local/alc/1.0.0/i.svg"} {
		if all[name] == "" {
			t.Errorf("%s is not public", name)
		}
	}
	// Any web server will do.
	static := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "public"))))
	defer static.Close()
	c.base = static.URL
	if got := c.get("/charts/alc-1.0.0.tgz").body; sha256Hex(got) != c.index().Entries["alc"][0].Digest {
		t.Error("a static server serves another package")
	}
}
