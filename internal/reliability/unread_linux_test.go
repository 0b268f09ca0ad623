package reliability

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallPipe is a pipe that takes a page, so that it is full at once.
func smallPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// submittedAll waits until the server has taken the submission of every extension.
func (m *market) submittedAll(count int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		n := 0
		for _, q := range m.requests {
			if q.class == sendSubmit && q.taken() {
				n++
			}
		}
		if n == count {
			return
		}
		m.changed.Wait()
	}
}

// A pipe that nobody reads, as that of a terminal that was stopped, holds up no
// extension. Whoever reads it in the end has all that was printed, and who does not may
// end the program by a second signal.
func TestRunGoesOnWhileNobodyReads(t *testing.T) {
	repo := writeMonorepo(t, members(8))
	for _, format := range []string{"json", "text"} {
		for _, end := range []string{"read", "interrupted"} {
			t.Run(format+"_"+end, func(t *testing.T) {
				m, place := openMarket(t), newPlace(t, repo)
				run := place.newProcess(t, m.listen("one"), "run", "--output", format, "--report", place.file("run.jsonl"))
				outR, outW := smallPipe(t)
				errR, errW := smallPipe(t)
				if format == "text" { // what a run prints to standard error is less than a page
					if _, err := errW.Write(bytes.Repeat([]byte("\n"), 4000)); err != nil {
						t.Fatal(err)
					}
				}
				run.cmd.Stdout, run.cmd.Stderr = outW, errW
				run.start()
				_, _ = outW.Close(), errW.Close()
				m.submittedAll(len(repo.members))
				if end == "interrupted" {
					run.signal(syscall.SIGINT)
					time.Sleep(300 * time.Millisecond) // two at once are one
					run.signal(syscall.SIGINT)
					if code := run.code(); code != 130 {
						t.Errorf("exit code %d", code)
					}
					return
				}
				var out, errs []byte
				done := make(chan struct{})
				go func() {
					defer close(done)
					errs, _ = io.ReadAll(errR)
				}()
				out, err := io.ReadAll(outR)
				<-done
				if code := run.code(); code != 0 || err != nil {
					t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
				}
				last := map[string]string{"json": `"event":"run-finished"`, "text": "→ to follow the review: ksrelease status"}[format]
				if lines := bytes.Split(bytes.TrimSpace(out), []byte("\n")); !bytes.Contains(lines[len(lines)-1], []byte(last)) {
					t.Errorf("the last line is %.200q", lines[len(lines)-1])
				}
				if format == "text" && bytes.Count(errs, []byte("submitted")) != len(repo.members) {
					t.Errorf("%s", errs)
				}
			})
		}
	}
}
