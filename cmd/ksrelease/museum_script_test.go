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

// museumInScript is a museum with a record of its requests. It may be down.
type museumInScript struct {
	next *museumtest.Museum
	mu   sync.Mutex
	log  []string
	down bool
}

func (m *museumInScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.log = append(m.log, r.Method+" "+r.URL.RequestURI()+"\n")
	down := m.down
	m.mu.Unlock()
	if down {
		http.Error(w, "it is being moved", http.StatusBadGateway)
		return
	}
	m.next.ServeHTTP(w, r)
}

// museumCommandInScript starts a museum, writes what it was asked, has it down or up again, or
// copies a package of it.
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
	case len(args) == 1 && (args[0] == "down" || args[0] == "up"):
		m.mu.Lock()
		m.down = args[0] == "down"
		m.mu.Unlock()
	case len(args) == 3 && args[0] == "get":
		content, ok := m.next.Files("")[args[1]]
		if !ok {
			ts.Fatalf("the museum has no %s", args[1])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), content, 0o644))
	default:
		ts.Fatalf("usage: museum [USER PASSWORD | log FILE | down | up | get FILE COPY]")
	}
}
