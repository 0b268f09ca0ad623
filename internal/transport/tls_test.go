package transport

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
)

// trusting is a client that knows the authority of a server, and how its
// settings are called.
func trusting(t *testing.T, authority *testca.Authority, server *httptest.Server) *Client {
	t.Helper()
	pool, err := LoadRootCAs(authority.File(t))
	if err != nil {
		t.Fatal(err)
	}
	client := New(Options{
		Notify: func(r Retry) { t.Errorf("asked again: %s", r) },
		Servers: []Server{{
			Address: server.URL + "/api", Setting: "cloud.server (f.yaml:3:11)", CASetting: "cloud.ca_file (f.yaml:4:12)", RootCAs: pool,
		}},
	})
	t.Cleanup(client.Close)
	return client
}

// expectCause checks an error and its advice, in which HOST stands for that of
// the server.
func expectCause(t *testing.T, err error, server *httptest.Server, want, hint string) {
	t.Helper()
	host := strings.TrimPrefix(server.URL, "https://")
	if want = strings.ReplaceAll(want, "HOST", host); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
	if got := advice(err); got != hint {
		t.Errorf("hint\n%s\nwant\n%s", got, hint)
	}
}

func TestCertificates(t *testing.T) {
	ok := http.HandlerFunc(status(200, success))
	ours, other := testca.New(t, "Ours"), testca.New(t, "Others")
	server := ours.Serve(t, ok)
	asking := Request{Op: "asking", URL: server.URL}

	t.Run("its authority is known", func(t *testing.T) {
		if _, err := trusting(t, ours, server).Do(t.Context(), asking); err != nil {
			t.Error(err)
		}
	})
	t.Run("nothing is configured", func(t *testing.T) {
		client := New(Options{Notify: func(r Retry) { t.Errorf("asked again: %s", r) }})
		defer client.Close()
		_, err := client.Do(t.Context(), asking)
		expectCause(t, err, server, "asking: the certificate of HOST is signed by an authority that is not known (CN=Ours): certificate signed by unknown authority",
			"if the server's certificate comes from an authority of your own, add it to the system's")
	})
	t.Run("no authority is configured", func(t *testing.T) {
		client := New(Options{Servers: []Server{{Address: server.URL, CASetting: "cloud.ca_file (f.yaml:3:3)"}}})
		defer client.Close()
		_, err := client.Do(t.Context(), asking)
		expectCause(t, err, server, "asking: the certificate of HOST is signed by an authority that is not known (CN=Ours)",
			"if it is an authority of your own, name the file with its certificate in cloud.ca_file (f.yaml:3:3), or add it to the system's")
	})
	t.Run("another authority is configured", func(t *testing.T) {
		_, err := trusting(t, other, server).Do(t.Context(), asking)
		expectCause(t, err, server, "asking: the certificate of HOST is signed by an authority that is not known (CN=Ours)",
			"put the certificate of that authority into the file of cloud.ca_file (f.yaml:4:12)")
	})
	t.Run("for another host", func(t *testing.T) {
		server := ours.Serve(t, ok, "charts.example.com")
		_, err := trusting(t, ours, server).Do(t.Context(), Request{Op: "asking", URL: server.URL})
		expectCause(t, err, server, "asking: the certificate of HOST is for another host: cannot validate certificate for 127.0.0.1",
			"set cloud.server (f.yaml:3:11) to a name that the certificate is for")
	})
	t.Run("expired", func(t *testing.T) {
		server := ours.ServeUntil(t, ok, time.Now().Add(-time.Hour))
		_, err := trusting(t, ours, server).Do(t.Context(), Request{Op: "asking", URL: server.URL})
		expectCause(t, err, server, "asking: the certificate of HOST is not good today: certificate has expired or is not yet valid",
			"the server's certificate has to be renewed; check the clock of this machine, too")
	})
}

// The authority of one server is nobody for any other, also where a redirect
// leads there.
func TestAuthorityIsForItsServerAlone(t *testing.T) {
	ours := testca.New(t, "Ours")
	other := ours.Serve(t, http.HandlerFunc(status(200, success)))
	server := ours.Serve(t, http.RedirectHandler(other.URL+"/x", http.StatusFound))
	client := trusting(t, ours, server)
	for _, address := range []string{other.URL, server.URL} {
		_, err := client.Do(t.Context(), Request{Op: "asking", URL: address})
		expectCause(t, err, other, "asking: the certificate of HOST is signed by an authority that is not known (CN=Ours)",
			"if the server's certificate comes from an authority of your own, add it to the system's")
	}
}

