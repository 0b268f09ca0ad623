package kscloud_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The target before the local marketplace, over HTTP, with the faults of
// `ksrelease marketplace serve --faults`: so both keep the contract.
func TestContract(t *testing.T) { targettest.RunInFakeTime(t, fixture) }

const (
	server  = "http://market.invalid"
	goodKey = "kck-11111111-2222-3333-4444-555555555555"
	badKey  = "kck-99999999-2222-3333-4444-555555555555"
)

// requests are the requests of the API behind those of a target, as in a script of faults.
var requests = map[targettest.Request]string{
	targettest.Index:    "GET /index.yaml",
	targettest.Lookup:   "GET /apis/extension/v1/extensions/*/versions/*",
	targettest.Fetch:    "GET /charts/*",
	targettest.Publish:  "POST /apis/**/package",
	targettest.Upload:   "POST /apis/**/files",
	targettest.Submit:   "POST /apis/**/action:submit",
	targettest.Withdraw: "POST /apis/**/action:cancel-submit",
}

// whats are the faults, as in a script.
var whats = map[targettest.Fault]string{
	targettest.Fails: "before status 500", targettest.Garbage: "before login",
	targettest.LosesReply: "after reset", targettest.Hangs: "before hang",
}

func fixture(t *testing.T) targettest.Fixture {
	market, err := marketplace.Open(filepath.Join(t.TempDir(), "market"), marketplace.Options{Token: goodKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := market.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	var front http.Handler
	breaks := func(script string) {
		rules, err := faults.Parse("faults", script)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		front = faults.New(market, rules)
	}
	breaks("")
	network := memnet.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handler := front
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	web := transport.New(transport.Options{Dial: network.Dial})
	t.Cleanup(web.Close)
	connect := func(key string) *kscloud.Target {
		target, err := kscloud.New(kscloud.Options{
			Server: server, Key: key, RepositoryURL: server, AssetHostIsCertain: key != "", Transport: web, UserAgent: "test",
		})
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	return targettest.Fixture{
		Target: connect(goodKey), BadKey: connect(badKey), NoKey: connect(""),
		Break: func(r targettest.Request, f targettest.Fault) bool {
			breaks(fmt.Sprintf("%s * %s\n", requests[r], whats[f]))
			return true
		},
		Restore: func() { breaks("") },
		Approve: market.Approve,
		Reject:  func(name, version string) error { return market.Reject(name, version, "no English texts") },
	}
}
