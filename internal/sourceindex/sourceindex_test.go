package sourceindex

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// shelf is a Store in memory.
type shelf struct {
	mu sync.Mutex
	is map[string][]byte
}

func (s *shelf) State(name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.is[name]
	return data, ok
}

func (s *shelf) SetState(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.is[name] = data
}

const demo = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\nicon: static/icon.svg\n"

func demoTree(t testing.TB) string {
	return trees.Write(t, map[string]string{
		"extension.yaml": demo, "values.yaml": "a: 1\n", ".helmignore": "node_modules/\n*.bak\n",
		"templates/a.yaml": "kind: A\n", "templates/b.yaml": "kind: B\n", "static/icon.svg": "<svg/>", "node_modules/x/y.js": "1", "old.bak": "b",
	})
}

// quick is an index for tests, which waits for a tick of the clock and no longer.
func quick(s *shelf) *Index {
	x := Open(s, "/project")
	x.settle = 12 * time.Millisecond
	return x
}

// learn reads an extension and remembers all that can be known of it.
func learn(t testing.TB, x *Index, dir string, ignored ...string) *extension.Summary {
	t.Helper()
	ext, err := x.Load(dir, extension.Options{Ignore: ignored})
	if err != nil {
		t.Fatal(err)
	}
	known := full(ext)
	x.Learn(dir, known)
	x.Save()
	return known
}

func full(ext *extension.Extension) *extension.Summary {
	ext.ContentDigest()
	extension.TreeDigest(ext)
	return extension.Summarize(ext)
}

// rest waits until what was written is older than a tick of the clock.
func rest() { time.Sleep(20 * time.Millisecond) }

func TestRecallsWhatHasNotChanged(t *testing.T) {
	dir := demoTree(t)
	s := &shelf{is: map[string][]byte{}}
	rest()
	known := learn(t, quick(s), dir)
	if got := quick(s).Recall(dir, nil); got == nil || !reflect.DeepEqual(got, known) {
		t.Fatalf("recalled %+v, want %+v", got, known)
	}
	if known.ContentDigest == "" || known.Tree == "" || len(known.Assets) != 1 || known.Assets[0].Data != nil {
		t.Errorf("known: %+v", known)
	}
	// What is below the extension and left out by the settings is another reading; what is elsewhere is not.
	if quick(s).Recall(dir, []string{filepath.Join(dir, "static")}) != nil {
		t.Error("recalled for other settings")
	}
	if quick(s).Recall(dir, []string{filepath.Join(t.TempDir(), "dist")}) == nil {
		t.Error("not recalled, because of a folder elsewhere")
	}
	if Open(s, "/another").Recall(dir, nil) != nil {
		t.Error("recalled for another project")
	}
	if (*Index)(nil).Recall(dir, nil) != nil {
		t.Error("recalled by none")
	}
}

// What could have changed within the tick in which it was read is not remembered.
func TestForgetsWhatIsFresh(t *testing.T) {
	dir := demoTree(t)
	s := &shelf{is: map[string][]byte{}}
	x := Open(s, "/project")
	learn(t, x, dir)
	if x.Recall(dir, nil) != nil {
		t.Error("recalled what was written just before it was read")
	}
}

