package kscloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/transport"
)

const key = "kck-11111111-2222-3333-4444-555555555555"

// connect makes a target for a server.
func connect(t *testing.T, address string, change func(*Options)) *Target {
	t.Helper()
	web := transport.New(transport.Options{})
	t.Cleanup(web.Close)
	options := Options{Server: address, Key: key, RepositoryURL: address, Transport: web, UserAgent: "test"}
	if change != nil {
		change(&options)
	}
	cloud, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func refuse(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// A question is asked once for all, in turn; only an answer, or a failure that is not that
// of the caller's own context, is kept.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ask := once(func(ctx context.Context) (string, error) {
			asked++
			select {
			case <-time.After(time.Minute):
				return "usr-1", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var waiting atomic.Int32
		for range 3 {
			go func() {
				if got, err := ask(t.Context()); got != "usr-1" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				waiting.Add(1)
			}()
		}
		synctest.Wait()
		if _, err := ask(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller whose time is up while it waits for another one gets %v", err)
		}
		time.Sleep(2 * time.Minute)
		if asked != 1 || waiting.Load() != 3 {
			t.Errorf("asked %d times for %d callers", asked, waiting.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ask := once(func(ctx context.Context) (string, error) {
			asked++
			<-time.After(time.Second)
			return "", endOr(ctx)
		})
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, first := ask(short)
		_, second := ask(t.Context())
		_, third := ask(t.Context())
		if !errors.Is(first, context.DeadlineExceeded) || second != third || !errors.Is(second, errRefused) || asked != 2 {
			t.Errorf("asked %d times: %v, %v, %v", asked, first, second, third)
		}
	})
}

var errRefused = errors.New("refused")

// endOr is how the context ended, or else a refusal.
func endOr(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errRefused
}

// Without a key the Helm repository is read, and everything else ends with ErrNoToken,
// before any request.
func TestWithoutAKey(t *testing.T) {
	var paths []string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		_, _ = w.Write([]byte("apiVersion: v1\nentries: {}\n"))
	})
	cloud := connect(t, address, func(o *Options) { o.Key = "" })
	if cloud.HasKey() {
		t.Error("it has a key")
	}
	if _, err := cloud.Index(t.Context()); err != nil {
		t.Error(err)
	}
	for what, err := range calls(t, cloud) {
		if !errors.Is(err, target.ErrNoToken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if fmt.Sprint(paths) != "[/index.yaml]" {
		t.Errorf("requests: %s", paths)
	}
}

// calls makes each request of the marketplace and returns the errors.
func calls(t *testing.T, cloud *Target) map[string]error {
	ctx, errs := t.Context(), map[string]error{}
	errs["check"] = cloud.CheckKey(ctx)
	_, errs["snapshot"] = cloud.Snapshot(ctx, "alc", "1.0.0")
	_, errs["upload"] = cloud.UploadAssets(ctx, "alc", "1.0.0", nil)
	errs["submit"] = cloud.Submit(ctx, "1", "")
	errs["withdraw"] = cloud.Withdraw(ctx, "1", "")
	return errs
}

// A refused key comes with the hint for that key; without one, the caller's hint holds.
func TestHintOnARefusedKey(t *testing.T) {
	address := serve(t, refuse(http.StatusUnauthorized))
	for what, err := range calls(t, connect(t, address, func(o *Options) { o.KeyRefused = "take the other key" })) {
		if !failure.Unauthorized(err) || what != "withdraw" && failure.Hint(err) != "take the other key" {
			t.Errorf("%s: %v → %s", what, err, failure.Hint(err))
		}
	}
	if _, err := connect(t, address, nil).Snapshot(t.Context(), "alc", "1.0.0"); !failure.Unauthorized(err) || strings.Contains(failure.Hint(err), "other key") {
		t.Errorf("%v → %s", err, failure.Hint(err))
	}
}

// What another key would not fix is no refusal of the key: an extension of another account,
// a repository with a password, a package on another host, a picture.
func TestRefusalsThatAreNotOfTheKey(t *testing.T) {
	of := func(cloud *Target, request func(*Target) error) error { return request(cloud) }
	forbidden, asksForPassword := serve(t, refuse(http.StatusForbidden)), serve(t, refuse(http.StatusUnauthorized))
	gone := serve(t, refuse(http.StatusNotFound))
	entry := func(address string) target.Entry {
		return target.Entry{Name: "alc", Version: "1.0.0", URLs: []string{address}}
	}
	tests := []struct {
		name string
		err  error
		hint string
	}{
		{"an extension of another account", of(connect(t, forbidden, nil), func(x *Target) error {
			_, err := x.Snapshot(t.Context(), "alc", "1.0.0")
			return err
		}), "does alc belong to another account?"},
		{"an index with a password", of(connect(t, asksForPassword, func(o *Options) { o.PasswordRefused = "set the password" }), func(x *Target) error {
			_, err := x.Index(t.Context())
			return err
		}), "set the password"},
		{"a package with a password", of(connect(t, asksForPassword, func(o *Options) { o.PasswordRefused = "set the password" }), func(x *Target) error {
			_, err := x.Fetch(t.Context(), entry("charts/alc-1.0.0.tgz"))
			return err
		}), "set the password"},
		{"a package on another host", of(connect(t, gone, nil), func(x *Target) error {
			_, err := x.Fetch(t.Context(), entry(asksForPassword+"/alc-1.0.0.tgz"))
			return err
		}), "nobody's user and password are sent to that host"},
		{"a package that is not there", of(connect(t, gone, nil), func(x *Target) error {
			_, err := x.Fetch(t.Context(), entry("charts/alc-1.0.0.tgz"))
			return err
		}), "upload it, or correct its URL in the index"},
		{"a picture", of(connect(t, asksForPassword, nil), func(x *Target) error {
			_, err := x.FetchAsset(t.Context(), asksForPassword+"/icon.svg")
			return err
		}), "check that the published asset can be read by everybody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || failure.Unauthorized(tt.err) || !strings.Contains(failure.Hint(tt.err), tt.hint) {
				t.Errorf("%v (of the key: %t) → %s", tt.err, failure.Unauthorized(tt.err), failure.Hint(tt.err))
			}
		})
	}
}

