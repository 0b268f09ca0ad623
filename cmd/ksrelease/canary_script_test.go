package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

// scriptT is a script's test. Every script runs with the secrets of
// internal/testutil/canary, and all that it printed and left behind is searched for them:
// see search.
type scriptT struct {
	*testing.T
	watch *canary.Watch
	dir   string   // $WORK, as long as the script goes on
	given []string // files with secrets that are no output
}

var _ testscript.T = (*scriptT)(nil)

// Run runs one script.
func (t *scriptT) Run(name string, script func(testscript.T)) {
	t.T.Run(name, func(sub *testing.T) { script(&scriptT{T: sub, watch: t.watch}) })
}

// Verbose keeps the output of every command in the log, also where the command
// ended as it should.
func (t *scriptT) Verbose() bool { return true }

// Log gets the log when the script has ended, and its folder is still there.
func (t *scriptT) Log(log ...any) {
	t.Helper()
	if t.Failed() || testing.Verbose() {
		t.T.Log(log...)
	}
	t.search(fmt.Sprint(log...))
}

// search looks for secrets in what the commands of the script printed, all of it
// in one piece however many writes it came in, and in all files that are there
// at the end: reports, events, packages, the state of a marketplace.
func (t *scriptT) search(log string) {
	t.Helper()
	leaks, err := t.leaks(log)
	if err != nil {
		t.Error(err)
	}
	for _, leak := range leaks {
		t.Errorf("a secret got out: %s", leak)
	}
}

func (t *scriptT) leaks(log string) ([]canary.Leak, error) {
	// The log begins with the environment, in which the secrets are.
	_, printed, found := strings.Cut(log, "\n\n")
	if t.dir == "" || !found {
		return nil, errors.New("there is no log to search for secrets")
	}
	inFiles, err := t.watch.ScanTree(t.dir, t.given...)
	return append(t.watch.Scan("output", []byte(printed)), inFiles...), err
}

// What a script prints and leaves behind is searched, and nothing else.
func TestScriptsAreSearchedForSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"given", "report.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(canary.Token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := &scriptT{T: t, watch: canary.New(), dir: dir, given: []string{"given"}}
	leaks, err := script.leaks("KEY=" + canary.Token + "\n\n> exec ksrelease run\n[stderr]\nBearer " + canary.Token[:20] + "\n" + canary.Token[20:] + "\n")
	if err != nil || len(leaks) != 2 || leaks[0].String() != "output:3:8: the API key, plain" || leaks[1].String() != "report.json:1:1: the API key, plain" {
		t.Errorf("%v, %v", leaks, err)
	}
}

// begin gives the script its secrets. Which files hold them from the beginning
// is noted; those in which login, and ksbuilder, keep them are no leak either.
func (t *scriptT) begin(env *testscript.Env) error {
	t.dir = env.WorkDir
	for _, variable := range canary.Environment() {
		// Scripts log in and set the key themselves, to $KEY.
		env.Vars = append(env.Vars, strings.Replace(variable, "KSRELEASE_TOKEN=", "KEY=", 1))
	}
	t.given = []string{".home/.config/ksrelease/credentials.json", ".home/.ksbuilder/config.json"}
	leaks, err := t.watch.ScanTree(env.WorkDir)
	for _, leak := range leaks {
		t.given = append(t.given, leak.Where)
	}
	return err
}
