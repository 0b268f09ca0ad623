package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/results"
)

// A disk that is full when a report is written is an error that names the report, and
// leaves the older one whole.
func TestReportOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 52<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	r := allOutcomes()
	r.Extensions[0].Reason = strings.Repeat("long ", 5000)
	for _, ending := range endings {
		path := filepath.Join(dir, "r"+ending)
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := NewFile(path, Tool{})
		if err != nil {
			t.Fatal(err)
		}
		q := NewQueue(file)
		q.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
		if err := q.Close(); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", ending, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Errorf("%s: %q, %v", ending, data, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
