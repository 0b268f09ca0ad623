package store

import (
	"bytes"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
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
	loaded, err := loader.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return nil, nil, unloadable(err)
	}
	return loaded.Metadata, &ext.Metadata, nil
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
