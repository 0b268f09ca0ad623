package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
	"github.com/ksrelease/ksrelease/internal/transport"
)

const goodKey = "kck-11111111-2222-3333-4444-555555555555"

// checked makes the checks of a project with a server, and says whether anything was sent
// but GET and HEAD.
func checked(t *testing.T, handler http.Handler, change func(*Checker)) map[string]Check {
	t.Helper()
	var mu sync.Mutex
	var writes []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			mu.Lock()
			writes = append(writes, r.Method+" "+r.URL.Path)
			mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := &Checker{
		Web:     transport.New(transport.Options{Attempts: 1, Patience: time.Second}),
		Project: Project{File: ".ksrelease.yaml", Extensions: 1, Names: []string{"alc"}, Root: t.TempDir(), Output: filepath.Join(t.TempDir(), "dist"), Limit: 1 << 20},
		Places:  Places{Server: server.URL, Repository: server.URL, Key: goodKey, Source: "KSRELEASE_TOKEN"},
	}
	if change != nil {
		change(c)
	}
	all := append([]Check{c.Config()}, append(c.Online(t.Context()), c.Offline(t.Context())...)...)
	if len(writes) > 0 {
		t.Errorf("sent %v", writes)
	}
	byName := map[string]Check{}
	for _, one := range all {
		if one.Status != OK && one.Status != Skipped && one.Hint == "" {
			t.Errorf("%s has no hint: %s", one.Name, one.Message)
		}
		byName[one.Name] = one
	}
	return byName
}

func expect(t *testing.T, all map[string]Check, name string, status Status, words ...string) {
	t.Helper()
	c, ok := all[name]
	if !ok || c.Status != status {
		t.Errorf("%s is %q, not %q: %s", name, c.Status, status, c.Message)
	}
	for _, word := range words {
		if !strings.Contains(c.Message+" → "+c.Hint, word) {
			t.Errorf("%s does not say %q: %s → %s", name, word, c.Message, c.Hint)
		}
	}
}

func market(t *testing.T) *marketplace.Marketplace {
	t.Helper()
	m, err := marketplace.Open(filepath.Join(t.TempDir(), "market"), marketplace.Options{Token: goodKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestAllIsWell(t *testing.T) {
	all := checked(t, market(t), nil)
	expect(t, all, NameConfig, OK, ".ksrelease.yaml declares 1 extension")
	expect(t, all, NameServer, OK, "http://127.0.0.1:", " at 127.0.0.1:")
	expect(t, all, NameKey, OK, "that of KSRELEASE_TOKEN is accepted: user local")
	expect(t, all, NameRights, OK, "0 of this account, 1 new")
	expect(t, all, NameLimits, OK, "1.0 MiB", "no rate limit")
	expect(t, all, NameRepository, OK)
	expect(t, all, NameClock, OK)
	expect(t, all, NameProxy, OK, "none is on the way")
	expect(t, all, NameFolders, OK, "writable: ")
	expect(t, all, NameSpace, OK)
	expect(t, all, NameGit, OK, "there is no commit")
	for _, c := range all {
		if c.Unauthorized {
			t.Error(c)
		}
	}
}

func TestKey(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*Checker)
		status       Status
		unauthorized bool
		words        string
	}{
		"none":        {func(c *Checker) { c.Places.Key, c.Places.Source = "", "" }, Failed, true, "there is no API key"},
		"refused":     {func(c *Checker) { c.Places.Key = "kck-99999999-2222-3333-4444-555555555555" }, Failed, true, "that of KSRELEASE_TOKEN: asking who the API key belongs to: 401"},
		"not a key":   {func(c *Checker) { c.Places.Key = "a b" }, Failed, true, "copy it again"},
		"unreachable": {func(c *Checker) { c.Places.Server = "http://127.0.0.1:1" }, Skipped, false, "whether it is accepted is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			all := checked(t, market(t), c.change)
			expect(t, all, NameKey, c.status, c.words)
			expect(t, all, NameRights, Skipped)
			if all[NameKey].Unauthorized != c.unauthorized || strings.Contains(fmt.Sprint(all), "99999999") {
				t.Errorf("%+v", all)
			}
		})
	}
	// A server that fails is none that refuses the key.
	all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }), nil)
	expect(t, all, NameServer, Warning, "it answers 502")
	expect(t, all, NameKey, Failed, "502")
	if all[NameKey].Unauthorized {
		t.Error(all[NameKey])
	}
}

