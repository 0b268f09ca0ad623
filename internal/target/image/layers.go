package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// groups is how many layers there are for packages at most. Those of an extension are in one, so that a new
// version sends the layer of a few extensions and not all packages; and with those of the base the image stays far
// below the 127 layers that overlayfs takes.
const groups = 32

// groupOf is the layer that the packages of an extension are in. It depends on the name alone, or
// another extension would move packages from layer to layer.
func groupOf(name string) int {
	sum := sha256.Sum256([]byte(name))
	return int(sum[0]) % groups
}

// chartsDir is where ks-core has ChartMuseum look for packages.
const chartsDir = "charts"

// mostLayer bounds what is read of a layer with packages, in bytes.
const mostLayer = 1 << 30

// file is a file of a layer.
type file struct {
	name string
	data []byte
	mode int64
}

// packLayer makes a layer: the same files give the same bytes. Packages are compressed already; level is
// that of gzip.
func packLayer(files []file, level int) (data []byte, diffID string, err error) {
	var out bytes.Buffer
	sum := sha256.New()
	compressed, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil, "", err
	}
	archive := tar.NewWriter(io.MultiWriter(compressed, sum))
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	made := map[string]bool{}
	for _, f := range files {
		if dir, _, ok := strings.Cut(f.name, "/"); ok && !made[dir] {
			made[dir] = true
			if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}); err != nil {
				return nil, "", err
			}
		}
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: f.mode}); err != nil {
			return nil, "", err
		}
		if _, err := archive.Write(f.data); err != nil {
			return nil, "", err
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		return nil, "", err
	}
	return out.Bytes(), digest.NewDigest(digest.SHA256, sum).String(), nil
}

// eachPackage goes through the packages of a layer until visit says that it has enough.
func eachPackage(from io.Reader, visit func(filename string, content io.Reader) (enough bool, err error)) error {
	plain, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("its layer is no gzip: %w", err)
	}
	archive := tar.NewReader(io.LimitReader(plain, mostLayer))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("its layer cannot be read: %w", err)
		}
		name, ok := strings.CutPrefix(header.Name, chartsDir+"/")
		if !ok || header.Typeflag != tar.TypeReg || header.Size > mostPackage {
			continue
		}
		if enough, err := visit(name, archive); enough || err != nil {
			return err
		}
	}
}

// mostPackage bounds a package, in bytes.
const mostPackage = 64 << 20
