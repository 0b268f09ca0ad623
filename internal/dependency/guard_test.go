package dependency

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// TestNearness: which addresses are how near.
func TestNearness(t *testing.T) {
	for near, addresses := range map[nearness]string{
		public:   "1.1.1.1 9.255.255.255 172.32.0.1 2606:4700::1111 100.128.0.1 64:ff9b::101:101 2002:101:101::",
		private:  "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd12::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1::",
		loopback: "127.0.0.1 127.9.9.9 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1",
		special:  "169.254.169.254 169.254.0.1 fe80::1 ::ffff:169.254.169.254 fd00:ec2::254 100.100.100.200 0.0.0.0 0.1.2.3 :: 224.0.0.1 ff02::1 255.255.255.255 64:ff9b::a9fe:a9fe",
	} {
		for address := range strings.FieldsSeq(addresses) {
			if got := nearnessOf(netip.MustParseAddr(address).Unmap()); got != near {
				t.Errorf("%s is %s, want %s", address, got, near)
			}
		}
	}
}

// TestGuard: what an extension, an index, a redirect or a registry may lead to. The
// name localhost is allowed where a case needs a server that counts as a public one.
func TestGuard(t *testing.T) {
	inside := newSite(t) // what nobody outside should reach
	inside.put("/redis.tgz", chartPackage(t, "redis", "1.2.0"))
	inside.index("", "redis", entry{"1.2.0", inside.URL + "/redis.tgz", ""})
	shop := newSite(t)
	shop.index("/in", "redis", entry{"1.2.0", inside.URL + "/redis.tgz", ""})
	shop.index("/name", "redis", entry{"1.2.0", strings.Replace(inside.URL, "127.0.0.1", "localhost", 1) + "/redis.tgz", ""})
	shop.index("/oci", "redis", entry{"1.2.0", strings.Replace(inside.URL, "http", "oci", 1) + "/charts/redis:1.2.0", ""})
	shop.index("/moved", "redis", entry{"1.2.0", "/go/redis.tgz", ""})
	shop.index("/metadata", "redis", entry{"1.2.0", "http://169.254.169.254/latest/meta-data/", ""})
	shop.guard = func(w http.ResponseWriter, r *http.Request) bool {
		if path, ok := strings.CutPrefix(r.URL.Path, "/go/"); ok {
			http.Redirect(w, r, inside.URL+"/"+path, http.StatusFound)
			return true
		}
		return false
	}
	named := strings.Replace(shop.URL, "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct{ repository, allowed, want string }{
		"named on this machine":                {inside.URL, "", ""},
		"an index on this machine leads there": {shop.URL + "/in", "", ""},
		"an index leads to this machine":       {named + "/in", "localhost", "this machine's own address, and extension.yaml does not name it"},
		"by OCI":                               {named + "/oci", "localhost", "this machine's own address, and extension.yaml does not name it"},
		"by a redirect":                        {named + "/moved", "localhost", "this machine's own address, and extension.yaml does not name it"},
		"by a redirect of the index":           {named + "/go", "localhost", "this machine's own address, and extension.yaml does not name it"},
		"allowed":                              {named + "/in", "localhost, 127.0.0.0/8", ""},
		"metadata, named":                      {"http://169.254.169.254/charts", "", "link-local or special address"},
		"metadata by another spelling":         {"http://[::ffff:169.254.169.254]/charts", "", "link-local or special address"},
		"a registry":                           {"oci://169.254.169.254/charts", "", "link-local or special address"},
		"metadata, by an index":                {shop.URL + "/metadata", "", "link-local or special address"},
	} {
		t.Run(name, func(t *testing.T) {
			inside.requests()
			p := write(t, redisFrom(test.repository, "1.2.0"), nil)
			_, err := p.resolve(t, p.guarded(t, test.allowed))
			asked := inside.requests()
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
			var hint interface{ Hint() string }
			if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "KSRELEASE_DEPENDENCY_HOSTS=") {
				t.Errorf("no hint: %v", err)
			}
			if len(asked) > 0 {
				t.Errorf("it was asked: %v", asked)
			}
		})
	}
}