func TestRights(t *testing.T) {
	m := market(t)
	all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/extensions/theirs/"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message": "not yours"}`)
		case strings.Contains(r.URL.Path, "/extensions/mine/"):
			_, _ = io.WriteString(w, `[{"snapshot_id": "1", "metadata": {"version": "1.0.0"}, "status": "active"}]`)
		case strings.Contains(r.URL.Path, "/extensions/odd/"):
			_, _ = io.WriteString(w, `{}`)
		default:
			m.ServeHTTP(w, r)
		}
	}), func(c *Checker) { c.Project.Names = []string{"theirs", "mine", "new", "odd", "mine", ""} })
	expect(t, all, NameRights, Failed, "1 of this account, 1 new", "of another account: theirs", "not known of odd", "the API key of their account")
}

func TestClock(t *testing.T) {
	for apart, want := range map[time.Duration]string{
		0: "less than 10 s apart", 5 * time.Second: "less than", -5 * time.Second: "less than",
		3 * time.Minute: "this machine is 3m0s ahead of the marketplace", -3 * time.Minute: "this machine is 3m0s behind the marketplace",
		-26 * time.Hour: "26h0m0s behind",
	} {
		status := Warning
		if strings.HasPrefix(want, "less") {
			status = OK
		}
		// Servers in tests are quick; 20 s are for those of a machine that is not.
		fixed := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", fixed.Format(http.TimeFormat))
		}), func(c *Checker) { c.Now = func() time.Time { return fixed.Add(apart) } })
		got := all[NameClock]
		got.Message = strings.NewReplacer("2m59s", "3m0s", "3m1s", "3m0s", "26h0m1s", "26h0m0s").Replace(got.Message)
		expect(t, map[string]Check{NameClock: got}, NameClock, status, want)
	}
	all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Age", "100")
	}), nil)
	expect(t, all, NameClock, Skipped)
}

func TestProxy(t *testing.T) {
	proxied := func(address string, err error) func(*Checker) {
		return func(c *Checker) {
			c.Proxy = func(r *http.Request) (*url.URL, error) {
				if strings.HasPrefix(r.URL.Host, "beta.") || err != nil {
					return nil, err
				}
				return url.Parse(address)
			}
			c.Places.Repository = "http://beta.invalid"
		}
	}
	all := checked(t, market(t), proxied("http://user:secret@proxy.example:3128", nil))
	expect(t, all, NameProxy, OK, " by http://xxxxx@proxy.example:3128", "beta.invalid direct")
	expect(t, all, NameRepository, Failed, "beta.invalid")
	if strings.Contains(fmt.Sprint(all), "secret") {
		t.Error(all)
	}
	all = checked(t, market(t), proxied("", errors.New("invalid proxy address \"::\"")))
	expect(t, all, NameProxy, Failed, "invalid proxy address", "HTTPS_PROXY")
}

func TestLimits(t *testing.T) {
	for header, want := range map[string]struct {
		status Status
		words  string
	}{
		"RateLimit-Remaining: 12":  {OK, "12 requests are left"},
		"X-RateLimit-Remaining: 0": {Warning, "0 requests are left"},
		"RateLimit: \"a\";r=50":    {OK, `rate limit "a";r=50`},
	} {
		name, value, _ := strings.Cut(header, ": ")
		all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set(name, value) }), nil)
		expect(t, all, NameLimits, want.status, want.words)
	}
}

func TestQuota(t *testing.T) {
	for used, status := range map[int]Status{0: OK, 95 << 20: Warning} {
		all := checked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/usage"):
				_, _ = fmt.Fprintf(w, `{"dir": "/files/usr-1", "quota": %d, "used": %d}`, 100<<20, used)
			case strings.HasSuffix(r.URL.Path, "/user"):
				_, _ = io.WriteString(w, `{"user_id": "usr-1"}`)
			default:
				http.NotFound(w, r)
			}
		}), nil)
		expect(t, all, NameKey, OK, "user usr-1, whose files go to /files/usr-1")
		expect(t, all, NameLimits, status, "of 100 MiB")
	}
}

func TestTLS(t *testing.T) {
	server := testca.New(t, "Of this test").Serve(t, market(t), "127.0.0.1")
	all := checked(t, market(t), func(c *Checker) { c.Places.Repository = server.URL })
	expect(t, all, NameRepository, Failed, "signed by an authority that is not known")
	authority := testca.New(t, "Trusted")
	server = authority.Serve(t, market(t), "127.0.0.1")
	trusted, err := transport.LoadRootCAs(written(t, authority.PEM()))
	if err != nil {
		t.Fatal(err)
	}
	all = checked(t, market(t), func(c *Checker) {
		c.Places.Repository = server.URL
		c.Web = transport.New(transport.Options{Attempts: 1, Servers: []transport.Server{{Address: server.URL, RootCAs: trusted}}})
	})
	if got := all[NameRepository]; got.Status == Failed || !strings.Contains(got.Message, "TLS 1.3, certificate until ") {
		t.Errorf("%+v", got)
	}
	all = checked(t, market(t), func(c *Checker) {
		c.Places.Repository = server.URL
		c.Web = transport.New(transport.Options{Attempts: 1, Servers: []transport.Server{{Address: server.URL, RootCAs: trusted}}})
		c.Now = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }
	})
	expect(t, all, NameRepository, Warning, "certificate until ", "have to renew its certificate")
}

func TestSpace(t *testing.T) {
	for free, want := range map[uint64]Status{0: Failed, 16<<20 - 1: Failed, 16 << 20: Warning, 256<<20 - 1: Warning, 256 << 20: OK} {
		if got := statusOfSpace(free); got != want {
			t.Errorf("%d bytes: %s", free, got)
		}
	}
}

func written(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAssets(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/gone") {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer served.Close()
	c := &Checker{Web: transport.New(transport.Options{Attempts: 1})}
	for want, addresses := range map[Status][]string{
		Skipped: nil,
		OK:      {served.URL + "/a.svg", served.URL + "/gone"}, // a host is asked once
		Warning: {served.URL + "/gone", "http://127.0.0.1:1/b.png"},
	} {
		got := c.Assets(context.Background(), addresses)
		if got.Status != want || want == Warning && (!strings.Contains(got.Message, "404 Not Found") || !strings.Contains(got.Message, "connection refused")) {
			t.Errorf("%+v", got)
		}
	}
}

func TestConfig(t *testing.T) {
	for want, project := range map[Status]Project{
		Failed: {Err: errors.New("broken")}, Warning: {}, OK: {File: "x", Extensions: 2},
	} {
		if got := (&Checker{Project: project}).Config(); got.Status != want {
			t.Errorf("%+v", got)
		}
	}
	if got := (&Checker{Project: Project{File: "x"}}).Config(); got.Status != Warning {
		t.Errorf("%+v", got)
	}
}

func TestFolders(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	c := &Checker{Project: Project{Root: t.TempDir(), Output: filepath.Join(closed, "not", "there")}}
	got := c.folders()
	if os.Geteuid() != 0 && got.Status != Failed {
		t.Errorf("%+v", got)
	}
	for _, folder := range []string{c.Project.Root, closed} {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
			t.Error(entries, err)
		}
	}
}

// The local marketplace has a key of its own, and is on this machine.
func TestLocal(t *testing.T) {
	all := checked(t, market(t), func(c *Checker) { c.Places.Local, c.Places.Exists = ".ksrelease/marketplace", true })
	expect(t, all, NameMarketplace, OK, "the local one in .ksrelease/marketplace opens")
	expect(t, all, NameRights, OK)
	for _, name := range []string{NameKey, NameClock, NameProxy} {
		if _, ok := all[name]; ok {
			t.Error(name)
		}
	}
}

// Nothing is waited for beyond the patience for one request, and not after the end.
func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := &Checker{Web: transport.New(transport.Options{Attempts: 1}), Places: Places{Server: "http://127.0.0.1:1", Repository: "http://127.0.0.1:1", Key: goodKey}}
	if got := c.Online(ctx); !slices.ContainsFunc(got, func(c Check) bool { return c.Name == NameServer && c.Status == Failed }) {
		t.Errorf("%+v", got)
	}
}
