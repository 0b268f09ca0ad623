package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
)

// The names that certificates in scripts are for, besides 127.0.0.1. Only the
// proxy of the script knows where they are.
const (
	cloudHost  = "cloud.example.com"
	chartsHost = "charts.example.com"
)

type securedServers struct{}

// securedInScript are two servers over TLS in front of the marketplace of a
// script: one for its API, one for the Helm repository, each with an authority
// of its own.
type securedInScript struct {
	byName map[string]*httptest.Server
	mu     sync.Mutex
	log    []string
}

// tlsCommandInScript is the command tls.
func tlsCommandInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: tls serve | tls expired FILE | tls proxy | tls log FILE")
	}
	s := ts.Value(securedServers{}).(*securedInScript)
	t := ts.Value(scriptTest{}).(*testing.T)
	switch {
	case args[0] == "serve" && len(args) == 1:
		market := ts.Value(served{}).(*servedInScript)
		s.byName = map[string]*httptest.Server{}
		for host, name := range map[string]string{cloudHost: "cloud", chartsHost: "charts"} {
			authority := testca.New(t, "The authority of "+name)
			s.byName[host] = authority.Serve(t, market, "127.0.0.1", host)
			ts.Check(os.WriteFile(ts.MkAbs(name+".pem"), authority.PEM(), 0o644))
			ts.Setenv(strings.ToUpper(name)+"_TLS", s.byName[host].URL)
			_, port, err := net.SplitHostPort(s.byName[host].Listener.Addr().String())
			ts.Check(err)
			ts.Setenv(strings.ToUpper(name)+"_PORT", port)
		}
	case args[0] == "expired" && len(args) == 2:
		long := time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), testca.NewUntil(t, "Old", long).PEM(), 0o644))
	case args[0] == "proxy" && len(args) == 1:
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.proxy(ts, w, r) }))
		ts.Defer(proxy.Close)
		ts.Setenv("PROXY", canary.ProxyURL(strings.TrimPrefix(proxy.URL, "http://")))
	case args[0] == "log" && len(args) == 2:
		s.mu.Lock()
		defer s.mu.Unlock()
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(s.log, ""), "\n")), 0o644))
		s.log = nil
	default:
		ts.Fatalf("usage: tls serve | tls expired FILE | tls proxy | tls log FILE")
	}
}

// proxy leads to the servers of the script whatever their names are. It wants
// its password, and sees requests to https only as the tunnel that they ask for.
func (s *securedInScript) proxy(ts *testscript.TestScript, w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Proxy-Authorization") != canary.Basic(canary.ProxyUsername, canary.ProxyPassword) {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	seen := r.Method + " " + r.Host
	if r.Header.Get("Authorization") != "" {
		seen += " with credentials"
	}
	s.mu.Lock()
	s.log = append(s.log, seen)
	s.mu.Unlock()
	if r.Method != http.MethodConnect {
		ts.Value(served{}).(*servedInScript).ServeHTTP(w, r)
		return
	}
	server := s.byName[strings.TrimSuffix(r.Host, ":443")]
	if server == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}
	go pipe(there, here)
	go pipe(here, there)
}
