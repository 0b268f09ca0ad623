package registry_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func newClient(options registry.Options, web transport.Options) *registry.Client {
	if web.FirstWait == 0 {
		web.FirstWait = time.Millisecond
	}
	options.Transport = transport.New(web)
	return registry.New(options)
}

func parse(t *testing.T, image string) registry.Reference {
	t.Helper()
	r, err := registry.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for image, want := range map[string]string{
		"nginx":                            "docker.io/library/nginx:latest",
		"nginx:1.27":                       "docker.io/library/nginx:1.27",
		"kubesphere/ks-core:v4":            "docker.io/kubesphere/ks-core:v4",
		"docker.io/nginx":                  "docker.io/library/nginx:latest",
		"index.docker.io/library/nginx":    "docker.io/library/nginx:latest",
		"localhost/x":                      "localhost/x:latest",
		"127.0.0.1:5000/a/b:c":             "127.0.0.1:5000/a/b:c",
		"registry.example/a:1" + digest:    "registry.example/a:1" + digest,
		"registry.example/a" + digest:      "registry.example/a" + digest,
		"ghcr.io/a/b__c/d-e.f:X_y.z-0":     "ghcr.io/a/b__c/d-e.f:X_y.z-0",
		"quay.io:443/coreos/etcd:v3.5.0":   "quay.io:443/coreos/etcd:v3.5.0",
		"[::1]:5000/x:1":                   "[::1]:5000/x:1",
		"busybox" + digest:                 "docker.io/library/busybox" + digest,
		"registry.k8s.io/pause:3.9":        "registry.k8s.io/pause:3.9",
		"":                                 "",
		"Nginx":                            "",
		"nginx:":                           "",
		"-x":                               "",
		"a b":                              "",
		"registry.example/a:" + digest[1:]: "",
		"https://registry.example/a":       "",
		"nginx:\x1b[31m":                   "",
		strings.Repeat("a", 64):            "",
	} {
		got, err := registry.Parse(image)
		if want == "" {
			if err == nil {
				t.Errorf("%q is %s", image, got)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%q is %s, %v, want %s", image, got, err, want)
		}
	}
}

func TestParseLocation(t *testing.T) {
	for address, want := range map[string]string{
		"oci://registry/charts":              "registry/charts",
		"oci://registry.example:5000/a/b/":   "registry.example:5000/a/b",
		"127.0.0.1:5000/charts/alc:1.0.0_b":  "127.0.0.1:5000/charts/alc:1.0.0_b",
		"oci://docker.io/kubesphere":         "docker.io/kubesphere",
		"oci://registry.example":             "",
		"oci://registry.example/Charts":      "",
		"oci://user:pw@registry.example/a":   "",
		"https://registry.example/a":         "",
		"oci://registry.example/a/../b":      "",
		"oci://registry.example/a?b=c":       "",
		"oci://registry.example/a b":         "",
		"oci://registry.example/a//b":        "",
		"oci://registry.example/charts:1:2":  "",
		"oci://registry.example\n/charts":    "",
		"oci://registry.example/charts\x1bc": "",
	} {
		got, err := registry.ParseLocation(address)
		if want == "" {
			if err == nil {
				t.Errorf("%q is %s", address, got)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%q is %s, %v, want %s", address, got, err, want)
		}
	}
}

// What is pushed is found, by tag and digest; what is not there is false and no error.
func TestReadsAndWrites(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	c := newClient(registry.Options{}, transport.Options{})
	image := parse(t, r.Host+"/ks/museum:1.0")
	for _, absent := range []registry.Reference{image, image.WithDigest("sha256:" + strings.Repeat("a", 64))} {
		if _, found, err := c.Resolve(t.Context(), absent); found || err != nil {
			t.Errorf("%s: %t, %v", absent, found, err)
		}
		if _, found, err := c.Manifest(t.Context(), absent); found || err != nil {
			t.Errorf("%s: %t, %v", absent, found, err)
		}
	}
	if tags, found, err := c.Tags(t.Context(), image); found || err != nil || tags != nil {
		t.Errorf("tags of nothing: %q, %t, %v", tags, found, err)
	}
	if _, err := c.Contents(t.Context(), image, nil); err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("contents of nothing: %v", err)
	}
	digest := registrytest.PushImage(t, c, image.String(), "one", "linux/amd64", "linux/arm64/v8", "linux/arm/v7")
	for _, there := range []registry.Reference{image, image.WithDigest(digest)} {
		found, ok, err := c.Resolve(t.Context(), there)
		if !ok || err != nil || found.Digest.String() != digest || found.MediaType != ocispec.MediaTypeImageIndex {
			t.Errorf("%s: %+v, %t, %v", there, found, ok, err)
		}
		m, ok, err := c.Manifest(t.Context(), there)
		if !ok || err != nil || m.Digest.String() != digest || int64(len(m.Data)) != m.Size || m.At != image.WithDigest(digest) {
			t.Errorf("%s: %+v, %t, %v", there, m.Descriptor, ok, err)
		}
	}
	platforms, _, err := c.Platforms(t.Context(), image)
	var names []string
	for _, p := range platforms {
		names = append(names, p.Name)
	}
	if err != nil || !slices.Equal(names, []string{"linux/amd64", "linux/arm64", "linux/arm/v7"}) {
		t.Errorf("platforms: %q, %v", names, err)
	}
	single := r.Host + "/ks/single:1"
	registrytest.PushImage(t, c, single, "two")
	if platforms, _, err := c.Platforms(t.Context(), parse(t, single)); err != nil || len(platforms) != 1 || platforms[0].Name != "linux/amd64" {
		t.Errorf("platforms of one manifest: %+v, %v", platforms, err)
	}
	tags, found, err := c.Tags(t.Context(), image)
	if err != nil || !found || !slices.Equal(tags, []string{"1.0"}) {
		t.Errorf("tags: %q, %v", tags, err)
	}
	data := []byte("some bytes")
	blob := registry.Describe("application/octet-stream", data)
	if there, err := c.BlobExists(t.Context(), image, blob); there || err != nil {
		t.Errorf("a blob of nobody: %t, %v", there, err)
	}
	if err := c.PushData(t.Context(), image, blob, data); err != nil {
		t.Fatal(err)
	}
	if there, err := c.BlobExists(t.Context(), image, blob); !there || err != nil {
		t.Errorf("a blob that was sent: %t, %v", there, err)
	}
	if got, err := c.Blob(t.Context(), image, blob, 100); err != nil || string(got) != string(data) {
		t.Errorf("the blob: %q, %v", got, err)
	}
	if _, err := c.Blob(t.Context(), image, blob, 5); err == nil {
		t.Error("a blob beyond the limit was read")
	}
	if mounted, err := c.Mount(t.Context(), parse(t, r.Host+"/other/place:1"), blob, image.Repository); !mounted || err != nil {
		t.Errorf("mounting: %t, %v", mounted, err)
	}
	absent := registry.Describe("application/octet-stream", []byte("nowhere"))
	if mounted, err := c.Mount(t.Context(), parse(t, r.Host+"/other/place:1"), absent, image.Repository); mounted || err != nil {
		t.Errorf("mounting what is not there: %t, %v", mounted, err)
	}
}

func TestManyTagsComeByPages(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	paged := registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if strings.HasSuffix(q.URL.Path, "/tags/list") && q.URL.Query().Get("n") == "" {
				q.URL.RawQuery = "n=7"
			}
			next.ServeHTTP(w, q)
		})
	})
	c := newClient(registry.Options{}, transport.Options{})
	image := parse(t, paged+"/x:0")
	registrytest.PushImage(t, c, image.String(), "one")
	m, _, err := c.Manifest(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if _, err := c.PushManifest(t.Context(), image.WithTag(fmt.Sprint(i)), m.MediaType, m.Data); err != nil {
			t.Fatal(err)
		}
	}
	if tags, _, err := c.Tags(t.Context(), image); err != nil || len(tags) != 40 {
		t.Errorf("%d tags, %v", len(tags), err)
	}
}

