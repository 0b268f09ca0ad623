package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// imageInScript is the command image:
//
//	image registry NAME [USER PASSWORD]   starts an empty registry; $NAME is its HOST:PORT
//	image push IMAGE CONTENT [PLATFORM…]
//	image has IMAGE [PLATFORM…]        fails where it is not there, or for other platforms
//	image kill NAME                    from now on nobody answers there
//	image login HOST USER PASSWORD     as docker login keeps it
func imageInScript(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "usage: image registry NAME [USER PASSWORD] | push IMAGE CONTENT [PLATFORM…] | has IMAGE [PLATFORM…] | kill NAME | login HOST USER PASSWORD"
	if len(args) < 2 {
		ts.Fatalf(usage)
	}
	tb := scriptTB{ts: ts}
	client := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	switch {
	case args[0] == "registry" && (len(args) == 2 || len(args) == 4):
		options := registrytest.Options{}
		if len(args) == 4 {
			options.Username, options.Password = args[2], args[3]
		}
		dir, err := os.MkdirTemp(ts.Getenv("WORK"), ".registry")
		ts.Check(err)
		r, err := registrytest.Run(tb.Context(), dir, options)
		ts.Check(err)
		ts.Defer(r.Kill)
		ts.Setenv(args[1], r.Host)
		ts.Value(registriesKey{}).(map[string]*registrytest.Registry)[args[1]] = r
	case args[0] == "push" && len(args) > 2:
		registrytest.PushImage(tb, client, args[1], args[2], args[3:]...)
	case args[0] == "has":
		at, err := registry.Parse(args[1])
		ts.Check(err)
		all, there, err := client.Platforms(tb.Context(), at)
		ts.Check(err)
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		got := strings.Join(names, " ")
		if ok := there && (len(args) == 2 || got == strings.Join(args[2:], " ")); ok == neg {
			ts.Fatalf("%s: there is %t, for %s", args[1], there, got)
		}
	case args[0] == "kill" && len(args) == 2:
		ts.Value(registriesKey{}).(map[string]*registrytest.Registry)[args[1]].Kill()
	case args[0] == "login" && len(args) == 4:
		dir := filepath.Join(ts.Getenv("HOME"), ".docker")
		ts.Check(os.MkdirAll(dir, 0o700))
		auth := base64.StdEncoding.EncodeToString([]byte(args[2] + ":" + args[3]))
		ts.Check(os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"auths": {%q: {"auth": %q}}}`, args[1], auth), 0o600))
	default:
		ts.Fatalf(usage)
	}
}

type registriesKey struct{}

// scriptTB lets helpers of tests fail a script.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

// Helper does nothing: a script says at which of its lines it fails.
func (scriptTB) Helper() {}

// Fatal fails the script.
func (t scriptTB) Fatal(args ...any) { t.ts.Fatalf("%s", fmt.Sprint(args...)) }

// Context ends with nothing.
func (scriptTB) Context() context.Context { return context.Background() }
