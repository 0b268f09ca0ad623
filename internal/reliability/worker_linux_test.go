package reliability

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// workerName is what a process calls itself that looks at extensions for another one
// (internal/worker).
const workerName = "ksrelease-worker"

// slowTemplate renders for some minutes where nobody ends it, and takes no memory.
const slowTemplate = "{{ $n := until 4000 }}{{ range $n }}{{ range $n }}{{ range (until 1000) }}{{ end }}{{ end }}{{ end }}"

// slowRepo has an extension that takes long to be looked at, and three that do not.
func slowRepo(t *testing.T) *monorepo {
	t.Helper()
	repo := writeMonorepo(t, members(4))
	repo.write(t, "extensions/e00/templates/slow.yaml", slowTemplate)
	return repo
}

// child is a process that another one has started.
type child struct {
	pid   int
	start string // when: a pid alone may be that of a later process
}

// childrenOf are the living and dead children of a process, by the name that they
// were started under.
func childrenOf(t *testing.T, parent int) map[child]string {
	t.Helper()
	found := map[child]string{}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(entries) == 0 {
		t.Fatal("no processes in /proc", err)
	}
	for _, dir := range entries {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		stat := statOf(pid)
		if len(stat) < 20 || stat[1] != strconv.Itoa(parent) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // empty where it is gone
		name, _, _ := bytes.Cut(line, []byte{0})
		found[child{pid, stat[19]}] = string(name)
	}
	return found
}

// statOf are the fields of /proc/PID/stat from the third on, which is the state:
// proc_pid_stat(5). It is nil where there is no such process.
func statOf(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.Fields(rest)
}

// isThere reports whether the process is there, if only as a zombie.
func (c child) isThere() bool {
	stat := statOf(c.pid)
	return len(stat) > 19 && stat[19] == c.start
}

// isAlive reports whether the process is there and is no zombie.
func (c child) isAlive() bool {
	stat := statOf(c.pid)
	return len(stat) > 19 && stat[19] == c.start && stat[0] != "Z"
}

// workersOf are the workers of a run, and whether one has used so much processor time
// that it must be at the slow template: all else takes some hundredths of a second.
func workersOf(t *testing.T, run *process) (workers []child, busy bool) {
	t.Helper()
	for c, name := range childrenOf(t, run.cmd.Process.Pid) {
		if name != workerName {
			continue
		}
		workers = append(workers, c)
		if stat := statOf(c.pid); len(stat) > 19 {
			hundredths, err := strconv.Atoi(stat[11])
			busy = busy || err == nil && hundredths >= 50
		}
	}
	return workers, busy
}

// atWork waits until a worker of the run is at work, and gives all of them.
func atWork(t *testing.T, run *process) []child {
	t.Helper()
	<-run.started
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-run.ended:
			t.Fatalf("the run ended before a worker was at work: %s", run.output())
		default:
		}
		if workers, busy := workersOf(t, run); busy {
			return workers
		}
	}
	t.Fatal("no worker came to work")
	return nil
}

