package nobody

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// id is that of the user nobody, and of the group of that name or of nogroup.
const id = 65534

func runChild(t *testing.T) {
	t.Helper()
	var names []string
	for _, part := range strings.Split(t.Name(), "/") {
		names = append(names, "^"+regexp.QuoteMeta(part)+"$")
	}
	cmd := exec.CommandContext(t.Context(), reachable(t), "-test.run", strings.Join(names, "/"), "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	cmd.Env = append(os.Environ(), "HOME=/nonexistent", "GOCOVERDIR=")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("as user %d: %v\n%s", id, err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("as user %d: %s", id, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("as user %d the test did not run:\n%s", id, out)
	}
}

// reachable is a copy of the test binary where everybody may read it: the go command
// builds it in a folder that is root's alone.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	path := filepath.Join(dir, "test")
	copied, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(copied, self)
	if err := errors.Join(err, copied.Close(), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}
