// Package sourceindex knows the extensions of a project by the state of their files, as git's index
// does: where no file and folder that an extension was read from has changed since, it is known
// without reading a byte.
//
// A state is what the system says of a file or folder: device, inode, size, mode, and the times of
// its last modification and change. The last one (ctime) decides. Nobody can set it, and it changes
// with each write, rename, new mode and new link, so that a file with other content has another one,
// whatever its size and modification time say. What could have changed once more within the same
// tick of the clock after it was read is not remembered; the next reading is as the first. Nor is
// what lies on a file system whose change times are none to go by: one of another machine, one that
// counts in seconds (see trusted).
//
// Only readings without an error are remembered, and each under the settings that decide what is
// read. What is remembered is of one machine and one build of the program.
package sourceindex

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// Store keeps the index between two runs, on this machine.
type Store interface {
	State(name string) ([]byte, bool)
	SetState(name string, data []byte)
}

// Index is what is known of the extensions of a project. Its methods may be called by several
// goroutines at once. A nil *Index knows nothing, and remembers nothing.
type Index struct {
	store Store
	name  string
	now   func() time.Time
	// settle is how much older than its reading a state has to be.
	settle time.Duration

	mu      sync.Mutex
	records map[string]*record // by the path of the source
	fresh   map[string]*record // what was read by this process, without a summary
	ignored map[string]string  // Options.Ignore, links resolved
	devices map[uint64]bool    // whether change times of a device can be trusted
	changed bool
}

// settleTime is how much older than its reading a state has to be. The system takes the time of a change
// from a clock that moves with each tick, of 10 ms at most.
const settleTime = 100 * time.Millisecond

// kept is for how long an extension is remembered that nobody asks for.
const kept = 30 * 24 * time.Hour

// Open takes the index of a project out of a store. root is the folder of the project.
func Open(store Store, root string) *Index {
	x := &Index{
		store: store, name: "sources " + root, now: time.Now, settle: settleTime,
		fresh: map[string]*record{}, ignored: map[string]string{}, devices: map[uint64]bool{},
	}
	data, _ := store.State(x.name)
	x.records = decode(data)
	return x
}

// record is what is remembered of an extension.
type record struct {
	real    string   // the path of the source, links resolved
	ignored []string // paths below it that are no part of it, sorted
	read    int64    // when it was read, in nanoseconds
	used    int64    // the day on which it was last asked for, in days since 1970
	// entries are what it was read from, one after the other: a kind, how much of the path before it
	// a path below real begins with, and the rest of it.
	entries []byte
	states  [sha256.Size]byte // digest of the states of all entries
	summary []byte            // as pack makes it
}

// The kinds of entries.
const (
	kindFile byte = 'f' // a file or folder
	kindLink byte = 'l' // what may be a link, and where it leads
)

// Recall is what is known of the extension at a path; nil where that is nothing, or something of it
// has changed. ignored are the paths of extension.Options.Ignore.
func (x *Index) Recall(path string, ignored []string) *extension.Summary {
	if x == nil {
		return nil
	}
	x.mu.Lock()
	r := x.records[path]
	x.mu.Unlock()
	if r == nil {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	now := x.now()
	if err != nil || real != r.real || now.UnixNano() < r.read || !slices.Equal(r.ignored, x.ignoredBelow(real, ignored)) || !x.unchanged(r) {
		return nil
	}
	s := unpack(r.summary)
	if s == nil {
		return nil
	}
	if day := dayOf(now); r.used != day {
		x.mu.Lock()
		defer x.mu.Unlock()
		used := *r
		used.used = day
		x.records[path], x.changed = &used, true
	}
	return s
}

// unchanged reports whether all that an extension was read from is in the state that it had.
func (x *Index) unchanged(r *record) bool {
	states := newStates(x)
	ok := eachEntry(r.real, r.entries, func(kind byte, path string) bool {
		if kind == kindLink {
			real, mode := extension.LeadsTo(path)
			states.link(real, mode)
			return true
		}
		s, ok := stateOf(path)
		return ok && states.add(s)
	})
	return ok && states.sum() == r.states
}

// Load reads an extension, and notes what it is read from for Learn.
func (x *Index) Load(path string, opts extension.Options) (*extension.Extension, error) {
	real, err := filepath.EvalSymlinks(path)
	if x == nil || err != nil || opts.Limits != (extension.Limits{}) || opts.Watch != nil {
		return extension.Load(path, opts)
	}
	rec := &recorder{real: real, states: newStates(x), read: x.now(), ignored: x.ignoredBelow(real, opts.Ignore)}
	opts.Watch = rec
	ext, err := extension.Load(path, opts)
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.fresh, path)
	if err == nil && !rec.unsure {
		x.fresh[path] = rec.reading()
	}
	return ext, err
}

