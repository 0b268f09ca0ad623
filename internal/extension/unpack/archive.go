// Package unpack reads a package, a gzipped tar, within limits: whatever an archive claims to
// hold, and however deep archives are in it, reading costs no more than Limits allow.
package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// errNoGzip is what an archive that is none begins with.
var errNoGzip = errors.New("it is no gzipped tar archive: give a package that was made with ksrelease, ksbuilder or helm")

// DriveLetter is what Helm refuses at the head of a name, too (LoadArchiveFiles).
var DriveLetter = lazyregexp.New(`^[a-zA-Z]:/`)

// frugal is how much content is kept before it is known whether all of it may be.
const frugal = 8 << 20

// All is for unpack to keep each file.
func All(string) bool { return true }

// Read reads a package (a gzipped tar with one folder at the top), sorted by
// name, without the folder's name in the names. Files that keep does not pick
// count as others do, and their Data is nil.
//
// An archive with more content than usual is read twice: before its content is
// kept it has to be known that it is within the limits. So one that is not takes
// no more memory than any, however many of them are read at once.
func Read(archive io.ReaderAt, size int64, m *Meter, keep func(name string) bool) (top string, files []File, err error) {
	m.packed = size
	before := *m
	u := &unpacking{meter: m, wanted: keep, budget: frugal}
	if err := u.read(archive, size); err != nil {
		return "", nil, err
	}
	if u.budget < 0 {
		*m = before
		u = &unpacking{meter: m, wanted: keep, budget: m.Limits.Unpacked}
		if err := u.read(archive, size); err != nil {
			return "", nil, err
		}
	}
	if len(u.files) == 0 {
		return "", nil, errors.New("there is no file in it")
	}
	slices.SortFunc(u.files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if err := u.foldersAreNoFiles(); err != nil {
		return "", nil, err
	}
	return u.top, u.files, nil
}

// ReadBytes is unpack of an archive in memory, all of it kept.
func ReadBytes(archive []byte, m *Meter) (top string, files []File, err error) {
	return Read(bytes.NewReader(archive), int64(len(archive)), m, All)
}

// unpacking is the state of reading one archive.
type unpacking struct {
	tar    *tar.Reader
	meter  *Meter
	top    string
	files  []File
	seen   map[string]bool
	wanted func(name string) bool
	// budget is how much more content may be kept, in bytes; below 0 nothing is kept
	// any more.
	budget int64
}

// read reads the archive to its end.
func (u *unpacking) read(archive io.ReaderAt, size int64) error {
	zr, err := gzip.NewReader(io.NewSectionReader(archive, 0, size))
	if err != nil {
		head := make([]byte, min(size, longestPointer))
		if n, err := archive.ReadAt(head, 0); (err == nil || errors.Is(err, io.EOF)) && size < longestPointer && IsPointer(head[:n]) {
			return ErrPointer
		}
		return errNoGzip
	}
	defer zr.Close()
	stream := &cappedReader{r: zr, left: streamCap(u.meter.Limits), limits: u.meter.Limits}
	u.tar, u.seen = tar.NewReader(stream), make(map[string]bool)
	for {
		header, err := u.tar.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return readError(err)
		}
		if err := u.entry(header); err != nil {
			return err
		}
	}
	// The checksum stands at the very end of the stream, behind the padding of
	// the tar: an archive that was cut short or damaged is noticed only there.
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return readError(err)
	}
	return nil
}

// entry reads one entry of the archive.
func (u *unpacking) entry(header *tar.Header) error {
	if err := u.meter.Entry(); err != nil {
		return err
	}
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if err := u.meter.Name(header.Name); err != nil {
		return err
	}
	top, name, err := splitEntryName(header.Name)
	if err != nil {
		return err
	}
	if u.top == "" {
		u.top = top
	}
	if top != u.top {
		return fmt.Errorf("it has two folders at the top, %q and %q: a package has one, named like the extension", u.top, top)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeReg:
	default:
		return fmt.Errorf("the entry %q is %s: a package holds only files and folders", header.Name, kindOfEntry(header.Typeflag))
	}
	switch {
	case name == "":
		return fmt.Errorf("the file %q stands next to the extension's folder: in a package everything is below NAME/", header.Name)
	case strings.Count(name, "/") > u.meter.Limits.Depth:
		return fmt.Errorf("the entry %q is more than %d folders deep: an extension has a few; %s", header.Name, u.meter.Limits.Depth, u.meter.LeaveOut())
	case u.seen[name]:
		return fmt.Errorf("the entry %q is in it twice: readers disagree about which one counts; pack it again", header.Name)
	}
	u.seen[name] = true
	return u.file(name, header.Size)
}

