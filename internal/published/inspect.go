package published

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// Candidate is an archive that is not published yet.
type Candidate struct {
	Name, Version string
	Archive       []byte
	// Packed are the files of which the archive was made just now; nil where it comes from
	// elsewhere. They need not be unpacked again to be looked at.
	Packed []extension.File
	// Loads says that Helm has loaded this content already.
	Loads bool
}

// Inspect looks at an archive that is not published yet as KubeSphere will look at it when it is:
// the error is what KubeSphere would pass over without a word.
func Inspect(ctx context.Context, c Candidate) error {
	files, known := asHelmReads(c.Packed)
	var err error
	if !known {
		files, err = loader.LoadArchiveFiles(bytes.NewReader(c.Archive))
	}
	complaint := ""
	if err != nil {
		complaint = "its archive does not load in Helm: " + kubesphere.LoadError(err)
	} else if complaint = LeftOut(c.Version, files); complaint == "" && !c.Loads {
		if complaint, err = Inside(ctx, c.Name, c.Version, files); err != nil {
			return err
		}
	}
	if complaint != "" {
		return failure.WithHint(fmt.Errorf("KubeSphere would not find it: %s", complaint), "correct the extension: ksrelease lint names the file and the line, where none of its rules is off")
	}
	return nil
}

// readers are kept from one archive to the next: each has 40 KiB.
var readers sync.Pool

// IsWhole reports whether an archive unpacks to as many bytes, with the checksum, as its writer has counted: what was
// seen of its files holds for whoever unpacks it.
func IsWhole(archive []byte) bool {
	r, _ := readers.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer readers.Put(r)
	if r.Reset(bytes.NewReader(archive)) != nil {
		return false
	}
	_, err := io.Copy(io.Discard, r)
	return err == nil
}

// byteOrderMark is what Helm takes off the beginning of a file.
var byteOrderMark = []byte("\uFEFF")

// asHelmReads are the files that Helm finds in an archive of the given ones. known is false where
// Helm may refuse some of them, or take them for others: then it has to read the archive.
func asHelmReads(packed []extension.File) (files []*loader.BufferedFile, known bool) {
	left := loader.MaxDecompressedChartSize
	for _, f := range packed {
		size := int64(len(f.Data))
		left -= size
		if size > loader.MaxDecompressedFileSize || left <= 0 || path.Clean(f.Name) != f.Name || path.IsAbs(f.Name) || strings.HasPrefix(f.Name, "..") || strings.ContainsAny(f.Name, `\:`) {
			return nil, false
		}
		files = append(files, &loader.BufferedFile{Name: f.Name, Data: bytes.TrimPrefix(f.Data, byteOrderMark)})
	}
	return files, len(files) > 0
}
