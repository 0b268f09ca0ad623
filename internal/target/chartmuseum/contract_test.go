package chartmuseum_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// A museum at the root of a host, one in folders, and one that overwrites whatever it has, if it
// is sent something.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]museumtest.Options{
		"root":       {},
		"late":       {Lag: 300 * time.Millisecond},
		"depth":      {Depth: 2, Username: "ci", Password: "secret"},
		"context":    {Depth: 1, ContextPath: "/museum", Token: "let me in"},
		"overwrites": {AllowOverwrite: true, ChartURL: "http://museum.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.RunInFakeTime(t, func(t *testing.T) targettest.Fixture {
				museum := museumtest.New(options)
				front := &front{next: museum}
				network := memnet.Serve(t, front)
				web := transport.New(transport.Options{Dial: network.Dial})
				t.Cleanup(web.Close)
				t.Cleanup(func() {
					if museum.Forced() > 0 {
						t.Error("it was asked to overwrite something")
					}
				})
				return fixture(t, front, web, "http://museum.invalid", options)
			})
		})
	}
}

// ChartMuseum itself keeps it as well.
func TestContractOfTheRealOne(t *testing.T) {
	for name, options := range map[string]museumtest.Options{
		"root":       {},
		"depth":      {Depth: 2, Username: "ci", Password: "secret"},
		"context":    {Depth: 1, ContextPath: "/museum"},
		"overwrites": {AllowOverwrite: true},
	} {
		t.Run(name, func(t *testing.T) {
			museumtest.Binary(t)
			targettest.Run(t, func(t *testing.T) targettest.Fixture {
				at, err := url.Parse(museumtest.Start(t, t.TempDir(), options.Flags()...))
				if err != nil {
					t.Fatal(err)
				}
				front := &front{next: httputil.NewSingleHostReverseProxy(at)}
				server := httptest.NewServer(front)
				t.Cleanup(server.Close)
				web := transport.New(transport.Options{Attempts: 2, FirstWait: time.Millisecond})
				t.Cleanup(web.Close)
				return fixture(t, front, web, server.URL, options)
			})
		})
	}
}

// front is a museum behind faults.
type front struct {
	next http.Handler
	mu   sync.Mutex
	now  http.Handler
}

func (f *front) breaks(t *testing.T, script string) {
	rules, err := faults.Parse("faults", script)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = faults.New(f.next, rules)
}

func (f *front) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	now := f.now
	f.mu.Unlock()
	now.ServeHTTP(w, q)
}

// whats are the faults, as in a script.
var whats = map[targettest.Fault]string{
	targettest.Fails: "before status 500", targettest.Garbage: "before login",
	targettest.LosesReply: "after reset", targettest.Hangs: "before hang",
}

func fixture(t *testing.T, front *front, web *transport.Client, address string, options museumtest.Options) targettest.Fixture {
	repository := options.ContextPath
	for i := range options.Depth {
		repository += "/" + string(rune('a'+i))
	}
	front.breaks(t, "")
	museum, err := chartmuseum.New(chartmuseum.Options{
		URL: address + repository + "/", Username: options.Username, Password: options.Password, Token: options.Token, Setting: "targets[0].url", Transport: web,
	})
	if err != nil {
		t.Fatal(err)
	}
	requests := map[targettest.Request]string{
		targettest.Index:   "GET " + repository + "/index.yaml",
		targettest.Lookup:  "GET " + options.ContextPath + "/api/**",
		targettest.Fetch:   "GET " + repository + "/charts/*",
		targettest.Publish: "POST " + options.ContextPath + "/api/**",
	}
	return targettest.Fixture{
		Target: museum,
		Break: func(r targettest.Request, f targettest.Fault) bool {
			front.breaks(t, fmt.Sprintf("%s * %s\n", requests[r], whats[f]))
			return true
		},
		Restore: func() { front.breaks(t, "") },
		Late:    5 * time.Second,
	}
}