// TestGuardKnowsConnections: a connection that one repository may use is none for
// another one, and the address that a name has is judged whenever it is dialled.
func TestGuardKnowsConnections(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	guard, err := NewGuard("")
	if err != nil {
		t.Fatal(err)
	}
	web := transport.New(transport.Options{Attempts: 1, Dial: guard.Dial, Admit: guard.Admit})
	defer web.Close()
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	status := func(repository string) int {
		_, err := web.Do(from(t.Context(), repository), transport.Request{Op: "asking", URL: named})
		failure, ok := transport.As(err)
		if !ok {
			t.Fatal(err)
		}
		var blocked *BlockedError
		if errors.As(err, &blocked) != (failure.Status == 0) {
			t.Errorf("%s: %v", repository, err)
		}
		return failure.Status
	}
	for _, step := range []struct {
		repository string
		want       int
	}{{"https://charts.example", 0}, {named, http.StatusNotFound}, {"https://charts.example", 0}, {named, http.StatusNotFound}} {
		if got := status(step.repository); got != step.want {
			t.Errorf("%s: %d, want %d", step.repository, got, step.want)
		}
	}
}

func TestNewGuard(t *testing.T) {
	if _, err := NewGuard("10.0.0.0/8, fd00::/8,[::1] , charts.internal,127.0.0.1,"); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"10.0.0.0/99", "http://charts.internal", "charts.internal:8080", "a b"} {
		if _, err := NewGuard(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// TestAnswersAreNotQuoted: whatever a server answers, its words are in no error, unless
// it is the one that the config names.
func TestAnswersAreNotQuoted(t *testing.T) {
	const words = "root-password-of-something"
	for name, answer := range map[string]func(http.ResponseWriter){
		"text":  func(w http.ResponseWriter) { _, _ = w.Write([]byte(words)) },
		"yaml":  func(w http.ResponseWriter) { _, _ = w.Write([]byte(words + ": [" + words + "\n")) },
		"page":  func(w http.ResponseWriter) { _, _ = w.Write([]byte("<title>" + words + "</title>")) },
		"json":  func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"message": "` + words + `"}`)) },
		"error": func(w http.ResponseWriter) { http.Error(w, words, http.StatusForbidden) },
		"errors": func(w http.ResponseWriter) {
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"message": "` + words + `"}`))
		},
		"denied": func(w http.ResponseWriter) {
			w.WriteHeader(403)
			_, _ = w.Write([]byte(`{"errors": [{"code": "` + words + `", "message": "` + words + `"}]}`))
		},
	} {
		s := newSite(t)
		s.index("/charts", "redis", entry{"1.2.0", "/redis.tgz", ""})
		s.guard = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/charts") {
				return false
			}
			answer(w)
			return true
		}
		for _, repository := range []string{s.URL, s.URL + "/charts", strings.Replace(s.URL, "http", "oci", 1)} {
			p := write(t, redisFrom(repository, "1.2.0"), nil)
			_, err := p.resolve(t, p.options(t))
			if err == nil || strings.Contains(err.Error(), words) {
				t.Errorf("%s from %s: %v", name, repository, err)
			}
			var hint interface{ Hint() string }
			if errors.As(err, &hint) && strings.Contains(hint.Hint(), words) {
				t.Errorf("%s: %s", name, hint.Hint())
			}
			if name == "error" && repository == s.URL {
				options := p.options(t)
				options.RepositoryURL = s.URL
				if _, err := p.resolve(t, options); err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("of the server that the config names: %v", err)
				}
			}
		}
	}
}

// Whatever way an IPv4 address is written, it is judged by what it is: behind a proxy
// nobody dials it here.
func TestAddressesInOtherSpellings(t *testing.T) {
	for host, want := range map[string]string{
		"2852039166": "169.254.169.254", "0xa9.0xfe.0xa9.0xfe": "169.254.169.254", "169.16689662": "169.254.169.254", "0251.0376.0251.0376": "169.254.169.254",
		"0x7f000001": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "127.1": "127.0.0.1", "127.0.0.1.": "127.0.0.1", "10.1.2": "10.1.0.2", "::1": "::1",
		"example.com": "", "1.2.3.4.5": "", "256.1.1.1": "", "1.2.3.x": "", "4294967296": "", "": "", "1_0.1": "", "0b1": "", "0o7": "", "1..2": "", "abc": "",
	} {
		got, ok := addressIn(host)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %s, %v", host, got, ok)
		}
	}
	g, err := NewGuard("")
	if err != nil {
		t.Fatal(err)
	}
	g.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:9") }
	for _, host := range []string{"2852039166", "0xa9.0xfe.0xa9.0xfe", "169.16689662"} {
		request, err := http.NewRequest(http.MethodGet, "http://"+host+"/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Admit(request); err == nil {
			t.Errorf("%s is asked", host)
		}
	}
}
