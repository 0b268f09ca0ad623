// Package storetest puts the faults of servers (internal/faults) before a store of files, so that
// targets which keep files are held to the same as those which ask a server.
//
// It is for tests: nothing that ships may import it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
)

// The requests of a store, as in a script of faults. A file is asked for by its name below Read.
const (
	Change = "PUT /change"
	View   = "GET /view"
	Read   = "GET /file/"
)

// Faulty is a store behind faults.
type Faulty struct {
	sharedfiles.Store
	mu    sync.Mutex
	front *faults.Handler
}

// New is a store with no faults yet.
func New(s sharedfiles.Store) *Faulty {
	return &Faulty{Store: s, front: faults.New(http.HandlerFunc(carryOut), nil)}
}

// Break puts a script of faults before it; an empty one takes them away.
func (f *Faulty) Break(t testing.TB, script string) {
	t.Helper()
	rules, err := faults.Parse("faults", script)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.front = faults.New(http.HandlerFunc(carryOut), rules)
}

// work is what a request stands for.
type work struct {
	do   func() ([]byte, error)
	err  error
	done bool
}

type workKey struct{}

func carryOut(w http.ResponseWriter, r *http.Request) {
	of := r.Context().Value(workKey{}).(*work)
	var data []byte
	data, of.err = of.do()
	of.done = true
	w.Header().Set("Work", "done")
	_, _ = w.Write(data)
}

// lost is the error of a write of which nobody knows whether it was done.
type lost struct{ error }

func (lost) InDoubt() bool { return true }

// ask carries something out behind the faults. What comes back may be something else.
func (f *Faulty) ask(ctx context.Context, method, path string, do func() ([]byte, error)) (data []byte, err error) {
	f.mu.Lock()
	front := f.front
	f.mu.Unlock()
	of := &work{do: do}
	answer := httptest.NewRecorder()
	broken := failure.WithHint(errors.New("the connection to the disk broke"), "see whether the disk is in order")
	defer func() {
		if recover() != nil {
			data, err = nil, broken
		}
		if err != nil && method == http.MethodPut && (of.err == nil || !of.done) {
			err = lost{err}
		}
	}()
	request, err := http.NewRequestWithContext(context.WithValue(ctx, workKey{}, of), method, "http://store.invalid"+path, nil)
	if err != nil {
		return nil, err
	}
	front.ServeHTTP(answer, request)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case answer.Header().Get("Work") != "" && of.err != nil:
		return nil, of.err
	case answer.Code/100 != 2:
		return nil, failure.WithHint(fmt.Errorf("the disk said %d", answer.Code), "see whether the disk is in order")
	case answer.Header().Get("Work") == "" && method == http.MethodPut:
		return nil, broken
	}
	return answer.Body.Bytes(), nil
}

// View may fail.
func (f *Faulty) View(ctx context.Context) (sharedfiles.View, error) {
	var inner sharedfiles.View
	_, err := f.ask(ctx, http.MethodGet, "/view", func() (_ []byte, err error) {
		inner, err = f.Store.View(ctx)
		return nil, err
	})
	if err == nil && inner == nil {
		err = failure.WithHint(errors.New("the disk gave something else"), "see whether the disk is in order")
	}
	if err != nil {
		return nil, err
	}
	return view{inner, f}, nil
}

// Change may fail, before it is done and after that.
func (f *Faulty) Change(ctx context.Context, edit func(context.Context, sharedfiles.View) (sharedfiles.Change, error)) error {
	_, err := f.ask(ctx, http.MethodPut, "/change", func() ([]byte, error) { return nil, f.Store.Change(ctx, edit) })
	return err
}

type view struct {
	sharedfiles.View
	store *Faulty
}

// Read may fail, or give something else.
func (v view) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, err := v.store.ask(ctx, http.MethodGet, "/file/"+name, func() ([]byte, error) { return v.View.Read(ctx, name, limit) })
	if data == nil && err == nil {
		data = []byte{}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	return data, err
}

// Replace has put make something else in the place of a file or a folder, and gives what puts back
// what was there. The folders above it are made.
func Replace(t testing.TB, path string, put func() error) (restore func()) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	_, err := os.Lstat(path)
	there := err == nil
	if there {
		must(os.Rename(path, path+"-moved"))
	}
	must(put())
	return func() {
		t.Helper()
		must(os.RemoveAll(path))
		if there {
			must(os.Rename(path+"-moved", path))
		}
	}
}

// Lock takes the lock of a folder, as another process does that changes it, and gives what gives it
// back.
func Lock(t testing.TB, dir string) (unlock func()) {
	t.Helper()
	locked, end := make(chan bool), make(chan bool)
	go func() {
		_ = sharedfiles.NewFolder(dir, "").Change(t.Context(), func(context.Context, sharedfiles.View) (sharedfiles.Change, error) {
			close(locked)
			<-end
			return sharedfiles.Change{}, nil
		})
	}()
	<-locked
	return func() { close(end) }
}
