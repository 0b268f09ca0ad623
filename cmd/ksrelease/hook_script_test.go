package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// hookInScript is a service to which releases are announced: "hook STATUS ANSWER" starts it, at
// $HOOK, or has it answer otherwise; "hook log FILE" writes what it got, a line a message, and
// forgets it.
func hookInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hook STATUS ANSWER | hook log FILE")
	}
	h := ts.Value(hook{}).(*hookServer)
	h.mu.Lock()
	defer h.mu.Unlock()
	if args[0] == "log" {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(h.got, ""), "\n")), 0o644))
		h.got = nil
		return
	}
	h.status, h.answer = map[string]int{"200": 200, "404": 404, "500": 500}[args[0]], args[1]
	if h.status == 0 {
		ts.Fatalf("the status %s is not known here", args[0])
	}
	if h.server == nil {
		h.server = httptest.NewServer(h)
		ts.Defer(h.server.Close)
		ts.Setenv("HOOK", h.server.URL)
	}
}

// hook is the key of a script's service.
type hook struct{}

type hookServer struct {
	mu     sync.Mutex
	server *httptest.Server
	status int
	answer string
	got    []string
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing is missing in the log
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, r.Method+" "+r.URL.Path+" "+string(body))
	w.WriteHeader(h.status)
	_, _ = io.WriteString(w, h.answer)
}
