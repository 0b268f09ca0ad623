package helmrepo

import (
	"context"
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/cache"
)

// keptKind are the indexes in a cache: what was read of each, with the validators of its answer.
const keptKind = "index/1"

// keptKey is the key of this repository's index. It has no password and no token: who asks is
// judged by the server, which is asked each time before anything is taken from the cache. An index that
// was got with one is not looked for without it, and the other way round.
func (r *Repository) keptKey() cache.Key {
	return r.cache.Key(keptKind, r.indexURL(), r.reader)
}

// readerOf is who reads a repository, without secrets.
func readerOf(authorization string) string {
	scheme, _, _ := strings.Cut(authorization, " ")
	if user, _, ok := (&http.Request{Header: http.Header{"Authorization": {authorization}}}).BasicAuth(); ok {
		return scheme + " " + user
	}
	return scheme
}

// recall is the index that an earlier process has read; nil where there is none.
func (r *Repository) recall(ctx context.Context) *cachedIndex {
	if r.cache == nil {
		return nil
	}
	data, ok := r.cache.Get(ctx, r.keptKey())
	if !ok {
		return nil
	}
	u := &unpacker{rest: data}
	kept := &cachedIndex{etag: u.text(), lastModified: u.text(), recalled: true}
	kept.index = u.index()
	if u.bad {
		return nil
	}
	return kept
}

// remember keeps an index for later processes, if they can ask whether it is still the same.
func (r *Repository) remember(read *cachedIndex, header http.Header) {
	if r.cache == nil || !lasts(header) {
		return
	}
	to := r.cache.Create(keptKind)
	defer to.Abort()
	var p packer
	p.text(read.etag)
	p.text(read.lastModified)
	p.index(read.index)
	_, _ = to.Write(p.packed)
	for _, name := range read.index.Charts() {
		_, _ = to.Write(read.index.entries.of[name])
	}
	to.Commit(r.keptKey())
}

// lasts says whether an answer has a validator that will be another one when the index is. Last-Modified
// counts seconds, and many servers make the ETag from it: an index that was changed within the
// last two seconds may change once more and keep both. (RFC 9110, 8.8.2.2, asks for one second.)
func lasts(header http.Header) bool {
	modified := header.Get("Last-Modified")
	if modified == "" {
		return header.Get("ETag") != ""
	}
	changed, err := http.ParseTime(modified)
	answered, failed := http.ParseTime(header.Get("Date"))
	return err == nil && failed == nil && answered.Sub(changed) >= 2*time.Second
}

// isSame says whether an answer "not modified" is about the index that is known. For one of an earlier
// process a time alone is not enough: a server whose index was put back to an older one says "not
// modified" since a later time, too. So that time has to be in the answer, and is not asked with where
// there is an ETag.
func (known *cachedIndex) isSame(header http.Header) bool {
	etag := strings.TrimPrefix(header.Get("ETag"), "W/")
	switch {
	case !known.recalled:
		return true
	case known.etag != "":
		return etag == "" || etag == strings.TrimPrefix(known.etag, "W/")
	}
	return header.Get("Last-Modified") == known.lastModified
}

// packer writes what is known of an index, but for the entries themselves: texts with their lengths
// before them, and numbers as uvarints.
type packer struct{ packed []byte }

func (p *packer) text(text string) {
	p.packed = append(binary.AppendUvarint(p.packed, uint64(len(text))), text...)
}

func (p *packer) number(n int) { p.packed = binary.AppendUvarint(p.packed, uint64(n)) }

func (p *packer) flag(is bool) {
	n := 0
	if is {
		n = 1
	}
	p.number(n)
}

func (p *packer) refused(r *Refused) {
	p.text(r.Chart)
	p.text(r.Version)
	p.number(r.Line)
	p.text(r.Cause)
	p.flag(r.HelmAlone)
}

func (p *packer) index(i *Index) {
	p.flag(i.layout.Lines)
	p.number(i.layout.Entries)
	p.number(len(i.layout.Charts))
	for _, name := range slices.Sorted(maps.Keys(i.layout.Charts)) {
		p.text(name)
		p.number(i.layout.Charts[name])
	}
	p.number(len(i.refused))
	for _, r := range i.refused {
		p.refused(r)
	}
	p.flag(i.empty != nil)
	if i.empty != nil {
		p.refused(i.empty)
	}
	p.number(len(i.broken))
	for _, name := range slices.Sorted(maps.Keys(i.broken)) {
		p.text(name)
		p.refused(i.broken[name])
	}
	p.number(len(i.entries.of))
	for _, name := range i.Charts() {
		p.text(name)
		p.number(len(i.entries.of[name]))
	}
}

// unpacker reads what a packer has written.
type unpacker struct {
	rest []byte
	bad  bool // it was something else
}

func (u *unpacker) number() int {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 || n > 1<<40 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[size:]
	return int(n)
}

// count is the number of things that follow, each of a byte at least.
func (u *unpacker) count() int {
	n := u.number()
	if n > len(u.rest) {
		u.bad = true
		return 0
	}
	return n
}

func (u *unpacker) bytes(n int) []byte {
	if n > len(u.rest) {
		u.bad, u.rest = true, nil
		return nil
	}
	data := u.rest[:n:n]
	u.rest = u.rest[n:]
	return data
}

func (u *unpacker) text() string { return string(u.bytes(u.number())) }
func (u *unpacker) flag() bool   { return u.number() == 1 }

func (u *unpacker) refused() *Refused {
	return &Refused{Chart: u.text(), Version: u.text(), Line: u.number(), Cause: u.text(), HelmAlone: u.flag()}
}

func (u *unpacker) index() *Index {
	i := newIndex()
	i.layout.Lines = u.flag()
	i.layout.Entries = u.number()
	if n := u.count(); n > 0 || i.layout.Lines || i.layout.Entries > 0 {
		i.layout.Charts = make(map[string]int, n)
		for range n {
			name := u.text()
			i.layout.Charts[name] = u.number()
		}
	}
	for range u.count() {
		i.refused = append(i.refused, u.refused())
	}
	if u.flag() {
		i.empty = u.refused()
	}
	for range u.count() {
		name := u.text()
		i.broken[name] = u.refused()
	}
	names, sizes := []string{}, []int{}
	for range u.count() {
		names = append(names, u.text())
		sizes = append(sizes, u.number())
	}
	for at, name := range names {
		i.entries.of[name] = u.bytes(sizes[at])
	}
	u.bad = u.bad || len(u.rest) > 0
	return i
}
