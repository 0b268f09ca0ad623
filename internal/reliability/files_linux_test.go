package reliability

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promises P1, P2 and P10 for targets that keep files: a folder, a branch of a remote git
// repository, manifests.

// filing is such a kind of target.
type filing struct {
	name   string
	target string // of the config; MARKET is where it is
	// open makes an empty one, and gives where it is.
	open func(t testing.TB) string
	// watched are folders in which something changes while it is written to.
	watched func(at string) []string
	// held is what it has, by NAME-VERSION.tgz; it fails where what is there is not whole: that
	// must not be seen at any time.
	held func(t testing.TB, at string) map[string][]byte
}

var filings = []filing{
	{
		"folder", "{kind: directory, path: '${MARKET}'}",
		func(t testing.TB) string { return filepath.Join(scratch(t), "museum") },
		func(at string) []string { return []string{at} },
		func(t testing.TB, at string) map[string][]byte {
			return heldBy(t, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(at, name)) })
		},
	},
	{
		"branch", "{kind: directory, git: {branch: gh-pages, remote: '${MARKET}'}}",
		func(t testing.TB) string {
			gittest.Need(t)
			at := filepath.Join(scratch(t), "museum.git")
			if err := os.Mkdir(at, 0o755); err != nil {
				t.Fatal(err)
			}
			gittest.Git(t, at, "init", "-q", "--bare")
			gittest.Git(t, at, "config", "uploadpack.allowFilter", "true")
			return at
		},
		func(at string) []string {
			return []string{filepath.Join(at, "objects"), filepath.Join(at, "refs", "heads")}
		},
		func(t testing.TB, at string) map[string][]byte {
			if _, err := os.Stat(filepath.Join(at, "refs", "heads", "gh-pages")); err != nil {
				return nil
			}
			commit := gittest.Git(t, at, "rev-parse", "gh-pages")
			checked := filepath.Join(scratch(t), "checked")
			// By the protocol, and not by copying files: what a killed run has begun to push may be moved meanwhile.
			gittest.Git(t, filepath.Dir(checked), "clone", "-q", "--no-local", "--no-checkout", at, checked)
			gittest.Git(t, checked, "checkout", "-q", commit)
			return heldBy(t, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(checked, name)) })
		},
	},
	{
		"manifests", "{kind: manifests, path: '${MARKET}', files: one}",
		func(t testing.TB) string { return filepath.Join(scratch(t), "deploy") },
		func(at string) []string { return []string{at} },
		func(t testing.TB, at string) map[string][]byte {
			data, err := os.ReadFile(filepath.Join(at, "extensions.yaml"))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				t.Fatal(err)
			}
			held := map[string][]byte{}
			for _, of := range configMaps.FindAllSubmatch(data, -1) {
				pkg, err := base64.StdEncoding.DecodeString(string(of[1]))
				if name := string(of[2]); err != nil || held[name+".tgz"] != nil || !bytes.Contains(data, []byte("\nkind: ExtensionVersion\n")) || !bytes.Contains(data, []byte("  digest: "+digest(pkg)+"\n")) {
					t.Errorf("the documents of %s are not whole: %v", name, err)
				} else {
					held[name+".tgz"] = pkg
				}
			}
			if kinds := bytes.Count(data, []byte("\nkind: ExtensionVersion\n")); kinds != len(held) || bytes.Count(data, []byte("\nkind: Extension\n")) != len(held) {
				t.Errorf("%d versions have %d packages", kinds, len(held))
			}
			return held
		},
	},
}

