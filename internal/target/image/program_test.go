package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target/image"
)

// What an image from nothing runs is looked for, and looked at, before it is pushed.
func TestProgramOfAnImage(t *testing.T) {
	dir := t.TempDir()
	if _, err := image.Program(dir, "linux/riscv64"); err == nil || !strings.Contains(failure.Hint(err), "ksrelease-linux-riscv64") {
		t.Errorf("a program that is not there: %v, %q", err, failure.Hint(err))
	}
	if err := os.WriteFile(filepath.Join(dir, "ksrelease-linux-riscv64"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := image.Program(dir, "linux/riscv64"); err == nil || !strings.Contains(err.Error(), "it is no program of Linux") || !strings.Contains(failure.Hint(err), "CGO_ENABLED=0") {
		t.Errorf("a script: %v, %q", err, failure.Hint(err))
	}
}
