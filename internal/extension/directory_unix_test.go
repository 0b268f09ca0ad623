//go:build unix

package extension

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func TestSpecialFiles(t *testing.T) {
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Skipf("skipped: a named pipe cannot be made here: %v", err)
	}
	_, err := Load(dir, Options{})
	wantError(t, err, "pipe is neither a file nor a folder (a named pipe): an extension holds only files; remove it or leave it out (.helmignore)")
	os.Remove(filepath.Join(dir, "pipe"))
	listener, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Skipf("skipped: a socket cannot be made here: %v", err)
	}
	defer listener.Close()
	_, err = Load(dir, Options{})
	wantError(t, err, "sock is neither a file nor a folder (a socket)")
}