var configMaps = regexp.MustCompile(`chart\.tgz: (\S+)\nkind: ConfigMap\nmetadata:\n  name: extension-(\S+)-chart\n`)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// heldBy are the packages that an index lists: each is there, with its digest, and each once.
func heldBy(t testing.TB, read func(name string) ([]byte, error)) map[string][]byte {
	t.Helper()
	text, err := read("index.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	index, err := helmrepo.Parse(text)
	if err != nil {
		t.Fatalf("the index is not whole: %v\n%s", err, text)
	}
	held := map[string][]byte{}
	for _, name := range index.Charts() {
		for _, entry := range index.Entries(name) {
			file := name + "-" + entry.Version + ".tgz"
			data, err := read(file)
			if err != nil || digest(data) != entry.Digest || held[file] != nil || len(entry.URLs) != 1 || entry.URLs[0] != file {
				t.Errorf("the index has %+v, of which the package is not there: %v", entry, err)
			}
			held[file] = data
		}
	}
	return held
}

// repo is a monorepo that releases to it.
func (f filing) repo(t testing.TB, n int) *monorepo {
	repo := writeMonorepo(t, members(n))
	repo.write(t, ".ksrelease.yaml", "version: 1\nextensions: [{path: extensions/*}]\ntargets: ["+f.target+"]\npackage: {output: '${DIST}'}\n")
	return repo
}

// run is a run into it.
func (f filing) run(t testing.TB, p *place, at, who string) *process {
	return p.newProcess(t, at, "run", "--output", "json", "--report", p.file(who+".json"))
}

// finishes runs a release to its end, and holds what is there then to what was to be released.
func (f filing) finishes(t testing.TB, p *place, at string) {
	t.Helper()
	last := f.run(t, p, at, "last")
	if last.run() != 0 {
		t.Error(last.output())
	}
	document := p.document(t, "last.json")
	if document == nil {
		t.Fatalf("no result document\n%s", last.output())
	}
	wrote := false
	for _, x := range document.Extensions {
		if x.Outcome != results.Released && x.Outcome != results.Exists {
			t.Errorf("%s is %s: %s", x.Name, x.Outcome, x.Reason)
		}
		wrote = wrote || x.Outcome == results.Released
	}
	held := f.held(t, at)
	for _, x := range p.repo.members {
		if packageOf(held[x.name+"-"+theVersion+".tgz"]) != x.name {
			t.Errorf("%s is not there", x.name)
		}
	}
	if len(held) != len(p.repo.members) {
		t.Errorf("%d packages are there", len(held))
	}
	// Where all is there, nothing is written, and so nothing is cleared away either.
	if left, _ := filepath.Glob(filepath.Join(at, ".ksrelease*")); len(left) > 0 && wrote {
		t.Errorf("left behind: %q", left)
	}
}

// P1: killed at any change of the files, and at any time, one more run finishes; at no time is
// anything there by half.
func TestKilledWhileFilesAreWritten(t *testing.T) {
	for _, f := range filings {
		t.Run(f.name, func(t *testing.T) {
			repo := f.repo(t, 6)
			at := f.open(t)
			clean := newPlace(t, repo)
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			var stops []func() int
			for _, dir := range f.watched(at) {
				stops = append(stops, changes(t, dir, func(change) {}))
			}
			began := time.Now()
			f.finishes(t, clean, at)
			took := time.Since(began)
			all := 0
			for _, stop := range stops {
				all += stop()
			}
			cases := soak.Cases(t, 10, 150)
			var killed atomic.Int64
			inTurn(cases, 4, func(i int) {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					at, p := f.open(t), newPlace(t, repo)
					if err := os.MkdirAll(at, 0o755); err != nil {
						t.Fatal(err)
					}
					victim := f.run(t, p, at, "first")
					var mu sync.Mutex
					left := i / 2 * all / max(1, cases/2)
					if i%2 == 0 { // at a change
						for _, dir := range f.watched(at) {
							changes(t, dir, func(change) {
								mu.Lock()
								defer mu.Unlock()
								if left--; left == -1 {
									victim.signal(os.Kill)
								}
							})
						}
					} else { // at a time
						timer := time.AfterFunc(rand.N(took), func() { victim.signal(os.Kill) })
						defer timer.Stop()
					}
					if victim.run() < 0 {
						killed.Add(1)
					}
					f.held(t, at)
					f.finishes(t, p, at)
				})
			})
			t.Logf("%d of %d were killed, %d changes", killed.Load(), cases, all)
		})
	}
}

