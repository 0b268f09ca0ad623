package chartmuseum_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// requests are those that a museum at the root of a host gets, as in a script of faults.
var requests = []string{"POST /api/charts", "GET /index.yaml", "GET /api/charts", "GET /api/charts/*/*", "GET /charts/*"}

// Promises P2, P4 and P9 before the double, in fake time.
func TestRuns(t *testing.T) {
	runtest.Suite{
		Lags: true, Short: 150, Whole: 5000,
		New: func(t *testing.T, lag time.Duration) runtest.Fixture {
			store := museumtest.New(museumtest.Options{Lag: lag})
			front := &front{next: store}
			network := memnet.Serve(t, front)
			web := transport.New(transport.Options{Dial: network.Dial})
			t.Cleanup(web.Close)
			t.Cleanup(func() {
				if store.Forced() > 0 {
					t.Error("it was asked to overwrite something")
				}
			})
			return runtest.Fixture{
				Place:    placeOf(t, "http://museum.invalid", web),
				Break:    func(script string) { front.breaks(t, script) },
				Requests: requests,
				Held:     func() map[string][]byte { return store.Files("") },
				Put:      func(pkg *extension.Package) { upload(t, store, pkg) },
				Damage:   func(file string) { store.Put("", file, damaged(store.Files("")[file])) },
			}
		},
	}.Run(t)
}

// damaged is a package with a byte of another value at its end.
func damaged(archive []byte) []byte {
	archive = bytes.Clone(archive)
	archive[len(archive)-5] ^= 1
	return archive
}

func placeOf(t *testing.T, address string, web *transport.Client) target.Place {
	museum, err := chartmuseum.New(chartmuseum.Options{URL: address, Setting: "targets[0].url", Access: access, Transport: web})
	if err != nil {
		t.Fatal(err)
	}
	return target.Place{Target: museum, Name: "museum", Kind: "chartmuseum", URL: address, Noun: "the museum", Shows: "its index.yaml"}
}

// upload is an upload by somebody else, past all faults.
func upload(t *testing.T, museum http.Handler, pkg *extension.Package) {
	t.Helper()
	answer := httptest.NewRecorder()
	museum.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/api/charts", bytes.NewReader(pkg.Data)))
	if answer.Code != http.StatusCreated && answer.Code != http.StatusConflict {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}

// The same before ChartMuseum itself.
func TestRunsWithTheRealOne(t *testing.T) {
	museumtest.Binary(t)
	runtest.Suite{
		Real: true, Short: 40, Whole: 400,
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			folder := t.TempDir()
			at, err := url.Parse(museumtest.Start(t, folder, "--disable-statefiles"))
			if err != nil {
				t.Fatal(err)
			}
			proxy := httputil.NewSingleHostReverseProxy(at)
			front := &front{next: proxy}
			front.breaks(t, "")
			server := httptest.NewServer(front)
			t.Cleanup(server.Close)
			web := transport.New(transport.Options{FirstWait: time.Millisecond, ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second})
			t.Cleanup(web.Close)
			return runtest.Fixture{
				Place:    placeOf(t, server.URL, web),
				Break:    func(script string) { front.breaks(t, script) },
				Requests: requests,
				Held: func() map[string][]byte {
					held := map[string][]byte{}
					files, err := filepath.Glob(filepath.Join(folder, "*"))
					if err != nil {
						t.Fatal(err)
					}
					for _, file := range files {
						data, err := os.ReadFile(file)
						if err != nil {
							t.Fatal(err)
						}
						held[filepath.Base(file)] = data
					}
					return held
				},
				Put: func(pkg *extension.Package) {
					answer, err := http.Post(at.String()+"/api/charts", "application/gzip", bytes.NewReader(pkg.Data))
					if err != nil {
						t.Fatal(err)
					}
					said, _ := io.ReadAll(answer.Body)
					_ = answer.Body.Close()
					if answer.StatusCode != http.StatusCreated && !strings.Contains(string(said), "already exists") {
						t.Fatalf("%s %s", answer.Status, said)
					}
				},
				Damage: func(name string) {
					file := filepath.Join(folder, name)
					data, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, damaged(data), 0o644); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
	}.Run(t)
}
