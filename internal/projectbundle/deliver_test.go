package projectbundle

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
)

// A bundle that comes by standard input leaves nothing where temporary files are, even if the process is
// killed while it is read.
func TestStandardInputLeavesNoFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open keeps its name there")
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	stdin, sender, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() {
		_, _, err := Open(t.Context(), &app.App{Stdin: stdin}, []string{Stdin})
		over <- err
		stdin.Close() // which ends a write that nobody reads
	}()
	// A pipe holds less than that, so that a part is in the file.
	if _, err := sender.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	held := func() {
		t.Helper()
		if found, err := os.ReadDir(temporary); err != nil || len(found) > 0 {
			t.Errorf("%v, %v", found, err)
		}
	}
	held()
	sender.Close()
	if err := <-over; err == nil || !strings.Contains(err.Error(), "the bundle of standard input is refused") {
		t.Errorf("%v", err)
	}
	held()
}
