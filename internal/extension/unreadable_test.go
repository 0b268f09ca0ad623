package extension

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// What may not be read is named, with what to do about it. .helmignore is no advice for
// what the extension cannot do without.
func TestUnreadableFilesHaveAHint(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		dir := trees.Write(t, map[string]string{
			MetadataFile: smallMetadata, ".helmignore": "*.bak\n", "values.yaml": "a: 1\n", "templates/cm.yaml": "a: 1\n", "old.bak": "x",
		})
		archive := filepath.Join(t.TempDir(), "demo-1.0.0.tgz")
		if err := errors.Join(os.WriteFile(archive, nil, 0o644), os.Symlink("templates/cm.yaml", filepath.Join(dir, "link.yaml"))); err != nil {
			t.Fatal(err)
		}
		const make, leaveOut = "make it readable to the user that runs ksrelease", ", or leave it out of the package with .helmignore"
		for _, c := range []struct{ load, closed, want, hint string }{
			{dir, "templates/cm.yaml", ": reading link.yaml: permission denied", make + leaveOut},
			{dir, "values.yaml", ": reading values.yaml: permission denied", make + leaveOut},
			{dir, "templates", ": following the link link.yaml: permission denied", make + leaveOut},
			{dir, MetadataFile, ": reading extension.yaml: permission denied", make},
			{dir, ".helmignore", ": reading .helmignore: permission denied", make},
			{dir, ".", ": permission denied", make},
			{archive, "", ": permission denied", make},
			{dir, "old.bak", "", ""}, // it is not read
		} {
			at := filepath.Join(c.load, c.closed)
			info, err := os.Stat(at)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(at, 0); err != nil {
				t.Fatal(err)
			}
			_, err = Load(c.load, Options{Display: "apps/demo"})
			if err := os.Chmod(at, info.Mode()); err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if err != nil {
					t.Errorf("%s: %v", c.closed, err)
				}
				continue
			}
			var advised interface{ Hint() string }
			if err == nil || !strings.HasSuffix(err.Error(), "apps/demo"+c.want) || !errors.As(err, &advised) || advised.Hint() != c.hint {
				t.Errorf("%s %s: %v", c.load, c.closed, err)
			}
		}
	})
}

// What to do goes by the cause, not by the words of the system.
func TestReadErrorsHaveAHintForTheirCause(t *testing.T) {
	for _, c := range []struct {
		doing string
		cause error
		want  string
	}{
		{"", fs.ErrNotExist, "name a directory with an extension.yaml, or a package .tgz"},
		{"reading a.yaml", fs.ErrNotExist, "it was removed while the extension was read: run the command again"},
		{"reading a.yaml", errors.New("input/output error"), "check the file and the disk that it is on, then run the command again"},
	} {
		err := cannotRead(c.doing, &fs.PathError{Op: "open", Path: "/somewhere/a.yaml", Err: c.cause})
		var advised interface{ Hint() string }
		if !errors.As(err, &advised) || advised.Hint() != c.want || strings.Contains(err.Error(), "somewhere") || !errors.Is(err, c.cause) {
			t.Errorf("%q, %v: %v, hint %q", c.doing, c.cause, err, advised.Hint())
		}
	}
}