// file reads the content of the entry that is next in the archive.
func (u *unpacking) file(name string, size int64) error {
	if err := u.meter.File(name, size); err != nil {
		return err
	}
	if !u.wanted(name) {
		u.files = append(u.files, File{Name: name})
		return nil
	}
	if u.budget -= size; u.budget < 0 {
		u.files = nil // to be read again, if the rest is in order
		return nil
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(u.tar, data); err != nil {
		return fmt.Errorf("reading the entry %q: %w", name, readError(err))
	}
	u.files = append(u.files, File{Name: name, Data: data})
	return nil
}

// foldersAreNoFiles refuses an archive in which one name is a file and a
// folder; it could never be unpacked. u.files are sorted.
func (u *unpacking) foldersAreNoFiles() error {
	for _, f := range u.files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if u.seen[dir] {
				return fmt.Errorf("the entry %q is a file and a folder at once: pack it again", dir)
			}
		}
	}
	return nil
}

// splitEntryName splits the name of an entry into the folder at the top and the
// rest, and refuses each form of name that leads, or on some system could lead,
// out of the folder.
func splitEntryName(name string) (top, rest string, err error) {
	switch {
	case name == "":
		return "", "", errors.New("an entry has no name: pack it again")
	case strings.ContainsAny(name, "\\\x00"):
		return "", "", fmt.Errorf("the entry %q has a backslash or NUL in its name: names in a package are separated by '/'; pack it again", name)
	case strings.HasPrefix(name, "/"):
		return "", "", fmt.Errorf("the entry %q has an absolute name: everything in a package is below NAME/; pack it again", name)
	}
	clean := strings.TrimSuffix(name, "/")
	for _, part := range strings.Split(clean, "/") {
		switch {
		case part == "..":
			return "", "", fmt.Errorf("the entry %q leads out of the package: names must not contain '..'; pack it again", name)
		case part == "" || part == ".":
			return "", "", fmt.Errorf("the entry %q has an empty or '.' part in its name: pack it again", name)
		}
	}
	top, rest, _ = strings.Cut(clean, "/")
	if DriveLetter.MatchString(clean) || DriveLetter.MatchString(rest) {
		return "", "", fmt.Errorf("the entry %q has a drive letter in its name: pack it again", name)
	}
	return top, rest, nil
}

// kindOfEntry names a kind of tar entry in plain words.
func kindOfEntry(flag byte) string {
	switch flag {
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a named pipe"
	case tar.TypeGNUSparse:
		return "a sparse file"
	}
	return fmt.Sprintf("of the unknown kind %q", flag)
}

// streamCap is how much an archive may unpack to, headers and padding
// included: per entry a header, its extensions and padding, 4 KiB.
func streamCap(l Limits) int64 { return l.Unpacked + int64(l.Entries)*4<<10 }

// cappedReader ends a stream with an error when it is longer than allowed:
// what is no file's content (headers, padding, what follows the last entry)
// costs time too.
type cappedReader struct {
	r      io.Reader
	left   int64
	limits Limits
}

// errTooLong is reported with the limit that the stream exceeded.
type errTooLong struct{ limit int64 }

func (e errTooLong) Error() string {
	return fmt.Sprintf("it unpacks to more than %s: this is no package of an extension; pack it again from its source", Size(e.limit))
}

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong{c.limits.Unpacked}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	return n, err
}

// readError says what damage a failed read of the archive stands for.
func readError(err error) error {
	var tooLong errTooLong
	switch {
	case errors.As(err, &tooLong):
		return tooLong
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it is cut short: get it again")
	}
	return fmt.Errorf("it is damaged (%w): get it again", err)
}

// ReadNested is unpack for an archive within an extension. It counts against
// the same limits, but for the ratio: that is of each archive its own.
func ReadNested(archive []byte, m *Meter, keep func(name string) bool) (top string, files []File, err error) {
	inner := &Meter{Limits: m.Limits, Entries: m.Entries, Bytes: m.Bytes, before: m.Bytes}
	top, files, err = Read(bytes.NewReader(archive), int64(len(archive)), inner, keep)
	m.Entries, m.Bytes = inner.Entries, inner.Bytes
	return top, files, err
}