// P10 and P2: many runs at once, each with an extension of its own and one that all have with other
// content. No version is lost, and of the one that all have, one is there and stays.
func TestManyRunsIntoFiles(t *testing.T) {
	for _, f := range filings {
		t.Run(f.name, func(t *testing.T) {
			many := soak.Cases(t, 10, 100)
			at := f.open(t)
			type one struct {
				p   *place
				run *process
			}
			runs := make([]one, many)
			for i := range runs {
				repo := f.repo(t, 0)
				for _, name := range []string{fmt.Sprintf("own%03d", i), "shared"} {
					repo.write(t, "extensions/"+name+"/extension.yaml", fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: %s\ndisplayName: {en: X}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n", name, theVersion))
					repo.write(t, "extensions/"+name+"/values.yaml", fmt.Sprintf("content: %d\n", i))
				}
				p := newPlace(t, repo)
				runs[i] = one{p, p.newProcess(t, at, "run", "--skip", "lint", "--report", p.file("run.json"), "--timeout", "10m")}
			}
			began := time.Now()
			for _, r := range runs {
				r.run.start()
			}
			released := 0
			for i, r := range runs {
				r.run.code()
				document := r.p.document(t, "run.json")
				if document == nil {
					t.Fatal(r.run.output())
				}
				for _, x := range document.Extensions {
					switch {
					case x.Name == "shared" && x.Outcome == results.Released:
						released++
					case x.Name == "shared" && x.Outcome == results.Drift:
					case x.Name == fmt.Sprintf("own%03d", i) && x.Outcome == results.Released:
					default:
						t.Errorf("%s is %s: %s %+v", x.Name, x.Outcome, x.Reason, x.Error)
					}
				}
			}
			t.Logf("%d runs at once in %s", many, time.Since(began))
			held := f.held(t, at)
			if len(held) != many+1 || released != 1 {
				t.Errorf("%d packages are there after %d runs, and one version was released %d times", len(held), many, released)
			}
		})
	}
}

// A full disk is an error that says so; what was there stays, and with space the same run works.
func TestFilesOnAFullDisk(t *testing.T) {
	for _, f := range filings {
		if f.name == "branch" {
			continue // its disk is that of the remote
		}
		t.Run(f.name, func(t *testing.T) {
			disk := t.TempDir()
			if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
				t.Skipf("no file system can be mounted here: %v", err)
			}
			defer func() { _ = unix.Unmount(disk, unix.MNT_DETACH) }()
			at := filepath.Join(disk, "files")
			first := f.repo(t, 2)
			f.finishes(t, newPlace(t, first), at)
			before := f.held(t, at)
			filler := filepath.Join(disk, "filler")
			file, err := os.Create(filler)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = file.Write(make([]byte, 1<<10))
			}
			file.Close()
			for space := range 4 { // pages, at each of which something else does not fit
				if info, err := os.Stat(filler); err != nil || os.Truncate(filler, info.Size()-int64(space*os.Getpagesize())) != nil {
					t.Fatal(err)
				}
				repo := f.repo(t, 8)
				p := newPlace(t, repo)
				run := f.run(t, p, at, "full")
				if code := run.run(); code != 1 && space == 0 || code > 1 {
					t.Error(run.output())
				}
				if space == 0 && !strings.Contains(run.stdout.String()+run.stderr.String(), "free some space") {
					t.Error(run.output())
				}
				for name, data := range before {
					if got := f.held(t, at)[name]; !bytes.Equal(got, data) {
						t.Errorf("%s has changed", name)
					}
				}
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			f.finishes(t, newPlace(t, f.repo(t, 8)), at)
		})
	}
}