// Learn remembers what is known by now of the extension that Load gave last for a path.
func (x *Index) Learn(path string, known *extension.Summary) {
	if x == nil {
		return
	}
	x.mu.Lock()
	rec, before := x.fresh[path], x.records[path]
	x.mu.Unlock()
	if rec == nil {
		return
	}
	r := &record{real: rec.real, ignored: rec.ignored, read: rec.read, used: rec.used, entries: rec.entries, states: rec.states}
	if before != nil && before.isOf(r) {
		known = with(*known, before.summary)
	}
	ok := false
	if r.summary, ok = pack(known); !ok {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.records[path], x.changed = r, true
}

// isOf reports whether two records are of the same files, in the same states.
func (r *record) isOf(other *record) bool {
	return r.real == other.real && slices.Equal(r.ignored, other.ignored) && bytes.Equal(r.entries, other.entries) && r.states == other.states
}

// with is what is known of an extension, with digests that were known before.
func with(known extension.Summary, before []byte) *extension.Summary {
	if s := unpack(before); s != nil {
		known.ContentDigest = cmp.Or(known.ContentDigest, s.ContentDigest)
		known.Tree = cmp.Or(known.Tree, s.Tree)
	}
	return &known
}

// Forget has nothing be known of the extension at a path.
func (x *Index) Forget(path string) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.fresh, path)
	if x.records[path] != nil {
		delete(x.records, path)
		x.changed = true
	}
}

// Save has the store keep the index, if there is anything new in it.
func (x *Index) Save() {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.changed {
		return
	}
	x.changed = false
	oldest := dayOf(x.now().Add(-kept))
	maps.DeleteFunc(x.records, func(_ string, r *record) bool { return r.used < oldest })
	x.store.SetState(x.name, encode(x.records))
}

// ignoredBelow are those of the paths that are ignored which are below a folder, links resolved.
func (x *Index) ignoredBelow(real string, names []string) (below []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range names {
		path, ok := x.ignored[name]
		if !ok {
			path = extension.Ignored(name)
			x.ignored[name] = path
		}
		if strings.HasPrefix(path, real+string(filepath.Separator)) {
			below = append(below, path)
		}
	}
	slices.Sort(below)
	return slices.Compact(below)
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// states is a digest of the states of files.
type states struct {
	x      *Index
	hash   hash.Hash
	device uint64
	first  bool
	newest int64 // the latest change, in nanoseconds
	sure   bool
}

func newStates(x *Index) *states { return &states{x: x, hash: sha256.New(), first: true, sure: true} }

// add adds the state of a file. It is false for one that says nothing: on another device than the
// others, or with a change time of whole seconds.
func (s *states) add(of state) bool {
	if s.first {
		s.first, s.device = false, of.device
		s.sure = s.x.trusts(of)
	}
	if of.device != s.device || of.changed%1e9 == 0 {
		s.sure = false
	}
	s.newest = max(s.newest, of.changed)
	var b [8 * 6]byte
	for i, field := range []uint64{of.device, of.inode, of.mode, uint64(of.size), uint64(of.modified), uint64(of.changed)} {
		binary.LittleEndian.PutUint64(b[8*i:], field)
	}
	s.hash.Write(b[:])
	return s.sure
}

// link adds where a link leads.
func (s *states) link(real string, mode fs.FileMode) {
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], uint32(len(real)))
	binary.LittleEndian.PutUint32(b[4:], uint32(mode))
	s.hash.Write(b[:])
	s.hash.Write([]byte(real))
}

func (s *states) sum() (sum [sha256.Size]byte) {
	s.hash.Sum(sum[:0])
	return sum
}

// trusts reports whether the change times on the device of a file are to go by.
func (x *Index) trusts(of state) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, ok := x.devices[of.device]
	if !ok {
		known = trusted(of.path)
		x.devices[of.device] = known
	}
	return known
}

// recorder notes what an extension is read from.
type recorder struct {
	real    string
	ignored []string
	read    time.Time // when the reading began
	entries []byte
	last    string // the path in the last of entries
	states  *states
	unsure  bool
}

var _ extension.Watcher = (*recorder)(nil)

// Has notes the state of a file or folder.
func (r *recorder) Has(path string, info fs.FileInfo) {
	s, ok := stateFrom(path, info)
	if !ok || !r.states.add(s) || s.changed >= r.read.Add(-r.states.x.settle).UnixNano() {
		r.unsure = true
	}
	r.note(kindFile, path)
}

// Leads notes where a link leads.
func (r *recorder) Leads(path, real string, mode fs.FileMode) {
	r.states.link(real, mode)
	r.note(kindLink, path)
}

