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
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// requests are those that a museum at the root of a host gets, as in a script of faults.
var requests = []string{"POST /api/charts", "GET /index.yaml", "GET /api/charts", "GET /api/charts/*/*", "GET /charts/*"}

// Promises P2, P4 and P9 before the double, in fake time.
func TestRuns(t *testing.T) {
	t.Parallel()
	runtest.Suite{
		Lags: true, Short: 150, Whole: 5000,
		New: func(t *testing.T, lag time.Duration) runtest.Fixture {
			store := museumtest.New(museumtest.Options{Lag: lag})
			if lag > 0 { // an empty list is made anew whenever it is read
				upload(t, store, targettest.Package(t, "other", "1.0.0", "one"))
			}
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
				Held: func() map[string][]byte {
					held := store.Files("")
					delete(held, "other-1.0.0.tgz")
					return held
				},
				Put:    func(pkg *extension.Package) { upload(t, store, pkg) },
				Damage: func(file string) { store.Put("", file, damaged(store.Files("")[file])) },
			}
		},
	}.Run(t)
}

// A cache that is known makes the time longer in which a version has to be seen.
func TestDelay(t *testing.T) {
	for cache, want := range map[time.Duration]results.Outcome{0: results.Unverified, 4 * time.Minute: results.Unverified, 6 * time.Minute: results.Released} {
		synctest.Test(t, func(t *testing.T) {
			store := museumtest.New(museumtest.Options{Lag: 10 * time.Minute})
			upload(t, store, targettest.Package(t, "other", "1.0.0", "one")) // an empty list is made anew
			network := memnet.Serve(t, store)
			web := transport.New(transport.Options{Dial: network.Dial})
			defer web.Close()
			museum, err := chartmuseum.New(chartmuseum.Options{URL: "http://museum.invalid", Delay: cache, Transport: web})
			if err != nil {
				t.Fatal(err)
			}
			source := config.Source{Path: targettest.Folder(t, "alc", "1.0.0", "one"), Display: "alc", Settings: config.Default(t.TempDir()).Defaults}
			result, err := pipeline.New(pipeline.Options{Sources: []config.Source{source}, Targets: []target.Place{{Target: museum, Name: "museum", Noun: "the museum"}}}).Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			x := result.Extensions[0]
			if x.Outcome != want || want == results.Unverified && !strings.Contains(x.Reason, "not seen within "+(5*time.Minute+cache).String()) {
				t.Errorf("%s: %s %q", cache, x.Outcome, x.Reason)
			}
		})
	}
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
	t.Parallel()
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
