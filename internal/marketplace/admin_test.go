package marketplace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// review carries out a review of a directory.
func review(t *testing.T, dir, version string, approve bool, message string) error {
	t.Helper()
	return ReviewIn(t.Context(), dir, lease.Verdict{Name: "alc", Version: version, Approve: approve, Message: message}, nil)
}

func TestReviewOverHTTP(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{Token: "only-this-one"})
	c := serve(t, m)
	c.token = "only-this-one"
	if _, err := lease.Connect(t.Context(), dir); !errors.Is(err, lease.ErrNotServed) || err.Error() != "looking for the process that serves the marketplace in "+dir+": no process serves this marketplace" {
		t.Errorf("error = %v", err)
	}
	if err := m.SetAddress(c.base + "/"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "state", "serving.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); runtime.GOOS != "windows" && got != 0o600 {
		t.Errorf("serving.json has mode %o, want 600: it holds a key", got)
	}
	served, err := lease.Connect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if served.Address != c.base {
		t.Errorf("address = %s, want %s", served.Address, c.base)
	}
	c.release("alc", "1.0.0")
	c.release("alc", "2.0.0")
	// Who can read the state may release to it, whatever the token is.
	c.token = served.Key()
	c.release("alc", "3.0.0")
	c.token = "only-this-one"
	if err := review(t, dir, "1.0.0", true, ""); err != nil {
		t.Error(err)
	}
	if err := review(t, dir, "2.0.0", false, "no README"); err != nil {
		t.Error(err)
	}
	if a, b := c.state("alc", "1.0.0"), c.state("alc", "2.0.0"); a != catalog.Active || b != catalog.Rejected {
		t.Errorf("states = %s, %s", a, b)
	}
	if snapshot, _ := m.state.All()[0].Version("2.0.0"); snapshot.Message != "no README" {
		t.Errorf("message = %q", snapshot.Message)
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{review(t, dir, "2.0.0", true, ""), "version 2.0.0 of alc is in state rejected; only one in state submitted can be approved"},
		{review(t, dir, "4.0.0", true, ""), `there is no version "4.0.0" of alc`},
		{ReviewIn(t.Context(), dir, lease.Verdict{Name: "a/../b", Version: "1"}, nil), `there is no extension "a/../b"`},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("error = %v, want %s", test.err, test.want)
		}
	}
}

// Whoever answers at an address that was left behind gets no key and decides nothing.
func TestReviewNeverGoesByAStaleAddress(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, m).release("alc", "1.0.0")
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the stranger is sent a key: %s %s", r.Method, r.URL)
		}
		fmt.Fprint(w, `{"proof":"`+strings.Repeat("0", 64)+`"}`)
	}))
	defer stranger.Close()
	if err := m.SetAddress(stranger.URL); err != nil {
		t.Fatal(err)
	}
	// The folder is in use: nothing is decided, and the address is not passed on.
	err = review(t, dir, "1.0.0", true, "")
	var locked *lease.LockedError
	if !errors.As(err, &locked) || locked.Address != "" {
		t.Errorf("error = %v", err)
	}
	left := readFile(t, filepath.Join(dir, store.ServingFile))
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	// Nobody has the folder: what a killed process left is not asked.
	if err := os.WriteFile(filepath.Join(dir, store.ServingFile), left, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := review(t, dir, "1.0.0", true, ""); err != nil {
		t.Error(err)
	}
	if record, err := open(t, dir, Options{ReadOnly: true}).state.Find("alc"); err != nil || record.Status() != catalog.Ready {
		t.Errorf("%+v, %v", record, err)
	}
}

// An answer that is lost leaves it open what was done, so the state says it.
func TestReviewReadsTheStateBack(t *testing.T) {
	for name, answers := range map[string]func(w http.ResponseWriter, r *http.Request, do http.Handler){
		"done and cut off": func(_ http.ResponseWriter, r *http.Request, do http.Handler) {
			do.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		},
		"done and another answer": func(w http.ResponseWriter, r *http.Request, do http.Handler) {
			do.ServeHTTP(httptest.NewRecorder(), r)
			http.Error(w, "<html>", http.StatusBadGateway)
		},
		"cut off once": once(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }),
		"another answer once": once(func(w http.ResponseWriter) {
			http.Error(w, "<html>", http.StatusBadGateway)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := open(t, dir, Options{})
			serve(t, m).release("alc", "1.0.0")
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					answers(w, r, m)
					return
				}
				m.ServeHTTP(w, r)
			}))
			defer server.Close()
			if err := m.SetAddress(server.URL); err != nil {
				t.Fatal(err)
			}
			if err := review(t, dir, "1.0.0", true, ""); err != nil {
				t.Error(err)
			}
			if record, err := m.state.Find("alc"); err != nil || record.Status() != catalog.Ready {
				t.Errorf("%+v, %v", record, err)
			}
		})
	}
	t.Run("said and not done", func(t *testing.T) {
		dir := t.TempDir()
		m := open(t, dir, Options{})
		serve(t, m).release("alc", "1.0.0")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				m.ServeHTTP(w, r)
			}
		}))
		defer server.Close()
		if err := m.SetAddress(server.URL); err != nil {
			t.Fatal(err)
		}
		if err := review(t, dir, "1.0.0", true, ""); err == nil || err.Error() != "reading the state back: version 1.0.0 of alc is submitted" {
			t.Errorf("error = %v", err)
		}
	})
}

// once fails the first time, and then lets the handler do it.
func once(fail func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request, http.Handler) {
	failed := false
	return func(w http.ResponseWriter, r *http.Request, do http.Handler) {
		if !failed {
			failed = true
			fail(w)
			return
		}
		do.ServeHTTP(w, r)
	}
}

func TestReviewEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	c.release("alc", "1.0.0")
	if err := m.SetAddress(c.base); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ReviewIn(ctx, dir, lease.Verdict{Name: "alc", Version: "1.0.0", Approve: true}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
}
