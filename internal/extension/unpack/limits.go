package unpack

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"
)

// Limits bound what one extension may cost to read. A zero field stands for
// its default, so Limits{} is the set that everybody wants.
type Limits struct {
	// Unpacked is the sum of the sizes of all files, in bytes. Default 64 MiB.
	Unpacked int64
	// File is the size of one file, in bytes. Default 5 MiB, which is Helm's own
	// limit (loader.MaxDecompressedFileSize): a larger one never loads.
	File int64
	// Entries is the number of entries, folders included. Default 10,000.
	Entries int
	// Ratio is how many times larger than the archive its content may be, once
	// the content is larger than 1 MiB. Default 200.
	Ratio int64
	// Depth is the number of folders above a file, and the number of archives
	// within archives (charts/*.tgz). Default 32.
	Depth int
}

const (
	defaultUnpacked = 64 << 20
	defaultEntries  = 10_000
	defaultRatio    = 200
	defaultDepth    = 32

	// ratioFree is how much content an archive may have whatever its own size:
	// a small extension of repetitive YAML compresses very well.
	ratioFree = 1 << 20

	// longestEntryName is of a name within the extension, in bytes. Systems take 255 for
	// a part and 4096 for a path, in which the folder above has to fit, too; an
	// entry of a tar may be called by a megabyte.
	longestEntryName = 1024
)

func (l Limits) WithDefaults() Limits {
	if l.Unpacked <= 0 {
		l.Unpacked = defaultUnpacked
	}
	if l.File <= 0 {
		l.File = loader.MaxDecompressedFileSize
	}
	if l.Entries <= 0 {
		l.Entries = defaultEntries
	}
	if l.Ratio <= 0 {
		l.Ratio = defaultRatio
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	return l
}

// Meter counts what has been read against the limits.
type Meter struct {
	Limits  Limits
	Entries int
	Bytes   int64
	// packed is the size of the archive that is being read, 0 for a directory, and
	// before is what bytes was when its reading began.
	packed, before int64
}

// Entry counts one entry of any kind.
func (m *Meter) Entry() error {
	m.Entries++
	if m.Entries > m.Limits.Entries {
		return fmt.Errorf("more than %d files and folders: an extension has some dozens; %s", m.Limits.Entries, m.LeaveOut())
	}
	return nil
}

// Name holds a name of an entry to the limit.
func (m *Meter) Name(name string) error {
	if len(name) > longestEntryName {
		return fmt.Errorf("the name %q… has %d bytes, more than %d: give it a shorter one, or %s", name[:40], len(name), longestEntryName, m.LeaveOut())
	}
	return nil
}

// File counts a file of size bytes, before it is read.
func (m *Meter) File(name string, size int64) error {
	if size > m.Limits.File {
		return fmt.Errorf("%s has %s, and Helm loads no file larger than %s: make it smaller, or %s", name, Size(size), Size(m.Limits.File), m.LeaveOut())
	}
	return m.Content(size)
}

// Content counts size bytes of content.
func (m *Meter) Content(size int64) error {
	m.Bytes += size
	if m.Bytes > m.Limits.Unpacked {
		return fmt.Errorf("more than %s of content: an extension may have 1 MiB packed; %s", Size(m.Limits.Unpacked), m.LeaveOut())
	}
	if unpacked := m.Bytes - m.before; m.packed > 0 && unpacked > ratioFree && unpacked/m.packed >= m.Limits.Ratio {
		return fmt.Errorf("the content is more than %d times larger than the archive (%s): this is no package of an extension; pack it again from its source", m.Limits.Ratio, Size(m.packed))
	}
	return nil
}

// LeaveOut is what to do about that which is too much.
func (m *Meter) LeaveOut() string {
	if m.packed > 0 {
		return "pack it again without what is no part of it (.helmignore)"
	}
	return "leave out what is no part of it (.helmignore)"
}

// Size is a size as people read it, exact where that is short.
func Size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// File is a file of an extension.
type File struct {
	// Name is a slash path below the extension.
	Name string
	Data []byte
}

// ByteOrderMark is what some editors put in front of UTF-8. Helm drops it when
// it loads a file from a directory or an archive.
var ByteOrderMark = []byte{0xEF, 0xBB, 0xBF}
