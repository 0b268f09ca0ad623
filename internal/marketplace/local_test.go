package marketplace

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
)

// statusOf is what a marketplace answers to a key.
func statusOf(t *testing.T, l *Local, key string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.Address+"/apis/user/v1/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func openLocal(t *testing.T, dir string, readOnly bool) *Local {
	t.Helper()
	l, err := OpenLocal(t.Context(), dir, readOnly, func(warning string) { t.Error(warning) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// A marketplace that no process serves is served here, for who has its key.
func TestLocalInThisProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	l, err := OpenLocal(t.Context(), dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, l, l.Key); got != http.StatusOK || l.AssetHost != "http://"+DefaultAddr {
		t.Errorf("%d, %s", got, l.AssetHost)
	}
	if got := statusOf(t, l, testToken); got != http.StatusUnauthorized {
		t.Errorf("another key: %d", got)
	}
	l.Close()
	if _, err := net.Dial("tcp", l.Address[len("http://"):]); err == nil {
		t.Error("it answers after Close")
	}
	openLocal(t, dir, false) // which another one would keep from it
}

// Reading leaves nothing behind.
func TestLocalForReading(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	l := openLocal(t, dir, true)
	if got := statusOf(t, l, l.Key); got != http.StatusOK {
		t.Error(got)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A marketplace that another process serves is used there, and goes on after Close.
func TestLocalOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	if _, err := ConnectLocal(t.Context(), dir); !errors.Is(err, lease.ErrNotServed) {
		t.Fatalf("%v", err)
	}
	served := open(t, dir, Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(served.GuardHost(listener.Addr(), served))
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	at := "http://" + listener.Addr().String()
	for _, external := range []string{"", "https://market.example.com"} {
		if err := served.SetExternalURL(external); err != nil {
			t.Fatal(err)
		}
		if err := served.SetAddress(listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		assetHost := at
		if external != "" {
			assetHost = external
		}
		l := openLocal(t, dir, false)
		if l.Address != at || l.AssetHost != assetHost {
			t.Errorf("%+v", l)
		}
		l.Close()
		if got := statusOf(t, l, l.Key); got != http.StatusOK {
			t.Errorf("after Close: %d", got)
		}
		// What is read here has the addresses of that process.
		if reading := openLocal(t, dir, true); reading.AssetHost != assetHost {
			t.Errorf("%+v", reading)
		}
	}
}
