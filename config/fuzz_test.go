package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// FuzzParse holds Parse to its promises for any input: no panic; a config that
// makes sense, or problems.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse(".ksrelease.yaml", src, environment)
		if err != nil {
			var problems diagnostic.List
			if c != nil || !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("no problems but %v", err)
			}
			checkCodes(t, err)
			return
		}
		if c.Parallelism < 1 || len(c.Entries) == 0 || c.Cloud.Server == "" || c.Repository.URL == "" {
			t.Fatalf("odd config: %+v", c)
		}
		for _, entry := range c.Entries {
			s := entry.Settings
			if entry.Path == "" || entry.Line == 0 || s.Size.Limit < 1 || s.Verify.Timeout <= 0 ||
				!filepath.IsAbs(s.Package.Output) || s.Push.Existing == "" || s.Push.Drift == "" || s.Verify.Until == "" {
				t.Fatalf("odd entry: %+v", entry)
			}
		}
	})
}
