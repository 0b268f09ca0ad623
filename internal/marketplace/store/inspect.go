package store

import (
	"archive/tar"
	"bytes"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// MaxPackage is the most bytes of a package that are read: far above what a marketplace
// takes.
const MaxPackage = 32 << 20

// OpenChart returns the Chart.yaml and the extension.yaml of a package.
func OpenChart(filename string, data []byte) (*chart.Metadata, *extension.Metadata, error) {
	ext, err := extension.Read(filename, data, extension.Limits{})
	if err != nil {
		return nil, nil, wire.Refuse(http.StatusUnprocessableEntity, "the package is not one of an extension: %v", err)
	}
	// Loaded first from what was just read within limits, archives within the archive
	// included: Helm's own loader would unpack those whatever they claim to hold.
	if _, err := ext.Chart(); err != nil {
		return nil, nil, unloadable(err)
	}
	// What counts is the Chart.yaml in the package, not one derived here.
	found, err := chartOf(ext, data)
	if err != nil {
		return nil, nil, unloadable(err)
	}
	return found, &ext.Metadata, nil
}

// chartOf is what Helm takes for the Chart.yaml of a package, of which all that does not depend on this file has
// been loaded. To unpack and load the rest once more would be half of what a push costs.
func chartOf(ext *extension.Extension, data []byte) (*chart.Metadata, error) {
	files := besideChart(ext.Content())
	if files == nil || !isPlain(data) {
		loaded, err := loader.LoadArchive(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return loaded.Metadata, nil
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	return loaded.Metadata, nil
}

// besideChart are Chart.yaml and the files that Helm reads with it. They are nil where Helm may refuse a file of
// the package, or take it for another one.
func besideChart(c extension.Content) (files []*loader.BufferedFile) {
	if c.FoundChart == nil {
		return nil
	}
	left := loader.MaxDecompressedChartSize
	for _, f := range append([]extension.File{{Name: extension.ChartFile, Data: c.FoundChart}}, c.Files...) {
		size := int64(len(f.Data))
		if left -= size; size > loader.MaxDecompressedFileSize || left <= 0 || strings.HasPrefix(f.Name, "..") || strings.Contains(f.Name, ":") {
			return nil
		}
		switch f.Name {
		case extension.ChartFile, "Chart.lock", "requirements.yaml", "requirements.lock":
			files = append(files, &loader.BufferedFile{Name: f.Name, Data: bytes.TrimPrefix(f.Data, []byte("\uFEFF"))})
		}
	}
	return files
}

// isPlain reports whether a package begins as one that Helm makes: with the folder of the chart, which has another
// name than a file that Helm looks for at the top.
func isPlain(data []byte) bool {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return false
	}
	defer zr.Close()
	first, err := tar.NewReader(zr).Next()
	return err == nil && first.Typeflag != tar.TypeXGlobalHeader && !strings.HasPrefix(first.Name, extension.ChartFile)
}

// Identify says what a file in the place of a package is the package of; nil where it
// cannot be read as one.
func (s *Store) Identify(name string) *chart.Metadata {
	data, err := s.Read(name, MaxPackage)
	if err != nil {
		return nil
	}
	found, metadata, err := OpenChart("package.tgz", data)
	if err != nil || found.Name != metadata.Name || naming.ValidName(found.Name) != nil || naming.ValidVersion(found.Version) != nil {
		return nil
	}
	return found
}

func unloadable(err error) error {
	return wire.Refuse(http.StatusUnprocessableEntity, "the package does not load as a Helm chart: %s", kubesphere.LoadError(err))
}