// faulty puts faults in front of a registry.
func faulty(t *testing.T, r *registrytest.Registry, script string) string {
	t.Helper()
	rules, err := faults.Parse("script", script)
	if err != nil {
		t.Fatal(err)
	}
	return registrytest.Proxy(t, r, func(next http.Handler) http.Handler { return faults.New(next, rules) })
}

// What fails for a while is tried again, as far as that is safe; what fails for good is an
// error that says what it means, and never "not there".
func TestFaults(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	direct := newClient(registry.Options{}, transport.Options{})
	registrytest.PushImage(t, direct, r.Host+"/x:1", "one", "linux/amd64")
	type wanted struct{ temporary, unauthorized, inDoubt bool }
	for script, want := range map[string]*wanted{
		"HEAD /v2/** 1-2 before status 500":                  nil,
		"HEAD /v2/** 1   before status 429 retry-after 1s":   nil,
		"HEAD /v2/** 1   before reset":                       nil,
		"GET  /v2/** 1   before cut":                         nil,
		"GET  /v2/** 1   before html 502":                    nil,
		"POST /v2/** 1   after  reset":                       nil,
		"PUT  /v2/x/blobs/uploads/* 1   before status 503":   nil,
		"PUT  /v2/x/blobs/uploads/* 1   after reset":         nil,
		"PUT  /v2/x/manifests/* 1 before status 429":         nil,
		"HEAD /v2/** * before status 500":                    {temporary: true},
		"HEAD /v2/** * before html 404":                      {},
		"HEAD /v2/** * before login":                         {},
		"GET  /v2/** * before html 404":                      {},
		"GET  /v2/** * before empty":                         {},
		"GET  /v2/** * before shape":                         {},
		"GET  /v2/** * before status 403":                    {unauthorized: true},
		"PUT  /v2/x/manifests/* 1 before status 503":         {temporary: true, inDoubt: true},
		"PUT  /v2/x/manifests/* 1 after reset":               {temporary: true, inDoubt: true},
		"PUT  /v2/x/manifests/* 1 before status 400":         {},
		"PUT  /v2/x/manifests/* 1 before redirect http://x/": {inDoubt: true},
	} {
		t.Run(script, func(t *testing.T) {
			at := faulty(t, r, script)
			c := newClient(registry.Options{}, transport.Options{Attempts: 3})
			image := parse(t, at+"/x:1")
			steps := []func() error{
				func() error {
					_, found, err := c.Resolve(t.Context(), image)
					if !found && err == nil {
						t.Error("it was said not to be there")
					}
					return err
				},
				func() error {
					_, found, err := c.Manifest(t.Context(), image)
					if !found && err == nil {
						t.Error("its manifest was said not to be there")
					}
					return err
				},
				func() error {
					data := []byte("bytes for " + script)
					return c.PushData(t.Context(), image, registry.Describe("a/b", data), data)
				},
				func() error {
					m, _, err := direct.Manifest(t.Context(), parse(t, r.Host+"/x:1"))
					if err != nil {
						t.Fatal(err)
					}
					_, err = c.PushManifest(t.Context(), image.WithTag("2"), m.MediaType, m.Data)
					return err
				},
			}
			var err error
			for _, step := range steps {
				err = errors.Join(err, step())
			}
			if want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if got := (wanted{failure.Temporary(err), failure.Unauthorized(err), failure.InDoubt(err)}); err == nil || got != *want {
				t.Errorf("%+v, want %+v: %v", got, *want, err)
			}
		})
	}
}

