package marketplace

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestAdminOverHTTP(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	if _, err := Remote(dir); !errors.Is(err, ErrNotServed) || err.Error() != "looking for the marketplace in "+dir+": no process serves this marketplace" {
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
		t.Errorf("serving.json has mode %o, want 600: it holds a token", got)
	}
	admin, err := Remote(dir)
	if err != nil {
		t.Fatal(err)
	}
	if admin.Address() != c.base {
		t.Errorf("address = %s, want %s", admin.Address(), c.base)
	}
	c.release("alc", "1.0.0")
	c.release("alc", "2.0.0")
	if err := admin.Approve(t.Context(), "alc", "1.0.0"); err != nil {
		t.Error(err)
	}
	if err := admin.Reject(t.Context(), "alc", "2.0.0", "no README"); err != nil {
		t.Error(err)
	}
	if a, b := c.state("alc", "1.0.0"), c.state("alc", "2.0.0"); a != active || b != rejected {
		t.Errorf("states = %s, %s", a, b)
	}
	if snapshot, _ := m.all()[0].version("2.0.0"); snapshot.Message != "no README" {
		t.Errorf("message = %q", snapshot.Message)
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{admin.Approve(t.Context(), "alc", "2.0.0"), "version 2.0.0 of alc is in state rejected; only one in state submitted can be approved"},
		{admin.Approve(t.Context(), "alc", "3.0.0"), `there is no version "3.0.0" of alc`},
		{admin.Reject(t.Context(), "a/../b", "1", ""), `there is no extension "a/../b"`},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("error = %v, want %s", test.err, test.want)
		}
	}
}

func TestAdminHearsSomethingElse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>", http.StatusBadGateway)
	}))
	defer other.Close()
	admin := &Admin{serving: serving{Address: other.URL}, client: other.Client()}
	if err := admin.Approve(t.Context(), "alc", "1.0.0"); err == nil || !strings.HasSuffix(err.Error(), "answered 502 Bad Gateway") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := admin.Approve(ctx, "alc", "1.0.0"); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
}

func TestRemoteWithDamagedFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state", "serving.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Remote(dir); err == nil || !strings.HasSuffix(err.Error(), "is not the address of a marketplace") {
		t.Errorf("error = %v", err)
	}
}

func TestLocalURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8790": "http://127.0.0.1:8790", ":8790": "http://127.0.0.1:8790", "0.0.0.0:80": "http://127.0.0.1:80",
		"[::]:8790": "http://127.0.0.1:8790", "[::1]:8790": "http://[::1]:8790", "market.example.org:8790": "http://market.example.org:8790",
		"https://market.example.org/": "https://market.example.org",
	} {
		if got := localURL(addr); got != want {
			t.Errorf("localURL(%s) = %s, want %s", addr, got, want)
		}
	}
}