// Unsure says that nothing is to be remembered.
func (r *recorder) Unsure() { r.unsure = true }

// reading is what there is to remember of the extension, in as little memory as it takes.
func (r *recorder) reading() *record {
	return &record{
		real: r.real, ignored: r.ignored, read: r.read.UnixNano(), used: dayOf(r.read),
		entries: bytes.Clone(r.entries), states: r.states.sum(),
	}
}

func (r *recorder) note(kind byte, path string) {
	below, ok := strings.CutPrefix(path, r.real)
	if !ok {
		r.unsure = true
		return
	}
	below = strings.TrimPrefix(below, string(filepath.Separator))
	shared := 0
	for shared < min(len(below), len(r.last)) && below[shared] == r.last[shared] {
		shared++
	}
	r.entries = binary.AppendUvarint(append(r.entries, kind), uint64(shared))
	r.entries, r.last = appendText(r.entries, below[shared:]), below
}

// form is what the index begins with: a word, and the version of the form.
const form = "sources 2\n"

// encode writes the records.
func encode(records map[string]*record) []byte {
	size := len(form)
	for path, r := range records {
		size += len(path) + len(r.real) + len(r.entries) + len(r.summary) + sha256.Size + 8*binary.MaxVarintLen32
		for _, name := range r.ignored {
			size += len(name) + binary.MaxVarintLen32
		}
	}
	out := append(make([]byte, 0, size), form...) // of ten thousand extensions, a buffer that grows takes three times as much
	for _, path := range slices.Sorted(maps.Keys(records)) {
		r := records[path]
		out = appendText(out, path)
		out = appendText(out, r.real)
		out = binary.AppendUvarint(out, uint64(len(r.ignored)))
		for _, name := range r.ignored {
			out = appendText(out, name)
		}
		out = binary.AppendVarint(out, r.read)
		out = binary.AppendVarint(out, r.used)
		out = append(binary.AppendUvarint(out, uint64(len(r.entries))), r.entries...)
		out = append(out, r.states[:]...)
		out = append(binary.AppendUvarint(out, uint64(len(r.summary))), r.summary...)
	}
	return out
}

// decode reads what encode wrote. What it does not understand is nothing.
func decode(data []byte) map[string]*record {
	records := map[string]*record{}
	rest, ok := bytes.CutPrefix(data, []byte(form))
	in := &reader{rest: rest, broken: !ok}
	for len(in.rest) > 0 && !in.broken {
		path := string(in.bytes())
		r := &record{real: string(in.bytes())}
		for range min(in.uvarint(), uint64(len(in.rest))) {
			r.ignored = append(r.ignored, string(in.bytes()))
		}
		r.read, r.used = in.varint(), in.varint()
		r.entries = in.bytes()
		copy(r.states[:], in.take(sha256.Size))
		r.summary = in.bytes()
		records[path] = r
	}
	if in.broken {
		return map[string]*record{}
	}
	return records
}

// eachEntry goes through entries below a folder until do says no. It reports whether that was never.
func eachEntry(real string, entries []byte, do func(kind byte, path string) bool) bool {
	in := &reader{rest: entries}
	path := append([]byte(real), filepath.Separator)
	above := len(path)
	for len(in.rest) > 0 {
		kind, shared := in.take(1)[0], in.uvarint()
		rest := in.bytes()
		if in.broken || shared > uint64(len(path)-above) {
			return false
		}
		if path = append(path[:above+int(shared)], rest...); len(path) == above {
			if !do(kind, real) {
				return false
			}
		} else if !do(kind, string(path)) {
			return false
		}
	}
	return true
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// reader reads numbers and texts. After what it cannot read there is nothing more.
type reader struct {
	rest   []byte
	broken bool
}

func (in *reader) take(n int) []byte {
	if n < 0 || n > len(in.rest) {
		in.rest, in.broken = nil, true
		return make([]byte, min(max(n, 0), sha256.Size))
	}
	taken := in.rest[:n:n]
	in.rest = in.rest[n:]
	return taken
}

func (in *reader) uvarint() uint64 {
	n, size := binary.Uvarint(in.rest)
	if size <= 0 {
		in.rest, in.broken = nil, true
		return 0
	}
	in.rest = in.rest[size:]
	return n
}

func (in *reader) varint() int64 {
	n, size := binary.Varint(in.rest)
	if size <= 0 {
		in.rest, in.broken = nil, true
		return 0
	}
	in.rest = in.rest[size:]
	return n
}

func (in *reader) bytes() []byte {
	n := in.uvarint()
	if n > uint64(len(in.rest)) {
		in.rest, in.broken = nil, true
		return nil
	}
	return in.take(int(n))
}