// A limit is obeyed by all requests to a registry together.
func TestSlowDown(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	at := faulty(t, r, "HEAD /v2/** 1 before status 429 retry-after 1s")
	var told atomic.Int32
	c := newClient(registry.Options{}, transport.Options{Notify: func(transport.Retry) { told.Add(1) }})
	began := time.Now()
	if _, _, err := c.Resolve(t.Context(), parse(t, at+"/x:1")); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < time.Second || told.Load() != 1 {
		t.Errorf("it took %s, with %d notices", took, told.Load())
	}
}

// A large blob has no deadline but one for silence.
func TestSilenceEndsAnAttempt(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	at := faulty(t, r, "HEAD /v2/** 1 before hang")
	c := newClient(registry.Options{}, transport.Options{ReadTimeout: 200 * time.Millisecond})
	if _, _, err := c.Resolve(t.Context(), parse(t, at+"/x:1")); err != nil {
		t.Error(err)
	}
	at = faulty(t, r, "HEAD /v2/** * before hang")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, found, err := c.Resolve(ctx, parse(t, at+"/x:1")); found || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%t, %v", found, err)
	}
}

func TestLogins(t *testing.T) {
	authority := testca.New(t, "a company")
	r := registrytest.Start(t, registrytest.Options{Username: "me", Password: canary.Password, TLS: authority})
	pool, err := transport.LoadRootCAs(authority.File(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	helper := filepath.Join(dir, "docker-credential-of-a-test")
	count, answer := filepath.Join(dir, "count"), filepath.Join(dir, "answer")
	write(t, helper, 0o755, "#!/bin/sh\necho x >>"+count+"\ncat >/dev/null\ncat "+answer+"\n")
	secret, err := json.Marshal(map[string]string{"ServerURL": "x", "Username": "me", "Secret": canary.Password})
	if err != nil {
		t.Fatal(err)
	}
	write(t, answer, 0o600, string(secret))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	plain, byHelper := filepath.Join(dir, "plain.json"), filepath.Join(dir, "helper.json")
	write(t, plain, 0o600, fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, r.Host, strings.TrimPrefix(transport.BasicAuthorization("me", canary.Password), "Basic ")))
	write(t, byHelper, 0o600, fmt.Sprintf(`{"credHelpers":{%q:"of-a-test"}}`, r.Host))
	other := map[string]registry.Login{"other.example": {Username: "me", Password: "x"}}
	for name, c := range map[string]struct {
		options registry.Options
		pool    *x509.CertPool
		want    string
	}{
		"nobody":                {registry.Options{}, pool, "401"},
		"a file":                {registry.Options{DockerConfigs: []string{filepath.Join(dir, "none.json"), plain}}, pool, ""},
		"a helper":              {registry.Options{DockerConfigs: []string{byHelper}}, pool, ""},
		"handed over":           {registry.Options{Logins: map[string]registry.Login{r.Host: {Username: "me", Password: canary.Password}}, DockerConfigs: []string{byHelper}}, pool, ""},
		"of another host":       {registry.Options{Logins: other}, pool, "401"},
		"refused":               {registry.Options{Logins: map[string]registry.Login{r.Host: {Username: "me", Password: canary.Password + "x"}}}, pool, "401"},
		"an unknown authority":  {registry.Options{DockerConfigs: []string{plain}}, nil, "authority that is not known"},
		"a file that is broken": {registry.Options{DockerConfigs: []string{helper}}, pool, "reading the keys of registries"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.PlainHTTP = map[string]bool{r.Host: false}
			client := newClient(c.options, transport.Options{Attempts: 2, Servers: []transport.Server{{Address: r.URL(), RootCAs: c.pool}}})
			var failed error
			for i := range 3 {
				_, found, err := client.Resolve(t.Context(), parse(t, fmt.Sprintf("%s/x%d:1", r.Host, i)))
				if found {
					t.Error("found")
				}
				failed = err
			}
			switch {
			case c.want == "" && failed != nil:
				t.Error(failed)
			case c.want != "" && (failed == nil || !strings.Contains(failed.Error(), c.want)):
				t.Errorf("%v, want %q", failed, c.want)
			case c.want == "401" && (!failure.Unauthorized(failed) || failure.Hint(failed) != "log in: docker login "+r.Host):
				t.Errorf("%v: %s", failed, failure.Hint(failed))
			case failed != nil && strings.Contains(failed.Error(), canary.Password):
				t.Error("the password is shown")
			}
		})
	}
	if asked, err := os.ReadFile(count); err != nil || strings.Count(string(asked), "x") != 1 {
		t.Errorf("the helper was asked %q, %v", asked, err)
	}
}

