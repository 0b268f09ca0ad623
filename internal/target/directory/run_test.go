package directory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/directory"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
	"github.com/ksrelease/ksrelease/internal/testutil/storetest"
)

// A write is tried again, a read that fails is an error.
func retried(request, _ string) bool { return request == storetest.Change }

var requests = []string{storetest.Change, storetest.Read + "index.yaml", storetest.View, storetest.Read + "*"}

// Promises P2, P4 and P9 for a folder.
func TestRuns(t *testing.T) {
	runtest.Suite{
		Short: 40, Whole: 5000, Real: true, Once: retried,
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			dir := t.TempDir()
			store := storetest.New(sharedfiles.NewFolder(dir, "museum"))
			return runtest.Fixture{
				Place:    placeOf(t, store, "museum"),
				Break:    func(script string) { store.Break(t, script) },
				Requests: requests,
				Held: func() map[string][]byte {
					held := map[string][]byte{}
					files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
					must(t, err)
					for _, file := range files {
						data, err := os.ReadFile(file)
						must(t, err)
						held[filepath.Base(file)] = data
					}
					return held
				},
				Put: func(pkg *extension.Package) { put(t, sharedfiles.NewFolder(dir, ""), pkg) },
				Damage: func(file string) {
					data, err := os.ReadFile(filepath.Join(dir, file))
					must(t, err)
					data[len(data)-5] ^= 1
					must(t, os.WriteFile(filepath.Join(dir, file), data, 0o644))
				},
			}
		},
	}.Run(t)
}

// put publishes as somebody else; what is there already stays.
func put(t *testing.T, store sharedfiles.Store, pkg *extension.Package) {
	t.Helper()
	d, err := directory.New(directory.Options{Store: store, Shown: "museum"})
	must(t, err)
	defer d.Close()
	if _, err := d.Publish(t.Context(), pkg); err != nil && !strings.Contains(err.Error(), "already, as another package") {
		t.Fatal(err)
	}
}

func placeOf(t *testing.T, store sharedfiles.Store, shown string) target.Place {
	d, err := directory.New(directory.Options{Store: store, Shown: shown})
	must(t, err)
	return target.Place{Target: d, Name: "museum", Kind: "directory", URL: shown, Noun: "the folder", Shows: "its index.yaml"}
}

// The same on a branch.
func TestRunsOnABranch(t *testing.T) {
	runtest.Suite{
		Short: 8, Whole: 600, Real: true, Once: retried,
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			p := openPages(t, "")
			branch := func() *sharedfiles.Branch {
				b := sharedfiles.NewBranch(sharedfiles.BranchOptions{Home: p.work.Dir, Remote: "origin", Branch: "gh-pages"})
				t.Cleanup(func() { b.Close() })
				return b
			}
			store := storetest.New(branch())
			return runtest.Fixture{
				Place:    placeOf(t, store, "the branch"),
				Break:    func(script string) { store.Break(t, script) },
				Requests: requests,
				Held: func() map[string][]byte {
					held := map[string][]byte{}
					if !strings.Contains(gittest.Git(t, p.bare, "for-each-ref"), "gh-pages") {
						return held
					}
					checked := filepath.Join(t.TempDir(), "checked")
					gittest.Git(t, p.work.Dir, "clone", "-q", "--branch", "gh-pages", p.bare, checked)
					files, err := filepath.Glob(filepath.Join(checked, "*.tgz"))
					must(t, err)
					for _, file := range files {
						data, err := os.ReadFile(file)
						must(t, err)
						held[filepath.Base(file)] = data
					}
					return held
				},
				Put: func(pkg *extension.Package) { put(t, branch(), pkg) },
			}
		},
	}.Run(t)
}