// untilEnd waits for the end of a run, and gives all workers that it was seen to have.
func untilEnd(t *testing.T, run *process) (workers []child) {
	t.Helper()
	<-run.started
	for {
		now, _ := workersOf(t, run)
		workers = append(workers, now...)
		select {
		case <-run.ended:
			return workers
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// mustBeGone holds that no worker is left: a run waits for the end of its workers, so
// there is no zombie either.
func mustBeGone(t *testing.T, workers []child) {
	t.Helper()
	for _, c := range workers {
		if c.isThere() {
			t.Errorf("the worker %d is left: %v", c.pid, statOf(c.pid))
		}
	}
}

// soon is how long the end of a run may take that has nothing to wait for.
const soon = 20 * time.Second

// A run that is killed takes its workers with it: what they read ends.
func TestWorkersEndWithAKilledRun(t *testing.T) {
	place := newPlace(t, slowRepo(t))
	run := place.newProcess(t, "http://127.0.0.1:9", "lint").start()
	workers := atWork(t, run)
	run.kill()
	// Zombies are for the process that is now their parent.
	for deadline := time.Now().Add(soon); slices.ContainsFunc(workers, child.isAlive); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("of the workers %v one is left", workers)
		}
	}
}

// The first interrupt ends a run that is only looking at extensions, with the exit code
// of the signal, and nothing of it is left. The signal goes to all of its processes, as
// that of a terminal does.
func TestWorkersEndWithAnInterruptedRun(t *testing.T) {
	for _, command := range [][]string{{"lint"}, {"package"}, {"run", "--dry-run"}, {"run"}, {"run", "--all-or-nothing"}, {"status"}} {
		for _, by := range interrupts[:2] {
			if by.signal != os.Interrupt && command[0] != "lint" {
				continue
			}
			t.Run(strings.Join(command, "_")+"_by_"+by.name, func(t *testing.T) {
				t.Parallel()
				market := openMarket(t)
				place := newPlace(t, slowRepo(t))
				run := place.newProcess(t, market.listen("first"), command...)
				run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				run.start()
				workers := atWork(t, run)
				begun := time.Now()
				if err := syscall.Kill(-run.cmd.Process.Pid, by.signal.(syscall.Signal)); err != nil {
					t.Fatal(err)
				}
				if code := run.code(); code != by.code {
					t.Errorf("exit code %d: %s", code, run.output())
				}
				if took := time.Since(begun); took > soon {
					t.Errorf("it took %s", took)
				}
				mustBeGone(t, workers)
				// A run releases what is planned while others are looked at, unless it is all or
				// nothing: e01 alone does not wait for the slow one.
				mayRelease := slices.Equal(command, []string{"run"})
				for _, q := range market.record() {
					if q.class.writes() && (!mayRelease || q.extension != "e01") {
						t.Errorf("it was sent although not all that it waits for was looked at to the end: %s", q)
					}
				}
			})
		}
	}
}

// When the time of --timeout is up, every command that looks at extensions ends, says
// so and leaves no worker behind; what was looked at before has its outcome.
func TestWorkersEndWhenTimeIsUp(t *testing.T) {
	for _, command := range [][]string{{"lint"}, {"package"}, {"run", "--dry-run"}, {"status"}} {
		t.Run(strings.Join(command, "_"), func(t *testing.T) {
			t.Parallel()
			place := newPlace(t, slowRepo(t))
			run := place.newProcess(t, openMarket(t).listen("first"), append(slices.Clone(command), "--timeout", "2s")...)
			begun := time.Now()
			run.start()
			workers := untilEnd(t, run)
			if code := run.code(); code != 1 {
				t.Errorf("exit code %d: %s", code, run.output())
			}
			if took := time.Since(begun); took < 2*time.Second || took > 2*time.Second+soon {
				t.Errorf("it took %s", took)
			}
			if all := run.stdout.String() + run.stderr.String(); !strings.Contains(all, "--timeout of 2s is over") {
				t.Errorf("it does not say why: %s", run.output())
			}
			mustBeGone(t, workers)
		})
	}
}

// An extension that goes beyond lint.timeout fails, the others are released, and no
// worker is left.
func TestOneExtensionBeyondItsTime(t *testing.T) {
	repo := writeMonorepo(t, members(4))
	repo.write(t, "extensions/e01/templates/slow.yaml", slowTemplate)
	repo.write(t, ".ksrelease.yaml", strings.Replace(config, "  - path: extensions/*\n", "  - path: extensions/*\n  - {path: extensions/e01, lint: {timeout: 2s}}\n", 1))
	market := openMarket(t)
	place := newPlace(t, repo)
	run := place.newProcess(t, market.listen("first"), "run").start()
	workers := untilEnd(t, run)
	if code := run.code(); code != 1 {
		t.Errorf("exit code %d: %s", code, run.output())
	}
	mustBeGone(t, workers)
	for name, want := range map[string]int{"e00": 1, "e01": 0, "e02": 1, "e03": 0} { // e03 depends on e01
		if have := market.snapshots(name); len(have) != want {
			t.Errorf("%s: %+v in the marketplace, %d wanted: %s", name, have, want, run.output())
		}
	}
	all := run.stdout.String() + run.stderr.String()
	for _, text := range []string{"takes longer than 2s", "limits/time", "extensions/e01/templates/slow.yaml"} {
		if !strings.Contains(all, text) {
			t.Errorf("%q is not in %s", text, run.output())
		}
	}
	if strings.Contains(all, "goroutine") {
		t.Errorf("Go's own words are shown: %s", run.output())
	}
}