// Each way to change a tree is seen, whatever sizes and modification times say.
func TestSeesEveryChange(t *testing.T) {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	changes := map[string]func(dir string) error{
		"other content, same size and time": func(dir string) error {
			info, err := os.Stat(filepath.Join(dir, "values.yaml"))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, "values.yaml"), []byte("a: 2\n"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(filepath.Join(dir, "values.yaml"), info.ModTime(), info.ModTime())
		},
		"another file in its place, same size and time": func(dir string) error {
			other := filepath.Join(dir, "..", filepath.Base(dir)+".other")
			if err := os.WriteFile(other, []byte("a: 3\n"), 0o644); err != nil {
				return err
			}
			info, err := os.Stat(filepath.Join(dir, "values.yaml"))
			if err != nil {
				return err
			}
			if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
				return err
			}
			return os.Rename(other, filepath.Join(dir, "values.yaml"))
		},
		"two files exchanged": func(dir string) error {
			a, b, c := filepath.Join(dir, "templates/a.yaml"), filepath.Join(dir, "templates/b.yaml"), filepath.Join(dir, "templates/c.yaml")
			for _, pair := range [][2]string{{a, c}, {b, a}, {c, b}} {
				if err := os.Rename(pair[0], pair[1]); err != nil {
					return err
				}
			}
			return nil
		},
		"a new file":             func(dir string) error { return os.WriteFile(filepath.Join(dir, "templates/c.yaml"), nil, 0o644) },
		"a new file in the past": func(dir string) error { return write(filepath.Join(dir, "templates/c.yaml"), at) },
		"a file removed":         func(dir string) error { return os.Remove(filepath.Join(dir, "templates/b.yaml")) },
		"a file renamed": func(dir string) error {
			return os.Rename(filepath.Join(dir, "values.yaml"), filepath.Join(dir, "Values.yaml"))
		},
		".helmignore": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".helmignore"), []byte("*.bak\n"), 0o644)
		},
		".helmignore gone":        func(dir string) error { return os.Remove(filepath.Join(dir, ".helmignore")) },
		"a file that is left out": func(dir string) error { return os.WriteFile(filepath.Join(dir, "new.bak"), nil, 0o644) },
		"one in such a folder":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "node_modules/x/z.js"), nil, 0o644) },
		"a link in place of a file": func(dir string) error {
			if err := os.Rename(filepath.Join(dir, "values.yaml"), filepath.Join(dir, "v.yaml")); err != nil {
				return err
			}
			return os.Symlink("v.yaml", filepath.Join(dir, "values.yaml"))
		},
		"a hard link, and a write by it": func(dir string) error {
			other := filepath.Join(dir, "..", filepath.Base(dir)+".hard")
			if err := os.Link(filepath.Join(dir, "values.yaml"), other); err != nil {
				return err
			}
			return os.WriteFile(other, []byte("a: 9\n"), 0o644)
		},
		"another mode": func(dir string) error { return os.Chmod(filepath.Join(dir, "values.yaml"), 0o600) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := demoTree(t)
			s := &shelf{is: map[string][]byte{}}
			rest()
			learn(t, quick(s), dir)
			if quick(s).Recall(dir, nil) == nil {
				t.Fatal("not recalled before the change")
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			if quick(s).Recall(dir, nil) != nil {
				t.Error("recalled after the change")
			}
		})
	}
}

func write(path string, at time.Time) error {
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
}

// Links are looked at anew: where they lead may change without them.
func TestFollowsLinksAnew(t *testing.T) {
	dir := demoTree(t)
	for link, to := range map[string]string{"docs": "static", "readme": "values.yaml", "gone.bak": "nothing"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	outer := filepath.Join(t.TempDir(), "source")
	if err := os.Symlink(dir, outer); err != nil {
		t.Fatal(err)
	}
	s := &shelf{is: map[string][]byte{}}
	rest()
	learn(t, quick(s), outer)
	if quick(s).Recall(outer, nil) == nil {
		t.Fatal("not recalled")
	}
	if err := os.Mkdir(filepath.Join(dir, "nothing"), 0o755); err != nil { // where a link leads that is left out
		t.Fatal(err)
	}
	if quick(s).Recall(outer, nil) != nil {
		t.Error("recalled although a link leads elsewhere")
	}
	rest()
	learn(t, quick(s), outer)
	if err := os.Remove(outer); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(demoTree(t), outer); err != nil {
		t.Fatal(err)
	}
	if quick(s).Recall(outer, nil) != nil {
		t.Error("recalled although the source is another folder")
	}
}

// An index that is damaged, or of a clock that went back, knows nothing.
func TestKnowsNothingFromDamage(t *testing.T) {
	dir := demoTree(t)
	s := &shelf{is: map[string][]byte{}}
	rest()
	learn(t, quick(s), dir)
	x := quick(s)
	x.now = func() time.Time { return time.Now().Add(-time.Hour) }
	if x.Recall(dir, nil) != nil {
		t.Error("recalled in the past")
	}
	whole := s.is["sources /project"]
	for n := range len(whole) {
		if got := decode(whole[:n]); len(got) != 0 {
			t.Fatalf("read %d records of the first %d bytes", len(got), n)
		}
	}
	for range 2000 { // changed bytes are for the store to see; here nothing may break
		damaged := []byte(string(whole))
		damaged[rand.IntN(len(damaged))] ^= byte(1 + rand.IntN(255))
		s.is["sources /project"] = damaged
		quick(s).Recall(dir, nil)
	}
}

// A reading that failed, one of a file that cannot be read, and one that is not like its summary are
// not remembered.
func TestRemembersNoFailure(t *testing.T) {
	dir := demoTree(t)
	s := &shelf{is: map[string][]byte{}}
	rest()
	learn(t, quick(s), dir)
	if err := os.Remove(filepath.Join(dir, "extension.yaml")); err != nil {
		t.Fatal(err)
	}
	rest()
	x := quick(s)
	if _, err := x.Load(dir, extension.Options{}); err == nil {
		t.Fatal("no error")
	}
	if x.Recall(dir, nil) != nil {
		t.Error("recalled")
	}
}

// What is recalled after a random history is what is read, and what is not recalled is read.
func TestRandomHistories(t *testing.T) {
	n := soak.Cases(t, 60, 10000)
	slots := make(chan bool, 32)
	var all sync.WaitGroup
	var recalled, asked int
	var mu sync.Mutex
	for seed := range n {
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			r, a := history(t, uint64(seed))
			mu.Lock()
			recalled, asked = recalled+r, asked+a
			mu.Unlock()
		})
	}
	all.Wait()
	if recalled == 0 || recalled == asked {
		t.Errorf("recalled %d of %d times: this tests nothing", recalled, asked)
	}
	t.Logf("recalled %d of %d times", recalled, asked)
}

