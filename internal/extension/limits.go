package extension

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
)

func (l Limits) withDefaults() Limits {
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

// meter counts what has been read against the limits.
type meter struct {
	limits  Limits
	entries int
	bytes   int64
	// packed is the size of the archive that is being read, 0 for a directory, and
	// before is what bytes was when its reading began.
	packed, before int64
}

// entry counts one entry of any kind.
func (m *meter) entry() error {
	m.entries++
	if m.entries > m.limits.Entries {
		return fmt.Errorf("more than %d files and folders: an extension has some dozens; leave out what is not part of it (.helmignore)", m.limits.Entries)
	}
	return nil
}

// file counts a file of size bytes, before it is read.
func (m *meter) file(name string, size int64) error {
	if size > m.limits.File {
		return fmt.Errorf("%s has %s, and Helm loads no file larger than %s: leave it out (.helmignore) or make it smaller", name, byteSize(size), byteSize(m.limits.File))
	}
	return m.content(size)
}

// content counts size bytes of content.
func (m *meter) content(size int64) error {
	m.bytes += size
	if m.bytes > m.limits.Unpacked {
		return fmt.Errorf("more than %s of content: an extension may have 1 MiB packed; leave out what is not part of it (.helmignore)", byteSize(m.limits.Unpacked))
	}
	if unpacked := m.bytes - m.before; m.packed > 0 && unpacked > ratioFree && unpacked/m.packed >= m.limits.Ratio {
		return fmt.Errorf("the content is more than %d times larger than the archive (%s): this is no package of an extension", m.limits.Ratio, byteSize(m.packed))
	}
	return nil
}

// byteSize is a size as people read it, exact where that is short.
func byteSize(n int64) string {
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
