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
	for range 100 {
		r.Extensions[0].Findings = append(r.Extensions[0].Findings, results.Finding{Code: "a/b", Severity: "error", Message: strings.Repeat("long ", 190), File: "a.yaml"})
	}
	for _, form := range forms {
		if form == "dotenv" { // which always fits into what is left
			continue
		}
		path := filepath.Join(dir, "r")
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := NewFile(form+"="+path, Tool{})
		if err != nil {
			t.Fatal(err)
		}
		q := NewQueue(file)
		q.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
		if err := q.Close(); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", form, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Errorf("%s: %q, %v", form, data, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
