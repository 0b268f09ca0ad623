package discover

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// Git reads each line as it is meant, and lines that are there are not written again.
func TestAttributes(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no git, or no such names")
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{"apps/a", "apps/b", "one/extension"} {
		put(t, filepath.Join(dir, "extension.yaml"))
	}
	text, added := Attributes(Extensions(t.Context(), "."), "*.png binary")
	if want := "*.png binary\n/apps/*/** text=auto eol=lf\n/one/extension/** text=auto eol=lf\n"; text != want || added != 2 {
		t.Errorf("%d: %s", added, text)
	}
	if again, more := Attributes(Extensions(t.Context(), "."), text); more != 0 || again != text {
		t.Errorf("again: %d: %s", more, again)
	}
	dirs := []string{"apps/a", "one/extension", "图 片/x", "a*b", `q"uote`, "tab\tbed", "$HOME", "{x}", "[y]"}
	for _, dir := range dirs {
		text += attributePattern(literal(dir)) + " " + lineEnds + "\n"
	}
	write(t, ".gitattributes", text)
	gittest.Git(t, ".", "init")
	for _, dir := range dirs {
		if got := gittest.Git(t, ".", "check-attr", "-z", "eol", "--", dir+"/charts/x/values.yaml"); !strings.HasSuffix(got, "\x00lf\x00") {
			t.Errorf("%q: %q", dir, got)
		}
	}
	for _, file := range []string{"other/file.txt", "aXb/x"} {
		if got := gittest.Git(t, ".", "check-attr", "-z", "eol", "--", file); !strings.HasSuffix(got, "\x00unspecified\x00") {
			t.Errorf("%q: %q", file, got)
		}
	}
}
