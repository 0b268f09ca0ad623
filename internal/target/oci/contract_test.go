package oci_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target/oci"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The target keeps the contract with each registry: Debian's docker-registry, and the
// current release of the same project.
func TestContract(t *testing.T) {
	for i, implementation := range registrytest.Implementations {
		if i > 0 && testing.Short() {
			continue // to the race detector one registry is as good as another
		}
		t.Run(implementation.Name, func(t *testing.T) {
			r := implementation.Start(t, registrytest.Options{})
			folder := 0
			targettest.Run(t, func(t *testing.T) targettest.Fixture {
				folder++
				front := newFront(t, r)
				return targettest.Fixture{
					Target: newTarget(t, front.host+"/charts/"+strings.Repeat("x", folder), transport.Options{FirstWait: time.Millisecond}),
					Break: func(request targettest.Request, fault targettest.Fault) bool {
						at, ok := requests[request]
						if ok {
							front.breaks(t, at+" * "+whats[fault])
						}
						return ok
					},
					Restore: func() { front.breaks(t, "") },
				}
			})
		})
	}
}

// requests are those of a registry behind those of a target, as in a script of faults.
var requests = map[targettest.Request]string{
	targettest.Index:   "GET /v2/**/manifests/*",
	targettest.Lookup:  "GET /v2/**/manifests/*",
	targettest.Fetch:   "GET /v2/**/blobs/*",
	targettest.Publish: "PUT /v2/**/manifests/*",
}

// whats are the faults, as in a script.
var whats = map[targettest.Fault]string{
	targettest.Fails: "before status 500", targettest.Garbage: "before login",
	targettest.LosesReply: "after reset", targettest.Hangs: "before hang",
}

func newTarget(t *testing.T, address string, web transport.Options) *oci.Target {
	t.Helper()
	client := transport.New(web)
	t.Cleanup(client.Close)
	target, err := oci.New(oci.Options{Address: "oci://" + address, Registry: registry.New(registry.Options{Transport: client}), Transport: client})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// front stands before a registry, counts its requests and makes them fail.
type front struct {
	host string

	mu      sync.Mutex
	handler http.Handler
	next    http.Handler
	log     []string // METHOD and the kind of thing it was about
}

func newFront(t *testing.T, r *registrytest.Registry) *front {
	t.Helper()
	f := &front{}
	f.host = registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		f.next, f.handler = next, next
		return f
	})
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	handler := f.handler
	kind := "upload"
	for _, one := range []string{"manifests", "tags", "blobs"} {
		if strings.Contains(r.URL.Path, "/"+one+"/") && !strings.Contains(r.URL.Path, "/uploads/") {
			kind = one
		}
	}
	f.log = append(f.log, r.Method+" "+kind)
	f.mu.Unlock()
	handler.ServeHTTP(w, r)
}

func (f *front) breaks(t *testing.T, script string) {
	t.Helper()
	rules, err := faults.Parse("faults", script)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handler = faults.New(f.next, rules)
}

// requested are the requests so far; they are forgotten then.
func (f *front) requested() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}
