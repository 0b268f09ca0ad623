package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
)

// keysInScript makes keys to sign with, and what verifies them.
func keysInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: keys DIR NAME [PASSPHRASE]")
	}
	dir, passphrase := ts.MkAbs(args[0]), ""
	if len(args) == 3 {
		passphrase = args[2]
	}
	ts.Check(os.MkdirAll(dir, 0o755))
	_, _, err := keytest.PGP(dir, args[1], passphrase)
	ts.Check(err)
	_, _, err = keytest.PEM(dir, args[1])
	ts.Check(err)
}

// helmInScript runs a stock helm.
func helmInScript(ts *testscript.TestScript, neg bool, args []string) {
	command := exec.Command(helmtest.Binary(ts.Value(scriptTest{}).(*testing.T)), args...)
	command.Dir, command.Env = ts.MkAbs("."), []string{"HOME=" + ts.MkAbs("$WORK"), "PATH=" + os.Getenv("PATH")}
	out, err := command.CombinedOutput()
	ts.Logf("%s", out)
	if failed := err != nil; failed != neg {
		ts.Fatalf("helm %q: %v", args, err)
	}
}
