package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
)

// peakFile names, in the environment, the file into which this binary, started
// as ksrelease, writes the most memory that it had.
const peakFile = "KSRELEASE_TEST_PEAK"

// mainWithPeak is main, and tells how much memory the process had at most. The
// system's own number for a process that has ended would not do: it covers that of
// the process which started it.
func mainWithPeak(file string) {
	code := realMain()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	if err := os.WriteFile(file, status, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	os.Exit(code)
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakOf runs ksrelease in a process of its own and gives the most memory that it
// had, in bytes, with what it printed and its exit code.
func peakOf(t *testing.T, dir string, args ...string) (peak int64, output string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "status")
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Dir = dir
	command.Env = append(append(os.Environ(), peakFile+"="+file, "NO_COLOR=1"), ownFolders(t.TempDir())...)
	out, err := command.CombinedOutput()
	status, other := os.ReadFile(file)
	if other != nil {
		t.Fatalf("ksrelease %s: %v, %v\n%s", strings.Join(args, " "), err, other, out)
	}
	found := peakLine.FindSubmatch(status)
	if found == nil {
		t.Fatalf("the system does not tell the memory of a process:\n%s", status)
	}
	kilobytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10, string(out), command.ProcessState.ExitCode()
}

// bombMaker writes an archive as a gzip of many members. Each is compressed once
// and written often, so that gigabytes cost no time.
type bombMaker struct {
	t     *testing.T
	out   io.Writer
	known map[string][]byte
}

func (b *bombMaker) member(data []byte, level int) []byte {
	b.t.Helper()
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := zw.Write(data); err != nil {
		b.t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		b.t.Fatal(err)
	}
	return buf.Bytes()
}

func (b *bombMaker) write(data []byte) {
	b.t.Helper()
	if _, err := b.out.Write(data); err != nil {
		b.t.Fatal(err)
	}
}

// zeros writes n MiB of them.
func (b *bombMaker) zeros(mebibytes int) {
	b.t.Helper()
	if b.known["MiB"] == nil {
		b.known["MiB"] = b.member(make([]byte, 1<<20), gzip.BestCompression)
	}
	for range mebibytes {
		b.write(b.known["MiB"])
	}
}

// distinct is how many names differ where many are written: more than are read.
// From then on the last is written again, which costs no time.
const distinct = 20

// files writes n files of some MiB of zeros, named by a format.
func (b *bombMaker) files(format string, n, mebibytes int) {
	b.t.Helper()
	var head []byte
	for i := range n {
		if i < distinct || mebibytes == 1 {
			head = b.member(b.headers(tar.Header{Name: fmt.Sprintf(format, i), Size: int64(mebibytes) << 20}), gzip.BestSpeed)
		}
		b.write(head)
		b.zeros(mebibytes)
	}
}

// head writes the header of an entry.
func (b *bombMaker) head(name string, size int64) {
	b.t.Helper()
	b.write(b.member(b.headers(tar.Header{Name: name, Size: size}), gzip.BestSpeed))
}

func (b *bombMaker) headers(all ...tar.Header) []byte {
	b.t.Helper()
	var buf bytes.Buffer
	for _, h := range all {
		h.Typeflag, h.Mode = tar.TypeReg, 0o644
		if err := tar.NewWriter(&buf).WriteHeader(&h); err != nil {
			b.t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// file writes an entry with what it holds, which is not compressed.
func (b *bombMaker) file(name string, data []byte) {
	b.t.Helper()
	entry := append(b.headers(tar.Header{Name: name, Size: int64(len(data))}), data...)
	b.write(b.member(append(entry, make([]byte, (512-len(data)%512)%512)...), gzip.NoCompression))
}

func (b *bombMaker) end() {
	b.t.Helper()
	b.write(b.member(make([]byte, 1024), gzip.BestCompression))
}

// A bomb is refused within 100 MiB of memory, all of ksrelease included, with a
// message that says which file is one and what to do; nothing of it is written.
func TestBombsAreRefused(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("skipped: this system does not tell the most memory that a process had (/proc/self/status)")
	}
	if testing.Short() {
		t.Skip("skipped: under the race detector, which is what runs short, memory says nothing")
	}
	const metadata = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\n"
	nested := func(t *testing.T) []byte { // 4.9 MB of 4.6 GiB
		var buf bytes.Buffer
		b := &bombMaker{t, &buf, map[string][]byte{}}
		b.file("sub/Chart.yaml", []byte("apiVersion: v2\nname: sub\nversion: 1.0.0\n"))
		b.files("sub/%d", 1170, 4)
		b.end()
		return buf.Bytes()
	}
	tests := []struct {
		name, want string
		make       func(b *bombMaker)
	}{
		{"10 GiB in a file", "bomb has 10.0 GiB, and Helm loads no file larger than 5.0 MiB: make it smaller, or pack it again", func(b *bombMaker) {
			b.head("demo/bomb", 10<<30)
			b.zeros(10 << 10)
			b.end()
		}},
		{"10 GiB in files of 4 MiB", "more than 64.0 MiB of content: an extension may have 1 MiB packed; pack it again without what is no part of it", func(b *bombMaker) {
			b.files("demo/%d", 10<<8, 4)
			b.end()
		}},
		{"50 MiB of nothing", "the content is more than 200 times larger than the archive", func(b *bombMaker) {
			b.files("demo/%d", 50, 1)
			b.end()
		}},
		{"10 GiB behind the end", "it unpacks to more than 64.0 MiB: this is no package of an extension; pack it again from its source", func(b *bombMaker) {
			b.end()
			b.zeros(10 << 10)
		}},
		{"a claim of 8 EiB", "Helm loads no file larger than 5.0 MiB", func(b *bombMaker) { b.head("demo/bomb", 1<<63-1) }},
		{"a million empty files", "more than 10000 files and folders: an extension has some dozens; pack it again", func(b *bombMaker) {
			var batch []byte
			for i := range 1000 {
				if i < distinct {
					some := make([]tar.Header, 1000)
					for j := range some {
						some[j].Name = fmt.Sprintf("demo/%d/%d", i, j)
					}
					batch = b.member(b.headers(some...), gzip.BestSpeed)
				}
				b.write(batch)
			}
			b.end()
		}},
		{"names of a megabyte", "has 1000009 bytes, more than 1024: give it a shorter one", func(b *bombMaker) {
			for i := range 10 {
				b.head(fmt.Sprintf("demo/%03d-%s", i, strings.Repeat("x", 1_000_000)), 0)
			}
			b.end()
		}},
		{"a hundred folders deep", "is more than 32 folders deep", func(b *bombMaker) {
			b.head("demo/"+strings.Repeat("a/", 100)+"x", 0)
			b.end()
		}},
		{"14 GiB in subcharts", "charts/sub-1.0.0.tgz: error: Helm cannot load the chart: more than 64.0 MiB of content", func(b *bombMaker) {
			data := nested(b.t)
			for i := range 3 {
				b.file(fmt.Sprintf("demo/charts/sub-1.0.%d.tgz", i), data)
			}
			b.end()
		}},
	}
	var most int64
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			f, err := os.Create(filepath.Join(dir, "bomb.tgz"))
			if err != nil {
				t.Fatal(err)
			}
			b := &bombMaker{t, f, map[string][]byte{}}
			b.file("demo/extension.yaml", []byte(metadata))
			test.make(b)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"lint", "bomb.tgz"}, {"run", "--local", "bomb.tgz"}} {
				peak, output, code := peakOf(t, dir, args...)
				t.Logf("ksrelease %s: %.1f MiB", strings.Join(args, " "), float64(peak)/(1<<20))
				if peak > 100<<20 {
					t.Errorf("ksrelease %s had %d MiB of memory", strings.Join(args, " "), peak>>20)
				}
				if code != app.ExitNotReleased || !strings.Contains(output, test.want) || !strings.Contains(output, "bomb.tgz") {
					t.Errorf("ksrelease %s: exit code %d, and it says\n%s\nwant %q in it", strings.Join(args, " "), code, output, test.want)
				}
				most = max(most, peak)
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range left {
				if entry.Name() != "bomb.tgz" && entry.Name() != ".ksrelease" {
					t.Errorf("%s was written", entry.Name())
				}
			}
		})
	}
	peak, output, code := peakOf(t, t.TempDir(), "version")
	if code != app.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	t.Logf("at most %.1f MiB; a process that only tells its version has %.1f MiB", float64(most)/(1<<20), float64(peak)/(1<<20))
}
