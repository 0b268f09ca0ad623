package reliability

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// localRun is a run with --local, which has its marketplace beside the config.
func localRun(t *testing.T, repo *monorepo, who string) *process {
	t.Helper()
	p := newPlace(t, repo)
	return p.newProcess(t, "http://127.0.0.1:1", "run", "--local", "--output", "json", "--report", p.file(who+".json"))
}

// held starts a process whose events nobody reads, but for the beginning of the
// first. What it has to tell does not fit into the pipe, so it cannot end before
// goOn is called.
func (p *process) held() (goOn func()) {
	p.t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stdout = writer
	p.start()
	if err := writer.Close(); err != nil {
		p.t.Fatal(err)
	}
	if _, err := io.CopyN(&p.stdout, reader, 1); err != nil {
		p.t.Fatalf("no event: %v; %s", err, p.output())
	}
	return func() {
		p.t.Helper()
		if _, err := io.Copy(&p.stdout, reader); err != nil {
			p.t.Error(err)
		}
		_ = reader.Close()
	}
}

// refused checks that a run says that its marketplace is in use, and what to do,
// and has sent nothing.
func refused(t *testing.T, repo *monorepo, run *process) {
	t.Helper()
	want := fmt.Sprintf("ksrelease: opening marketplace %s: another process is using it; wait for it to end, or choose another directory\n", shelf(repo))
	if run.code() != 1 || run.stderr.String() != want || run.stdout.String() != "" {
		t.Errorf("the run that came second: %s\nwant exit code 1 and %s", run.output(), want)
	}
}

// shelf is where the local marketplace of a project is.
func shelf(repo *monorepo) string { return filepath.Join(repo.dir, ".ksrelease", "marketplace") }

// ended checks how each extension of a run ended, and its exit code.
func ended(t *testing.T, repo *monorepo, run *process, one ...results.Outcome) {
	t.Helper()
	seen := 0
	for _, e := range run.events() {
		if e.Ended == nil {
			continue
		}
		seen++
		fits := false
		for _, outcome := range one {
			fits = fits || e.Ended.Outcome == outcome
		}
		if !fits {
			t.Errorf("%s is %s, not %v: %s", e.Extension, e.Ended.Outcome, one, e.Ended.Reason)
		}
	}
	if run.code() != 0 || seen != len(repo.members) {
		t.Errorf("%d of %d extensions ended; %s", seen, len(repo.members), run.output())
	}
}

// unharmed checks that one more run finds all of it there, and that the folder holds
// each extension once, submitted.
func unharmed(t *testing.T, repo *monorepo) {
	t.Helper()
	last := localRun(t, repo, "last")
	last.run()
	ended(t, repo, last, results.Exists)
	store, err := marketplace.Open(shelf(repo), marketplace.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	m := &market{t: t, store: store}
	for _, x := range repo.members {
		if s := m.snapshots(x.name); len(s) != 1 || s[0].Status != target.StatusSubmitted {
			t.Errorf("%s has the snapshots %+v, not one that is submitted", x.name, s)
		}
	}
}

// One folder has one process: a run with --local that comes while another is at work
// is refused and told what to do, and the other is not disturbed.
func TestASecondLocalRunIsRefused(t *testing.T) {
	repo := writeMonorepo(t, members(8))
	first := localRun(t, repo, "first")
	goOn := first.held()
	second := localRun(t, repo, "second")
	second.run()
	refused(t, repo, second)
	goOn()
	ended(t, repo, first, results.Released)
	unharmed(t, repo)
}

// Two runs with --local that start at one moment: at least one releases all, and one
// that lost the race for the folder is refused. Nothing in the folder suffers.
func TestTwoLocalRunsStartAtOnce(t *testing.T) {
	short := 4
	if testing.Short() {
		short = 2
	}
	refusals := 0
	cases := soak.Cases(t, short, 100)
	for i := range cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			repo := writeMonorepo(t, members(4))
			runs := []*process{localRun(t, repo, "A"), localRun(t, repo, "B")}
			for _, run := range runs {
				run.start()
			}
			finished := 0
			for _, run := range runs {
				if run.code() != 0 {
					refused(t, repo, run)
					refusals++
					continue
				}
				ended(t, repo, run, results.Released, results.Exists)
				finished++
			}
			if finished == 0 {
				t.Error("each has refused the other")
			}
			unharmed(t, repo)
		})
	}
	t.Logf("%d pairs of runs, %d refused", cases, refusals)
}

// Where somebody serves the folder, both runs go there, and both end well.
func TestTwoLocalRunsWithOneServed(t *testing.T) {
	repo := writeMonorepo(t, members(8))
	server := newPlace(t, repo).newProcess(t, "http://127.0.0.1:1", "marketplace", "serve", "--addr", "127.0.0.1:0")
	ready := server.stderr.once("Ctrl-C ends it.", 1)
	server.start()
	select {
	case <-ready:
	case <-server.ended:
		t.Fatal(server.output())
	}
	runs := []*process{localRun(t, repo, "A"), localRun(t, repo, "B")}
	for _, run := range runs {
		run.start()
	}
	for _, run := range runs {
		ended(t, repo, run, results.Released, results.Exists)
	}
	server.signal(os.Interrupt)
	if server.code() != 0 || strings.Contains(server.stderr.String(), "ksrelease:") {
		t.Error(server.output())
	}
	unharmed(t, repo)
}