// A page in place of a picture is no other picture.
func TestPictures(t *testing.T) {
	answers := map[string]string{
		"/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "/icon.png": "\x89PNG\r\n\x1a\n\x00\x00",
		"/login.svg": "<!DOCTYPE html><html><body><svg/></body></html>", "/words.svg": "not here", "/empty.svg": "",
	}
	synctest.Test(t, func(t *testing.T) { // an empty answer is asked for again, after a while
		network := memnet.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(answers[r.URL.Path])) }))
		web := transport.New(transport.Options{Dial: network.Dial})
		defer web.Close()
		cloud := connect(t, "http://market.invalid", func(o *Options) { o.Transport = web })
		for path, body := range answers {
			got, err := cloud.FetchAsset(t.Context(), "http://market.invalid"+path)
			if isPicture := strings.HasPrefix(path, "/icon"); isPicture != (err == nil) || isPicture && string(got) != body {
				t.Errorf("%s: %q, %v", path, got, err)
			}
		}
	})
}

// What has an address for others is fetched from where this process reaches it.
func TestNear(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<svg/>")) })
	cloud := connect(t, address, func(o *Options) {
		o.Near = func(far string) string { return strings.Replace(far, "http://far.invalid", address, 1) }
	})
	if _, err := cloud.FetchAsset(t.Context(), "http://far.invalid/icon.svg"); err != nil {
		t.Error(err)
	}
	if _, err := cloud.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1.0.0", URLs: []string{"http://far.invalid/alc.tgz"}}); err == nil || strings.Contains(err.Error(), "far.invalid") {
		t.Errorf("the package was asked for elsewhere: %v", err)
	}
}

// An address or a key that cannot be right is said before any request.
func TestNewRefuses(t *testing.T) {
	for name, options := range map[string]Options{
		"a marketplace without a scheme": {Server: "market", Key: key, RepositoryURL: "http://repo.invalid"},
		"a key with a line break":        {Server: "http://market.invalid", Key: "kck\n1", RepositoryURL: "http://repo.invalid"},
		"a repository without a scheme":  {Server: "http://market.invalid", Key: key, RepositoryURL: "repo"},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// An error that is no refusal of the key comes without the hint for it.
func TestOtherErrorsGetNoHintOnTheKey(t *testing.T) {
	cloud := connect(t, serve(t, refuse(http.StatusNotFound)), func(o *Options) { o.KeyRefused = "take the other key" })
	if err := cloud.CheckKey(t.Context()); err == nil || failure.Hint(err) == "take the other key" {
		t.Errorf("%v → %s", err, failure.Hint(err))
	}
}

// A version of which the entry cannot be read is not absent; others of the index are.
func TestAnEntryThatCannotBeRead(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: {major: 1}\n"))
	})
	index, err := connect(t, address, nil).Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e, ok, err := index.Lookup(t.Context(), "alc", "1.0.0"); ok || err == nil {
		t.Errorf("looked up %+v, %t, %v", e, ok, err)
	}
	if _, ok, err := index.Lookup(t.Context(), "other", "1.0.0"); ok || err != nil || index.Refused() == nil {
		t.Errorf("looked up another: %t, %v; refused: %v", ok, err, index.Refused())
	}
}
