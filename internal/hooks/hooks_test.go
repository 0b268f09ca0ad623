//go:build unix

package hooks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/childprocess"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
)

// set is a set of hooks of a project in a folder of its own.
func set(t *testing.T, o Options) *Set {
	t.Helper()
	o.Root = t.TempDir()
	o.Environment = append(o.Environment, "PATH="+os.Getenv("PATH"))
	return New(o)
}

func hook(run string) config.Hook { return config.Hook{Run: run, Timeout: time.Minute} }

func ignore(results.Hook) {}

// in is an extension in a folder, with hooks for before and after.
func in(dir string, commands ...config.Hook) Extension {
	return Extension{
		Path: dir, Settings: config.Settings{Before: commands, After: commands},
		Result: &results.Extension{Name: "alc", Version: "1.2.0", Outcome: results.NotReached, Reason: "interrupted"}, Observe: ignore,
	}
}

// All that a hook finds in its environment besides that of the program.
func TestHooksGetVariables(t *testing.T) {
	s := set(t, Options{Variables: map[string]string{"KSRELEASE_COMMAND": "run"}})
	h := hook(`echo "$KSRELEASE_HOOK $KSRELEASE_COMMAND $KSRELEASE_NAME $KSRELEASE_ROOT $PWD" >out; pwd >>out; test -t 0 || read x || echo none >>out`)
	dir := t.TempDir()
	if err := s.Before(t.Context(), in(dir, h)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out"))
	if want := "before run alc " + s.options.Root + " " + dir + "\n" + dir + "\nnone\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	h.Dir = filepath.Join(s.options.Root, "nowhere")
	if err := s.Before(t.Context(), in(dir, h)); err == nil || !strings.Contains(err.Error(), "there is no folder nowhere") {
		t.Errorf("%v", err)
	}
}

// What a failed hook printed last is in its error, without secrets, and where variables were
// left out the hint says which.
func TestAFailedHook(t *testing.T) {
	s := set(t, Options{Environment: []string{"GITHUB_TOKEN=x"}, Redact: func(s string) string { return strings.ReplaceAll(s, "hunter22", "xxxxx") }})
	var seen []results.Hook
	x := in(t.TempDir(), hook("echo first"), hook("echo the hunter22; false\necho never"), hook("touch later"))
	x.Observe = func(h results.Hook) { seen = append(seen, h) }
	err := s.Before(t.Context(), x)
	if err == nil || err.Error() != "the hook \"echo the hunter22; false …\": it ended with exit code 1; the last it printed:\nthe xxxxx" {
		t.Errorf("%q", err)
	}
	if hint := failure.Hint(err); !strings.HasSuffix(hint, "name it in its env: GITHUB_TOKEN") {
		t.Errorf("%q", hint)
	}
	var states []string
	for _, h := range seen {
		states = append(states, h.Stage+" "+string(h.Status))
	}
	if all := x.Result.Hooks; len(all) != 2 || all[0].Status != results.StageOK || all[1].Status != results.StageFailed {
		t.Errorf("the result has %+v", all)
	}
	if !slices.Equal(states, []string{"before started", "before ok", "before started", "before failed"}) || !strings.Contains(seen[3].Message, "xxxxx") {
		t.Errorf("%+v", seen)
	}
	for command, want := range map[string]string{
		"exit 7":       "it ended with exit code 7; it printed nothing",
		"kill -9 $$":   "it was ended: signal: killed",
		"nonesuch-cmd": "it ended with exit code 127",
		"printf 'a\\0\\377\\033[2Jb\\n' >&2; exit 1": "the last it printed:\na\x00\uFFFD\x1b[2Jb",
	} {
		if err := s.Before(t.Context(), in(t.TempDir(), hook(command))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}

// A hook may print without end: the last of it is kept, and shown from the beginning of a line.
func TestOutputIsBounded(t *testing.T) {
	s := set(t, Options{})
	err := s.Before(t.Context(), in(t.TempDir(), hook(`i=0; while [ $i -lt 30000 ]; do echo "line $i of many"; i=$((i+1)); done; head -c 1000 /dev/zero | tr '\0' x; exit 1`)))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2+20 || lines[1] != "…" || lines[len(lines)-2] != "line 29999 of many" || len([]rune(lines[len(lines)-1])) != 300 {
		t.Errorf("%d lines:\n%s", len(lines), err)
	}
}

// When the time is up, all that a hook has started is ended, also what does not want to.
func TestTimeout(t *testing.T) {
	s := set(t, Options{})
	dir := t.TempDir()
	h := config.Hook{Run: `trap "" TERM; (trap "" TERM; sleep 600) & echo $! >child; echo begun; sleep 600`, Timeout: 300 * time.Millisecond}
	start := time.Now()
	err := s.Before(t.Context(), in(dir, h))
	if err == nil || !strings.Contains(err.Error(), "took longer than 300ms, and was ended; the last it printed:\nbegun") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > childprocess.Patience+5*time.Second {
		t.Errorf("it took %s", took)
	}
	gone(t, filepath.Join(dir, "child"))
}

// gone waits for the end of the process whose number a file has.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// What a hook leaves running is ended with it, and does not hold it up.
func TestNothingIsLeftRunning(t *testing.T) {
	s := set(t, Options{})
	dir := t.TempDir()
	start := time.Now()
	if err := s.Before(t.Context(), in(dir, hook("sleep 600 & echo $! >child"))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	gone(t, filepath.Join(dir, "child"))
}

// The end of a run ends its hooks; its cause is said.
func TestTheEndOfTheRun(t *testing.T) {
	s := set(t, Options{})
	ctx, stop := context.WithCancelCause(t.Context())
	dir := t.TempDir()
	x := in(dir, hook("sleep 600 & echo $! >child; wait"), hook("touch later"))
	x.Observe = func(results.Hook) { time.AfterFunc(200*time.Millisecond, func() { stop(errors.New("interrupted")) }) }
	err := s.Before(ctx, x)
	if err == nil || !strings.Contains(err.Error(), "was ended: interrupted") {
		t.Errorf("%v", err)
	}
	gone(t, filepath.Join(dir, "child"))
	if err := s.Before(ctx, in(dir, hook("touch later"))); err == nil {
		t.Error("a hook was begun after the end")
	}
	if _, err := os.Stat(filepath.Join(dir, "later")); err == nil {
		t.Error("a hook was begun after the end")
	}
	// What cleans up goes on.
	if err := s.After(ctx, in(dir, hook("false"), hook("echo $KSRELEASE_OUTCOME >cleaned"))); err == nil {
		t.Error("no error of the one that failed")
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "cleaned")); string(text) != "not-reached\n" {
		t.Errorf("%q", text)
	}
}

// The hooks at the end are run once, and only if those of the beginning were; Kill ends all.
func TestEndOnce(t *testing.T) {
	s := set(t, Options{Before: []config.Hook{hook("false")}, After: []config.Hook{hook("echo $KSRELEASE_OUTCOME >>ended")}})
	if err := s.End(t.Context(), OutcomeOK, ignore); err != nil || len(s.Project()) > 0 {
		t.Errorf("%v", err)
	}
	s = set(t, s.options)
	if err := s.Begin(t.Context(), ignore); err == nil {
		t.Error("no error")
	}
	for range 2 {
		if err := s.End(t.Context(), OutcomeFailed, ignore); err != nil {
			t.Error(err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(s.options.Root, "ended")); string(text) != "failed\n" {
		t.Errorf("%q", text)
	}
	if all := s.Project(); len(all) != 2 || all[0].Status != results.StageFailed || all[1].Status != results.StageOK || all[1].Stage != results.StageAfter {
		t.Errorf("%+v", all)
	}
	dir := t.TempDir()
	x := in(dir, hook("sleep 600 & echo $! >child; wait"), hook("true"))
	x.Observe = func(results.Hook) { time.AfterFunc(200*time.Millisecond, s.Kill) }
	if err := s.Before(t.Context(), x); err == nil {
		t.Error("no error")
	}
	gone(t, filepath.Join(dir, "child"))
	if err := s.Before(t.Context(), in(dir, hook("true"))); err == nil || !strings.Contains(err.Error(), "the program ends") {
		t.Errorf("%v", err)
	}
}