func TestLoadRootCAs(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	expired, good := testca.NewUntil(t, "Old", time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)).PEM(), testca.New(t, "New").PEM()
	key := []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	for _, tt := range []struct{ file, want, hint string }{
		{filepath.Join(dir, "none.pem"), "there is no file FILE", "a relative path starts at the folder of the config"},
		{dir, "FILE cannot be read: it is a folder, and no regular file", "name a file with certificates that can be read"},
		{write("text", []byte("no certificate")), "FILE holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", "where it is binary: openssl x509 -inform der -in FILE -out ca.pem"},
		{write("key", key), "FILE holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", "where it is binary: openssl x509 -inform der -in FILE -out ca.pem"},
		{write("damaged", append(good, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...)), "certificate 2 in FILE is damaged", "export it again"},
		{write("expired", expired), "FILE holds no certificate that is still good: all have expired", "put in the authority's present certificate"},
		{write("one of two", append(expired, good...)), "", ""},
		{write("with words", append([]byte("# ours\n"), append(key, good...)...)), "", ""},
	} {
		pool, err := LoadRootCAs(tt.file)
		if tt.want == "" {
			if err != nil || pool == nil {
				t.Errorf("%s: %v", tt.file, err)
			}
			continue
		}
		if want := strings.ReplaceAll(tt.want, "FILE", tt.file); err == nil || err.Error() != want || advice(err) != tt.hint {
			t.Errorf("%v (%s), want %s (%s)", err, advice(err), want, tt.hint)
		}
	}
}

// A proxy builds a tunnel and sees neither credentials nor what is sent; the
// authority of the server is known through it, too.
func TestAuthorityThroughAProxy(t *testing.T) {
	ours := testca.New(t, "Ours")
	server := ours.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	var mu sync.Mutex
	var seen []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.Host+" "+r.Header.Get("Authorization"))
		mu.Unlock()
		tunnel(t, w, r)
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := LoadRootCAs(ours.File(t))
	if err != nil {
		t.Fatal(err)
	}
	client := New(Options{Proxy: http.ProxyURL(address), Servers: []Server{{Address: server.URL, RootCAs: pool}}})
	defer client.Close()
	answer, err := client.Do(t.Context(), Request{Op: "asking", URL: server.URL, Authorization: "Bearer " + canary.Token})
	if err != nil || string(answer.Body) != "Bearer "+canary.Token {
		t.Errorf("%v, %v", answer, err)
	}
	if want := "CONNECT " + strings.TrimPrefix(server.URL, "https://") + " "; len(seen) != 1 || seen[0] != want {
		t.Errorf("the proxy saw %q, want %q", seen, want)
	}
}

// tunnel connects a client of a proxy with the server that it asks for.
func tunnel(t *testing.T, w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		t.Error(err)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	go func() {
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}()
}

// A host that is spoken to in the open is reported once, before anything is sent to
// it, however many ask it at once, and also where a redirect leads there.
func TestPlainHostsAreReported(t *testing.T) {
	var mu sync.Mutex
	var happened []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		happened = append(happened, what)
	}
	client := New(Options{
		Warn: note,
		RoundTripper: roundTripper(func(r *http.Request) (*http.Response, error) {
			note("sent to " + r.URL.Host)
			answer := httptest.NewRecorder()
			if r.URL.Host == "127.0.0.1:1" {
				http.Redirect(answer, r, "http://elsewhere.example/x", http.StatusFound)
			}
			result := answer.Result()
			result.Request = r
			return result, nil
		}),
		Servers: []Server{{Address: "http://charts.example/base", Setting: "repository.url (f.yaml:2:18)"}},
	})
	for _, address := range []string{"http://localhost/x", "http://[::1]/x", "https://cloud.example/x", "http://127.0.0.1:1/x"} {
		if _, err := client.Do(t.Context(), Request{Op: "asking", URL: address}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := client.Do(t.Context(), Request{Op: "asking", URL: "http://charts.example/index.yaml"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	const reason = " is not encrypted: whoever is on the way can read what is sent, and change what comes"
	want := []string{
		"sent to localhost", "sent to [::1]", "sent to cloud.example", "sent to 127.0.0.1:1",
		"http://elsewhere.example" + reason, "sent to elsewhere.example",
		"http://charts.example" + reason + "; set repository.url (f.yaml:2:18) to an https:// address", "sent to charts.example",
	}
	if got := strings.Join(happened[:min(len(want), len(happened))], "\n"); got != strings.Join(want, "\n") || len(happened) != len(want)+19 {
		t.Errorf("%d things happened, first\n%s", len(happened), got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Older versions of TLS are refused.
func TestOldTLSIsRefused(t *testing.T) {
	ours := testca.New(t, "Ours")
	server := ours.Serve(t, http.HandlerFunc(status(200, success)))
	server.TLS.MaxVersion = tls.VersionTLS11
	server.TLS.MinVersion = tls.VersionTLS10
	client := New(Options{Attempts: 1, Servers: trusting(t, ours, server).options.Servers})
	defer client.Close()
	if _, err := client.Do(t.Context(), Request{Op: "asking", URL: server.URL}); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("%v", err)
	}
}
