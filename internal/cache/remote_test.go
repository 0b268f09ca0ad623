package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a remote of a test. Its functions may be nil.
type fake struct {
	mu       sync.Mutex
	entries  map[string][]byte
	fetch    func(ctx context.Context, entry []byte) ([]byte, error)
	store    func(ctx context.Context) error
	readOnly bool
	address  string
	asked    int
	closed   bool
}

func (f *fake) Address() string { return "fake" + f.address }
func (f *fake) ReadOnly() bool  { return f.readOnly }
func (f *fake) Close()          { f.closed = true }

func (f *fake) Fetch(ctx context.Context, kind, name string, limit int64) ([]byte, error) {
	f.mu.Lock()
	f.asked++
	entry := f.entries[kind+"/"+name]
	f.mu.Unlock()
	if f.fetch != nil {
		return f.fetch(ctx, entry)
	}
	return entry, nil
}

func (f *fake) Store(ctx context.Context, kind, name string, entry []byte) error {
	if f.store != nil {
		if err := f.store(ctx); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries == nil {
		f.entries = map[string][]byte{}
	}
	f.entries[kind+"/"+name] = entry
	return nil
}

// remarks are what a cache has said.
type remarks struct {
	mu   sync.Mutex
	said []string
}

func (r *remarks) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, s)
}

// with is a cache of one machine with a remote.
func with(t *testing.T, f *fake, said *remarks) *Cache {
	t.Helper()
	return opened(t, t.TempDir(), func(o *Options) {
		o.Remote = f
		if said != nil {
			o.Remark = func(_ About, s string) { said.add(s) }
		}
	})
}

func TestMachinesShare(t *testing.T) {
	f := &fake{}
	a := with(t, f, nil)
	key := a.Key("lint/1", "a")
	a.Put(t.Context(), key, []byte("content"))
	a.Local().Put(t.Context(), a.Key("lint/1", "secret"), []byte("stays"))
	a.SetState("tree", []byte("stays"))
	a.Close(t.Context())
	if len(f.entries) != 1 || !f.closed {
		t.Errorf("%d entries, closed: %v", len(f.entries), f.closed)
	}
	f.readOnly = true
	b := with(t, f, nil)
	want(t, b, key, "content")
	asked := f.asked
	want(t, b, key, "content") // from this machine, the second time
	if f.asked != asked || b.Stats() != (Stats{Hits: 2, Remote: 2, Kept: 1}) {
		t.Errorf("asked %d times more, %+v", f.asked-asked, b.Stats())
	}
	wantMiss(t, b, b.Key("lint/1", "b"))
	b.Put(t.Context(), b.Key("lint/1", "b"), nil)
	b.Close(t.Context())
	if len(f.entries) != 1 {
		t.Error("something was sent to a remote that is read alone")
	}
}

// What a remote has said is not believed by a run without it, or with another one.
func TestARemoteIsBelievedByWhoNamesIt(t *testing.T) {
	dir := t.TempDir()
	here := func(f *fake) *Cache {
		return opened(t, dir, func(o *Options) {
			if f != nil {
				o.Remote = f
			}
		})
	}
	key := here(nil).Key("lint/1", "a")
	hostile := &fake{entries: map[string][]byte{"lint-1/" + key.name(): seal(key, []byte("no findings"))}, address: "/hostile"}
	want(t, here(hostile), key, "no findings")
	wantMiss(t, here(nil), key)
	wantMiss(t, here(&fake{}), key)
	if _, ok := here(hostile).Open(key); ok {
		t.Error("it opens")
	}
	here(nil).Put(t.Context(), key, []byte("found here"))
	want(t, here(hostile), key, "found here")
}

// Entries that are damaged, of another key, or no entries at all are none.
func TestARemoteThatLies(t *testing.T) {
	f := &fake{entries: map[string][]byte{}}
	c := with(t, f, nil)
	key := c.Key("lint/1", "a")
	at := "lint-1/" + key.name()
	good := seal(key, []byte("content"))
	for name, entry := range map[string][]byte{
		"empty": {}, "cut": good[:len(good)-1], "of another": seal(c.Key("lint/1", "b"), []byte("content")), "html": []byte("<html>"),
		"changed": append(good[:len(good)-1:len(good)-1], 'x'), "longer": append(good[:len(good):len(good)], 'x'),
	} {
		f.entries[at] = entry
		if got, ok := c.Get(t.Context(), key); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
	f.entries[at] = good
	want(t, c, key, "content")
}

// A remote that does not answer costs its patience once, for all that ask at the same time.
func TestARemoteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said remarks
		f := &fake{fetch: func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }}
		c := with(t, f, &said)
		began := time.Now()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				wantMiss(t, c, c.Key("lint/1", fmt.Sprint(i)))
				wantMiss(t, c, c.Key("lint/2", fmt.Sprint(i)))
			})
		}
		all.Wait()
		if took := time.Since(began); took != fetchPatience || f.asked != 100 {
			t.Errorf("%s, asked %d times", took, f.asked)
		}
		c.Put(t.Context(), c.Key("lint/1"), nil) // is not sent
		c.Close(t.Context())
		if len(f.entries) > 0 || len(said.said) != 1 || !strings.Contains(said.said[0], "the remote cache fake is not used any more by this command: it does not answer within 2s") {
			t.Errorf("%d entries, %q", len(f.entries), said.said)
		}
	})
}