// A helper that hangs ends with the request that needs it.
func TestHangingHelper(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Username: "me", Password: canary.Password})
	dir := t.TempDir()
	write(t, filepath.Join(dir, "docker-credential-hangs"), 0o755, "#!/bin/sh\nexec sleep 6\n")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	file := filepath.Join(dir, "config.json")
	write(t, file, 0o600, `{"credsStore":"hangs"}`)
	c := newClient(registry.Options{DockerConfigs: []string{file}}, transport.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, found, err := c.Resolve(ctx, parse(t, r.Host+"/x:1")); found || err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%t, %v, after %s", found, err, time.Since(began))
	}
}

func write(t *testing.T, file string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// tokens is a registry with tokens, as Docker Hub has them: one for each repository.
func tokens(t *testing.T, r *registrytest.Registry, asked *atomic.Int32, fail *atomic.Int32) string {
	return registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			scopes := strings.Join(q.URL.Query()["scope"], " ")
			if q.URL.Path == "/token" {
				asked.Add(1)
				if status := fail.Load(); status != 0 {
					w.Header().Set("Retry-After", "1")
					fail.Store(0)
					w.WriteHeader(int(status))
					return
				}
				user, password, _ := q.BasicAuth()
				if user != "me" || password != canary.Password {
					w.WriteHeader(http.StatusUnauthorized)
					fmt.Fprintf(w, `{"details":"no %s"}`, password)
					return
				}
				fmt.Fprintf(w, `{"token":%q}`, "token for "+scopes)
				return
			}
			repository, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/v2/"), "/")
			if !strings.Contains(q.Header.Get("Authorization"), "repository:"+repository+":") {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x",scope="repository:%s:pull"`, q.Host, repository))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			q.Header.Del("Authorization")
			next.ServeHTTP(w, q)
		})
	})
}

