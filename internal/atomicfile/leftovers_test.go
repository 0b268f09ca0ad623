package atomicfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// What a killed writer left is removed; all that is of another name or kind stays.
func TestRemoveLeftoversRemovesItsOwnAlone(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, prefix+rand.Text())
	secret := filepath.Join(dir, "secret")
	stays := []string{secret, filepath.Join(dir, ".ksrelease-short"), filepath.Join(dir, prefix+rand.Text()+".yaml"), filepath.Join(dir, ".ksrelease.yaml")}
	for _, file := range append(stays, left) {
		if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, prefix+rand.Text())
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, prefix+rand.Text())
	if err := os.Symlink(secret, link); err == nil {
		stays = append(stays, link)
	}
	if err := RemoveLeftovers(dir); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(stays, folder) {
		if _, err := os.Lstat(file); err != nil {
			t.Errorf("%s is gone: %v", file, err)
		}
	}
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if err := RemoveLeftovers(filepath.Join(dir, "absent")); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// While others remove leftovers all the time, every write comes to its end.
func TestWritersAndRemoversAtOnce(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var removers, writers sync.WaitGroup
	for range 3 {
		removers.Add(1)
		go func() {
			defer removers.Done()
			for {
				select {
				case <-done:
					return
				default:
					if err := RemoveLeftovers(dir); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}()
	}
	content := bytes.Repeat([]byte("x"), 10_000)
	for range 4 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			file := filepath.Join(dir, rand.Text())
			for range 200 {
				if err := Write(file, content, 0o644); err != nil {
					t.Error(err)
					return
				}
				if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, %v", len(got), err)
					return
				}
			}
		}()
	}
	writers.Wait()
	close(done)
	removers.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// A file of a process that lives stays, and goes when the process has been killed.
func TestAFileOfALivingProcessStays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no locks to test")
	}
	dir := t.TempDir()
	left := filepath.Join(dir, prefix+rand.Text())
	const holding = "ATOMICFILE_HOLD"
	if path := os.Getenv(holding); path != "" {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil || lock(file, path) != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString("x")
		time.Sleep(time.Hour)
	}
	holder := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	holder.Env = append(os.Environ(), holding+"="+left)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := RemoveLeftovers(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(left); err != nil {
		t.Errorf("it was removed while its writer lived: %v", err)
	}
	_ = holder.Process.Kill()
	_ = holder.Wait()
	if err := RemoveLeftovers(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// A probe says whether a folder takes files, and leaves none.
func TestProbe(t *testing.T) {
	dir := t.TempDir()
	if err := Probe(dir); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if err := Probe(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