func history(t *testing.T, seed uint64) (recalled, asked int) {
	random := rand.New(rand.NewPCG(seed, 14))
	dir := demoTree(t)
	s := &shelf{is: map[string][]byte{}}
	var done []string
	for range 12 {
		done = append(done, change(random, dir))
		if random.IntN(2) == 0 {
			rest()
		}
		var ignored []string
		if random.IntN(4) == 0 {
			ignored = []string{filepath.Join(dir, "templates")}
		}
		x := quick(s)
		got := x.Recall(dir, ignored)
		ext, err := x.Load(dir, extension.Options{Ignore: ignored})
		asked++
		switch {
		case got == nil && err == nil:
			x.Learn(dir, full(ext))
			x.Save()
		case got != nil && err != nil:
			t.Errorf("seed %d: recalled what fails: %v; %s", seed, err, strings.Join(done, ", "))
		case got != nil:
			recalled++
			if want := full(ext); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d: recalled\n%+v, and read\n%+v; %s", seed, got, want, strings.Join(done, ", "))
			}
		}
	}
	return recalled, asked
}

// change does something to a tree, or nothing. Errors are none: what is not there cannot be changed.
func change(random *rand.Rand, dir string) string {
	files := []string{"values.yaml", "templates/a.yaml", "templates/b.yaml", "static/icon.svg", "old.bak", ".helmignore", "node_modules/x/y.js", "docs/c.md"}
	one, two := filepath.Join(dir, files[random.IntN(len(files))]), filepath.Join(dir, files[random.IntN(len(files))])
	contents := []string{"a: 1\n", "a: 2\n", "*.bak\n", "templates/b*\n", "<svg/>", ""}
	text := []byte(contents[random.IntN(len(contents))])
	past := time.Now().Add(-time.Duration(random.IntN(1000)) * time.Hour)
	_ = os.MkdirAll(filepath.Dir(one), 0o755)
	switch random.IntN(13) {
	case 0:
		return fmt.Sprint("write ", one, os.WriteFile(one, text, 0o644))
	case 1:
		info, err := os.Lstat(one)
		_ = os.WriteFile(one, text, 0o644)
		if err == nil {
			_ = os.Chtimes(one, info.ModTime(), info.ModTime())
		}
		return "write at the time before " + one
	case 2:
		return fmt.Sprint("touch ", one, os.Chtimes(one, past, past))
	case 3:
		return fmt.Sprint("rename ", one, two, os.Rename(one, two))
	case 4:
		return fmt.Sprint("remove ", one, os.Remove(one))
	case 5:
		return fmt.Sprint("link ", one, two, os.Link(one, two))
	case 6:
		_ = os.Remove(one)
		return fmt.Sprint("symlink ", one, two, os.Symlink(two, one))
	case 7:
		return fmt.Sprint("chmod ", one, os.Chmod(one, []os.FileMode{0o644, 0o600, 0o755}[random.IntN(3)]))
	case 8: // the whole folder anew, as a checkout that restores times
		_ = os.RemoveAll(dir + ".copy")
		_ = os.CopyFS(dir+".copy", os.DirFS(dir))
		_ = os.RemoveAll(dir)
		return fmt.Sprint("copy ", os.Rename(dir+".copy", dir))
	case 9:
		return fmt.Sprint("folder away ", os.Rename(filepath.Join(dir, "templates"), filepath.Join(dir, "t")), os.Rename(filepath.Join(dir, "t"), filepath.Join(dir, "templates")))
	}
	return "nothing"
}