func TestTokens(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	var asked, fail atomic.Int32
	at := tokens(t, r, &asked, &fail)
	login := func(password string) registry.Options {
		return registry.Options{Logins: map[string]registry.Login{at: {Username: "me", Password: password}}}
	}
	c := newClient(login(canary.Password), transport.Options{})
	fail.Store(429)
	for range 5 {
		if _, _, err := c.Resolve(t.Context(), parse(t, at+"/x:1")); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != 2 { // one of them was too early
		t.Errorf("%d tokens for one repository", asked.Load())
	}
	_, found, err := newClient(login(canary.Password+"x"), transport.Options{}).Resolve(t.Context(), parse(t, at+"/x:1"))
	if found || !failure.Unauthorized(err) || strings.Contains(err.Error(), canary.Password) {
		t.Errorf("a wrong password: %t, %v", found, err)
	}
}

func TestMirrors(t *testing.T) {
	origin, mirror := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	direct := newClient(registry.Options{}, transport.Options{})
	both := registrytest.PushImage(t, direct, mirror.Host+"/hub/library/both:1", "one", "linux/amd64")
	registrytest.PushImage(t, direct, origin.Host+"/library/origin:1", "two", "linux/amd64")
	c := newClient(registry.Options{Mirrors: []registry.Mirror{{From: "docker.io", To: mirror.Host + "/hub"}, {From: origin.Host + "/library", To: mirror.Host + "/hub/none"}}}, transport.Options{Attempts: 1})
	m, found, err := c.Manifest(t.Context(), parse(t, "both:1"))
	if err != nil || !found || m.Digest.String() != both || m.At.Host != mirror.Host {
		t.Errorf("from the mirror: %+v, %t, %v", m.At, found, err)
	}
	if contents, err := c.Contents(t.Context(), parse(t, origin.Host+"/library/origin:1"), nil); err != nil || contents.At.Host != origin.Host {
		t.Errorf("what the mirror has not got: %v", err)
	}
	if _, found, err := c.Resolve(t.Context(), parse(t, origin.Host+"/library/none:1")); found || err != nil {
		t.Errorf("what nobody has: %t, %v", found, err)
	}
	mirror.Kill()
	if contents, err := c.Contents(t.Context(), parse(t, origin.Host+"/library/origin:1"), nil); err != nil || contents.At.Host != origin.Host {
		t.Errorf("a mirror that is down: %v", err)
	}
	if _, found, err := c.Resolve(t.Context(), parse(t, origin.Host+"/library/none:1")); found || err != nil {
		t.Errorf("what the registry itself says is not there: %t, %v", found, err)
	}
	mirror.Restart(t)
	origin.Kill()
	if _, found, err := c.Resolve(t.Context(), parse(t, origin.Host+"/library/none:1")); found || err == nil {
		t.Errorf("what nobody can say: %t, %v", found, err)
	}
}

func TestCopy(t *testing.T) {
	source, destination := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	var mu sync.Mutex
	var log []string
	at := registrytest.Proxy(t, destination, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			mu.Lock()
			log = append(log, q.Method)
			mu.Unlock()
			next.ServeHTTP(w, q)
		})
	})
	count := func(method string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range log {
			if m == method {
				n++
			}
		}
		return n
	}
	c := newClient(registry.Options{}, transport.Options{})
	from, to := parse(t, source.Host+"/a:1"), parse(t, at+"/b/a:1")
	digest := registrytest.PushImage(t, c, from.String(), "one", "linux/amd64", "linux/arm64")
	var last, total atomic.Int64
	result, err := c.Copy(t.Context(), from, to, registry.CopyOptions{Progress: func(done, all int64) { last.Store(done); total.Store(all) }})
	if err != nil || result.Digest != digest || result.Sent != 5 || result.There != 0 || last.Load() != total.Load() || total.Load() == 0 {
		t.Errorf("%+v, %v, %d of %d", result, err, last.Load(), total.Load())
	}
	if found, ok, err := c.Resolve(t.Context(), to); err != nil || !ok || found.Digest.String() != digest {
		t.Errorf("at the new place is %s, %v", found.Digest, err)
	}
	log = nil
	if again, err := c.Copy(t.Context(), from, to, registry.CopyOptions{}); err != nil || again.Sent != 0 || len(log) != 1 || count("HEAD") != 1 {
		t.Errorf("again: %+v, %v, %q", again, err, log)
	}
	// Another repository of that registry gets the blobs without their being sent.
	log = nil
	if mounted, err := c.Copy(t.Context(), from, parse(t, at+"/c:1"), registry.CopyOptions{}); err != nil || mounted.Sent != 0 || mounted.Mounted != 5 {
		t.Errorf("mounted: %+v, %v", mounted, err)
	}
	// Another tag of the repository needs no blob at all.
	log = nil
	if tagged, err := c.Copy(t.Context(), from, to.WithTag("2"), registry.CopyOptions{}); err != nil || tagged.There != 5 || count("POST") != 0 || count("PUT") != 1 {
		t.Errorf("tagged: %+v, %v, %q", tagged, err, log)
	}
}

