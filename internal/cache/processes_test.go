package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

// childDir is the variable with the folder in which this test binary writes entries until it is killed,
// and childSeed that with the number of the process.
const (
	childDir  = "KSRELEASE_TEST_CACHE_DIR"
	childSeed = "KSRELEASE_TEST_CACHE_SEED"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeForever(dir)
	}
	os.Exit(m.Run())
}

// contentFor is what every process keeps under a number: that of no other.
func contentFor(i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d\n", i), 1+i*i*7)
}

const numbers = 60

// ctxOfTest is that of processes without a test.
var ctxOfTest = context.Background()

// writeForever writes and reads entries, and ends with an error where one is wrong.
func writeForever(dir string) {
	seed, _ := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := 0; ; round++ {
		c, err := Open(Options{Dir: dir, Tool: "test", Limit: 4 << 20})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		for range 50 {
			if err := c.anything(random); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		c.Close(ctxOfTest)
		fmt.Println("round", round)
	}
}

// anything does one thing with an entry; what it reads has to be right, or not there.
func (c *Cache) anything(random *rand.Rand) error {
	i := random.IntN(numbers)
	k := c.Key("lint/1", fmt.Sprint(i))
	var got []byte
	there := false
	switch random.IntN(6) {
	case 0, 1:
		c.Put(ctxOfTest, k, contentFor(i))
		return nil
	case 2:
		w := c.Create("lint/1")
		for part := range bytes.Lines(contentFor(i)) {
			_, _ = w.Write(part)
		}
		w.Commit(k)
		return nil
	case 3:
		var blob *Blob
		if blob, there = c.Open(k); there {
			defer blob.Close()
			got, _ = io.ReadAll(blob)
		}
	default:
		got, there = c.Get(ctxOfTest, k)
	}
	if there && !bytes.Equal(got, contentFor(i)) {
		return fmt.Errorf("entry %d has %d bytes, and they are wrong", i, len(got))
	}
	return nil
}

// Processes that write, read and trim at the same time, and are killed in the middle of it, leave
// nothing that is read as something else, and nothing that stays for ever.
func TestProcessesThatAreKilled(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	killed := 0
	for wave := range 12 {
		var children []*exec.Cmd
		for i := range 3 {
			child := exec.Command(program)
			child.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childSeed, wave*10+i))
			var output bytes.Buffer
			child.Stdout, child.Stderr = &output, &output
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
		time.Sleep(time.Duration(100+wave*23) * time.Millisecond)
		for _, child := range children {
			_ = child.Process.Kill()
			_ = child.Wait()
			if child.ProcessState.ExitCode() > 0 { // by itself
				t.Fatalf("%v: %s", child.ProcessState, child.Stdout)
			}
			killed++
		}
	}
	c := opened(t, dir)
	kept := 0
	for i := range numbers {
		if got, ok := c.Get(t.Context(), c.Key("lint/1", fmt.Sprint(i))); ok {
			kept++
			if !bytes.Equal(got, contentFor(i)) {
				t.Errorf("entry %d has %d bytes, and they are wrong", i, len(got))
			}
		}
	}
	if kept < numbers/2 {
		t.Errorf("only %d of %d entries are there after %d processes", kept, numbers, killed)
	}
	// What they left unfinished goes with a trim of another day.
	later := opened(t, dir, func(o *Options) {
		o.Now = func() time.Time { return time.Now().Add(60 * 24 * time.Hour) }
	})
	later.Close(t.Context())
	noLeftovers(t, dir)
}

// A folder that may be read alone is of use, and what cannot be written is said once.
func TestFoldersThatAreOnlyRead(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		a := opened(t, dir)
		key := a.Key("lint/1", "a")
		a.Put(t.Context(), key, []byte("content"))
		a.Close(t.Context())
		for _, d := range []string{filepath.Join(dir, entriesName, "lint-1"), filepath.Join(dir, entriesName), dir} {
			if err := os.Chmod(d, 0o500); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(d, 0o700)
		}
		var said remarks
		b := opened(t, dir, func(o *Options) { o.Remark = func(_ About, s string) { said.add(s) } })
		want(t, b, key, "content")
		for i := range 3 {
			b.Put(t.Context(), b.Key("lint/1", fmt.Sprint(i)), nil)
			b.SetState("state", nil)
			b.Create("lint/1").Commit(key)
		}
		// Nothing is tried again by this process, whatever becomes of the folder.
		if err := os.Chmod(filepath.Join(dir, entriesName, "lint-1"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.Put(t.Context(), b.Key("lint/1", "later"), nil)
		wantMiss(t, b, b.Key("lint/1", "later"))
		b.Close(t.Context())
		if len(said.said) != 1 || said.said[0] != "the cache "+dir+" cannot be written, and stays as it is: permission denied" {
			t.Errorf("%q", said.said)
		}
		if err := Check(dir); err == nil {
			t.Error("it is said to be of use")
		}
	})
}
