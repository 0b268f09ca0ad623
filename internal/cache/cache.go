// Package cache keeps what was found out before, so that it need not be found out again: results
// by all that they depend on. With a cache, without one, and with one of another machine a command
// has the same results; what is kept saves time and nothing else.
//
// An entry is a file whose name is a digest of its key (see [Cache.Key]) and which begins with the
// digest of its content. Files are put in their places as a whole, and each is verified when it is
// read: what a killed process, a full disk or a power failure has left of one is not there. So any
// number of processes may use a folder at the same time, without locks.
//
// A nil *Cache is none: it has nothing, keeps nothing, and all its methods may be called. No method
// returns an error, for none is a reason to end a command. What could not be kept goes to
// Options.Remark, once.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// DefaultLimit is how many bytes a cache takes on the disk where nothing else is said.
const DefaultLimit = 1 << 30

// largestInMemory is what Get reads at most. Larger entries are for Open.
const largestInMemory = 256 << 20

// Options say where a cache is, and what belongs to it.
type Options struct {
	Dir    string // the folder; it is made where it is missing
	Limit  int64  // bytes on the disk; 0: DefaultLimit
	Tool   string // what tells builds of this program apart: see ToolID
	Remote Remote // nil: no other machine shares the cache
	// Remark takes what is worth knowing, such as that nothing can be written; nil: nobody does. It
	// may be called by several goroutines.
	Remark func(about About, text string)
	Now    func() time.Time // nil: time.Now
}

// About is what a remark is about.
type About int

// What remarks are about: the folder of this machine, or the remote.
const (
	AboutFolder About = iota
	AboutRemote
)

// Cache is an open cache. Any number of goroutines may use it.
type Cache struct {
	*local
	remote *layer // nil: none
}

// local is the folder of this machine, which several views of a cache have in common.
type local struct {
	folder  *folder
	limit   int64
	tool    string
	now     func() time.Time
	remark  func(About, string)
	unkept  sync.Once   // the remark that something could not be kept
	broken  atomic.Bool // nothing is written any more
	written atomic.Int64
	stats   counters
}

type counters struct{ hits, misses, kept, shared atomic.Int64 }

// Stats count what a process has asked of its cache.
type Stats struct {
	Hits, Misses int64 // entries that were there, and that were not
	Remote       int64 // hits that came from the remote cache
	Kept         int64 // entries that were written
}

