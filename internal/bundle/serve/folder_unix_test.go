//go:build unix

package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/bundle/serve"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
)

// A folder that is named by a link is read as itself.
func TestALinkToAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "charts")
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	if err := os.WriteFile(filepath.Join(dir, pkg.Filename), pkg.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := serve.NewFolder(dir)
	if err != nil || folder.Len() != 1 {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Error(err)
	}
}

// What only looks like a package keeps nobody waiting.
func TestAFolderWithAPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "alc-1.0.0.tgz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serve.NewFolder(dir); err == nil || !strings.Contains(err.Error(), "reading the package alc-1.0.0.tgz") {
		t.Error(err)
	}
}
