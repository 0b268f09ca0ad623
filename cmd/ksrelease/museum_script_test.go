package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
)

// museumServer is the key of the museum of a script.
type museumServer struct{}

// museumInScript is a museum with a record of its requests.
type museumInScript struct {
	next http.Handler
	mu   sync.Mutex
	log  []string
}

func (m *museumInScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.log = append(m.log, r.Method+" "+r.URL.RequestURI()+"\n")
	m.mu.Unlock()
	m.next.ServeHTTP(w, r)
}

// museumCommandInScript starts a museum, or writes what it was asked.
func museumCommandInScript(ts *testscript.TestScript, neg bool, args []string) {
	m := ts.Value(museumServer{}).(*museumInScript)
	switch {
	case neg:
		ts.Fatalf("museum cannot be negated")
	case len(args) == 0 || len(args) == 2 && args[0] != "log":
		options := museumtest.Options{}
		if len(args) == 2 {
			options.Username, options.Password = args[0], args[1]
		}
		m.next = museumtest.New(options)
		server := httptest.NewServer(m)
		ts.Defer(server.Close)
		ts.Setenv("MUSEUM", server.URL)
	case len(args) == 2:
		m.mu.Lock()
		defer m.mu.Unlock()
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(m.log, "")), 0o644))
		m.log = nil
	default:
		ts.Fatalf("usage: museum [USER PASSWORD | log FILE]")
	}
}