// Open opens the cache in a folder. The error says why there can be none, such as that the folder
// belongs to another user, and has a hint.
func Open(o Options) (*Cache, error) {
	folder, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &local{folder: folder, limit: o.Limit, tool: o.Tool, now: o.Now, remark: o.Remark}
	if l.limit <= 0 {
		l.limit = DefaultLimit
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.remark == nil {
		l.remark = func(About, string) {}
	}
	c := &Cache{local: l}
	if o.Remote != nil {
		c.remote = newLayer(o.Remote, func(s string) { l.remark(AboutRemote, s) })
	}
	return c, nil
}

// Key names an entry. Two keys are equal only if all that they were made of is equal.
type Key struct {
	kind string // a folder, such as lint-1
	sum  [sha256.Size]byte
}

// name is the name of the file of an entry.
func (k Key) name() string { return hex.EncodeToString(k.sum[:]) }

// kindForm is how a kind of entries is written: a word and a version.
var kindForm = lazyregexp.New(`^[a-z][a-z-]{0,20}/[0-9]{1,4}$`)

// Key is the key of an entry of a kind ("lint/1": a word and the version of what is kept), which
// depends on these parts and on nothing else but the program itself, which is always in it. Where
// the meaning of parts or content changes, the version does, too. Large parts should be digests.
func (c *Cache) Key(kind string, parts ...string) Key {
	if !kindForm.MatchString(kind) {
		panic("cache: " + kind + " is no kind of entries, such as lint/1")
	}
	tool := ""
	if c != nil {
		tool = c.tool
	}
	h := sha256.New()
	var length [8]byte
	add := func(part string) {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	add(tool)
	add(kind)
	for _, part := range parts {
		add(part)
	}
	k := Key{kind: strings.Replace(kind, "/", "-", 1)}
	h.Sum(k.sum[:0])
	return k
}

// Local is the same cache without its remote: for what is of use on this machine alone, or must not
// leave it.
func (c *Cache) Local() *Cache {
	if c == nil {
		return nil
	}
	return &Cache{local: c.local}
}

// Get gives the content of an entry, and whether it is there. The caller owns it.
func (c *Cache) Get(ctx context.Context, k Key) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	if data, ok := c.read(k); ok {
		c.stats.hits.Add(1)
		return data, true
	}
	if data, ok := c.shared(ctx, k); ok {
		c.stats.hits.Add(1)
		c.stats.shared.Add(1)
		return data, true
	}
	c.stats.misses.Add(1)
	return nil, false
}

// shared gives the content of an entry of another machine, which is kept here under a name of its own:
// a run without this remote does not believe it.
func (c *Cache) shared(ctx context.Context, k Key) ([]byte, bool) {
	if c.remote == nil {
		return nil, false
	}
	here := c.remote.keyHere(k)
	if data, ok := c.read(here); ok {
		return data, true
	}
	data, ok := c.remote.fetch(ctx, k)
	if ok {
		c.write(here, seal(here, data))
	}
	return data, ok
}

// Put keeps the content of an entry. What has been there is replaced.
func (c *Cache) Put(_ context.Context, k Key, data []byte) {
	if c == nil {
		return
	}
	entry := seal(k, data)
	c.write(k, entry)
	if c.remote != nil {
		c.remote.store(k, entry)
	}
}

// stateKind are the entries of State.
const stateKind = "state/1"

// State gives what SetState has kept under a name. It is of this machine alone.
func (c *Cache) State(name string) ([]byte, bool) {
	return c.Local().Get(context.Background(), c.Key(stateKind, name))
}

// SetState keeps something under a name, in place of what was kept under it before: a reader sees
// the one or the other. Of two processes that do so at once, one wins.
func (c *Cache) SetState(name string, data []byte) {
	c.Local().Put(context.Background(), c.Key(stateKind, name), data)
}

// Stats are the numbers so far.
func (c *Cache) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	s := &c.stats
	return Stats{Hits: s.hits.Load(), Misses: s.misses.Load(), Remote: s.shared.Load(), Kept: s.kept.Load()}
}

// Dir is the folder that the cache is in; empty without one.
func (c *Cache) Dir() string {
	if c == nil {
		return ""
	}
	return c.folder.base
}

// Close ends the use of the cache: what is on its way to the remote is waited for (for as long as
// it moves on), and where the folder has grown beyond its limit it is trimmed. No other method may be called then.
func (c *Cache) Close(ctx context.Context) {
	if c == nil {
		return
	}
	if c.remote != nil {
		c.remote.close(ctx)
	}
	c.account()
	if ctx.Err() == nil && !c.broken.Load() {
		c.trim(ctx)
	}
	c.folder.close()
}

// write keeps an entry in the folder. After something that another entry would meet, too, such as a
// full disk, nothing more is written by this process.
func (l *local) write(k Key, entry []byte) {
	if l.broken.Load() || int64(len(entry)) > l.limit/2 {
		return
	}
	err := l.folder.write(k.kind, k.name(), entry)
	l.wrote(int64(len(entry)), err)
}

func (l *local) wrote(size int64, err error) {
	if err == nil {
		l.stats.kept.Add(1)
		l.written.Add(onDisk(size))
		return
	}
	l.fails(err)
}

// fails ends writing, except where err is about one entry alone, or a file that somebody else has
// removed meanwhile.
func (l *local) fails(err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOccupied) {
		return
	}
	l.broken.Store(true)
	l.unkept.Do(func() {
		l.remark(AboutFolder, "the cache "+l.folder.base+" cannot be written, and stays as it is: "+failure.WithoutPath(err).Error())
	})
}

// read gives the content of an entry of the folder that is whole.
func (l *local) read(k Key) ([]byte, bool) {
	file, size, err := l.folder.open(k.kind, k.name(), l.now())
	if err != nil {
		return nil, false
	}
	defer file.Close()
	if size > largestInMemory {
		return nil, false
	}
	entry := make([]byte, size)
	if n, _ := file.ReadAt(entry, 0); n < len(entry) {
		return nil, false
	}
	return unseal(k, entry)
}