func TestCopyOfSomePlatforms(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	c := newClient(registry.Options{}, transport.Options{})
	from, to := parse(t, r.Host+"/a:1"), parse(t, r.Host+"/b:1")
	digest := registrytest.PushImage(t, c, from.String(), "one", "linux/amd64", "linux/arm64", "linux/s390x")
	result, err := c.Copy(t.Context(), from, to, registry.CopyOptions{Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/ppc64le"}})
	if err != nil || result.Digest == digest || !slices.Equal(result.Missing, []string{"linux/ppc64le"}) {
		t.Errorf("%+v, %v", result, err)
	}
	platforms, _, err := c.Platforms(t.Context(), to)
	if err != nil || len(platforms) != 2 {
		t.Errorf("%+v, %v", platforms, err)
	}
	if _, there, err := c.Resolve(t.Context(), to.WithDigest(result.Digest)); !there || err != nil {
		t.Errorf("%t, %v", there, err)
	}
	var none *registry.PlatformError
	if _, err := c.Copy(t.Context(), from, to, registry.CopyOptions{Platforms: []string{"windows/amd64"}}); !errors.As(err, &none) || len(none.Have) != 3 {
		t.Errorf("an image for none of the platforms: %v", err)
	}
	if all, err := c.Contents(t.Context(), from, []string{"linux/amd64", "linux/arm64", "linux/s390x"}); err != nil || all.Narrowed || all.Root().Digest.String() != digest {
		t.Errorf("all platforms are another index: %v", err)
	}
	registrytest.PushImage(t, c, r.Host+"/single:1", "two")
	if _, err := c.Contents(t.Context(), parse(t, r.Host+"/single:1"), []string{"linux/arm64"}); !errors.As(err, &none) {
		t.Errorf("one manifest for another platform: %v", err)
	}
}

// A copy that was cut off goes on, and what is fetched by several at once is sent once.
func TestCopyIsResumed(t *testing.T) {
	source, destination := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	at := faulty(t, destination, "PUT /v2/b/blobs/uploads/* 3- before status 400")
	c := newClient(registry.Options{}, transport.Options{Attempts: 2})
	from := parse(t, source.Host+"/a:1")
	registrytest.PushImage(t, c, from.String(), "one", "linux/amd64", "linux/arm64")
	first, err := c.Copy(t.Context(), from, parse(t, at+"/b:1"), registry.CopyOptions{Parallelism: 1})
	if err == nil || first.Sent != 2 {
		t.Errorf("%+v, %v", first, err)
	}
	fresh := newClient(registry.Options{Quoted: func(string) bool { return true }}, transport.Options{})
	if _, there, err := fresh.Resolve(t.Context(), parse(t, destination.Host+"/b:1")); there || err != nil {
		t.Errorf("a copy that was cut off is there: %v", err)
	}
	second, err := fresh.Copy(t.Context(), from, parse(t, destination.Host+"/b:1"), registry.CopyOptions{})
	if err != nil || second.Sent != 3 || second.There != 2 {
		t.Errorf("%+v, %v", second, err)
	}
	var group sync.WaitGroup
	var sent atomic.Int32
	for range 8 {
		group.Go(func() {
			result, err := fresh.Copy(t.Context(), from, parse(t, destination.Host+"/many:1"), registry.CopyOptions{})
			if err != nil {
				t.Error(err)
			}
			sent.Add(int32(result.Sent + result.Mounted))
		})
	}
	group.Wait()
	if sent.Load() != 5 {
		t.Errorf("%d blobs were sent for 5", sent.Load())
	}
}

// What comes is held against its digest, from whoever it comes.
func TestForgedBytes(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	direct := newClient(registry.Options{}, transport.Options{})
	registrytest.PushImage(t, direct, r.Host+"/a:1", "one", "linux/amd64")
	forging := registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, q)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			body := answer.Body.Bytes()
			if len(body) > 0 && q.Method == "GET" {
				body[len(body)-1] ^= 1
			}
			w.WriteHeader(answer.Code)
			_, _ = w.Write(body)
		})
	})
	c := newClient(registry.Options{}, transport.Options{Attempts: 2})
	at := parse(t, forging+"/a:1")
	if m, found, err := c.Manifest(t.Context(), at); err == nil {
		t.Errorf("a forged manifest: %t, %s", found, m.Data)
	}
	contents, err := direct.Contents(t.Context(), parse(t, r.Host+"/a:1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := c.Blob(t.Context(), at, contents.Blobs[0], 1<<20); err == nil {
		t.Errorf("a forged blob: %q", data)
	}
	contents.At = at
	if _, err := c.CopyContents(t.Context(), contents, parse(t, r.Host+"/copy:1"), registry.CopyOptions{}); err != nil && !strings.Contains(err.Error(), "not what was asked for") {
		t.Errorf("a copy of forged blobs: %v", err)
	}
}

// An index without end, or in itself, ends.
func TestEndlessIndexes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		var entries []string
		for range 200 {
			entries = append(entries, `{"mediaType":"`+ocispec.MediaTypeImageManifest+`","digest":"sha256:`+strings.Repeat("b", 64)+`","size":1,"platform":{"os":"linux","architecture":"amd64"}}`)
		}
		if strings.Contains(q.URL.Path, "large") {
			_, _ = io.WriteString(w, strings.Repeat(" ", 5<<20))
			return
		}
		fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[%s]}`, strings.Join(slices.Repeat(entries, 6), ","))
	}))
	defer server.Close()
	c := newClient(registry.Options{}, transport.Options{Attempts: 2})
	host := strings.TrimPrefix(server.URL, "http://")
	for _, name := range []string{"many", "large"} {
		if _, err := c.Contents(t.Context(), parse(t, host+"/"+name+":1"), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, _, err := c.Platforms(t.Context(), parse(t, host+"/"+name+":1")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
