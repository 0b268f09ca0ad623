// Package nobody runs a test as a user without rights. Root reads whatever the modes of
// files say, and owns what it makes under user id 0, so that a test which is about either
// would show nothing where tests run as root, as they do in containers.
//
// It is for tests: nothing that ships may import it.
package nobody

import (
	"os"
	"runtime"
	"testing"
)

// Run runs a test as somebody who is not root: at once where that is the case already,
// else in a process of its own, which is the test binary with this one test. check
// must not use what was made before it, such as a folder of root's.
// Where modes of files keep nobody from anything, on Windows, it is skipped.
func Run(t *testing.T, check func(t *testing.T)) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("modes of files keep nobody from anything here")
	}
	if os.Geteuid() != 0 {
		check(t)
		return
	}
	runChild(t)
}