func TestARemoteThatFails(t *testing.T) {
	var said remarks
	f := &fake{fetch: func(context.Context, []byte) ([]byte, error) { return nil, errors.New("connection refused") }}
	c := with(t, f, &said)
	for range 3 {
		wantMiss(t, c, c.Key("lint/1"))
	}
	if f.asked != 1 || len(said.said) != 1 || !strings.HasSuffix(said.said[0], "connection refused") {
		t.Errorf("asked %d times, %q", f.asked, said.said)
	}
	// The end of a command says nothing about the remote.
	said.said = nil
	c = with(t, f, &said)
	ctx, cancel := context.WithCancel(t.Context())
	f.fetch = func(context.Context, []byte) ([]byte, error) { cancel(); return nil, ctx.Err() }
	if _, ok := c.Get(ctx, c.Key("lint/1")); ok || len(said.said) > 0 {
		t.Errorf("%v, %q", ok, said.said)
	}
}

// A remote that answers slowly is worth it as long as it has what is asked for.
func TestARemoteThatIsSlow(t *testing.T) {
	for _, tt := range []struct {
		name     string
		took     time.Duration
		has      bool
		parallel int
		most     time.Duration
		off      bool
	}{
		{"fast misses", 2 * time.Millisecond, false, 1, 2 * time.Second, false},
		{"slow misses", 300 * time.Millisecond, false, 1, startCredit + time.Second, true},
		{"slow misses of several at once", 300 * time.Millisecond, false, 8, startCredit + time.Second, true},
		{"hits", 30 * time.Millisecond, true, 1, time.Minute, false},
		{"slow hits", 500 * time.Millisecond, true, 1, startCredit + time.Second, true},
		{"slow hits of several at once", 300 * time.Millisecond, true, 8, time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said remarks
				f := &fake{}
				c := with(t, f, &said)
				f.fetch = func(_ context.Context, entry []byte) ([]byte, error) {
					time.Sleep(tt.took)
					return entry, nil
				}
				keys := make(chan Key, 1000)
				f.entries = map[string][]byte{}
				for i := range cap(keys) {
					k := c.Key("lint/1", fmt.Sprint(i))
					if tt.has {
						f.entries["lint-1/"+k.name()] = seal(k, nil)
					}
					keys <- k
				}
				close(keys)
				began := time.Now()
				var all sync.WaitGroup
				for range tt.parallel {
					all.Go(func() {
						for k := range keys {
							c.Get(t.Context(), k)
						}
					})
				}
				all.Wait()
				if took := time.Since(began); took > tt.most {
					t.Errorf("it took %s", took)
				}
				if (len(said.said) == 1) != tt.off {
					t.Errorf("%q", said.said)
				}
			})
		})
	}
}

// What cannot be sent ends sending and nothing else; what takes long is not waited for at the end.
func TestARemoteThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said remarks
		f := &fake{store: func(context.Context) error { return errors.New("403: denied") }}
		c := with(t, f, &said)
		key := c.Key("lint/1", "there")
		f.entries = map[string][]byte{"lint-1/" + key.name(): seal(key, []byte("content"))}
		for i := range 50 {
			c.Put(t.Context(), c.Key("lint/1", fmt.Sprint(i)), nil)
		}
		synctest.Wait()
		want(t, c, key, "content")
		c.Put(t.Context(), c.Key("lint/1", "more"), nil)
		c.Close(t.Context())
		if len(f.entries) != 1 || len(said.said) != 1 || said.said[0] != "nothing more is sent to the remote cache fake by this command: 403: denied" {
			t.Errorf("%d entries, %q", len(f.entries), said.said)
		}
	})
	for name, tt := range map[string]struct {
		took time.Duration
		n    int
		want time.Duration
		said int
		sent int
	}{
		"quick":          {100 * time.Millisecond, 40, time.Second, 0, 40},
		"hangs":          {time.Hour, 40, idlePatience, 1, 0},
		"much and slow":  {time.Second, 500, closePatience, 1, 4 * int(closePatience/time.Second)},
		"far too much":   {time.Millisecond, 5000, time.Second, 0, mostQueued + senders},
		"nothing at all": {time.Hour, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said remarks
				f := &fake{store: func(ctx context.Context) error {
					select {
					case <-time.After(tt.took):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				c := with(t, f, &said)
				began := time.Now()
				for i := range tt.n {
					c.remote.store(c.Key("lint/1", fmt.Sprint(i)), []byte("x"))
				}
				c.Close(t.Context())
				took := time.Since(began)
				synctest.Wait()
				f.mu.Lock()
				defer f.mu.Unlock()
				if took > tt.want+tt.took*2 && took > tt.want+100*time.Millisecond || len(said.said) != tt.said || len(f.entries) > tt.sent || len(f.entries) < tt.sent-senders {
					t.Errorf("%s, %q, %d sent", took, said.said, len(f.entries))
				}
			})
		})
	}
	// Whoever interrupts waits for nothing.
	synctest.Test(t, func(t *testing.T) {
		f := &fake{store: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		c := with(t, f, nil)
		c.Put(t.Context(), c.Key("lint/1"), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		c.Close(ctx)
		if took := time.Since(began); took > 0 {
			t.Errorf("it waits for %s", took)
		}
	})
}

// Entries that are too large for a remote stay here.
func TestLargeEntriesAreNotShared(t *testing.T) {
	f := &fake{}
	c := with(t, f, nil)
	key := c.Key("lint/1")
	c.Put(t.Context(), key, make([]byte, largestShared))
	c.Close(t.Context())
	if len(f.entries) > 0 {
		t.Error("it was sent")
	}
	if _, err := os.Stat(entryFile(c.Dir(), key)); err != nil {
		t.Error("it is not here")
	}
}
