package replay

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// Package is what KubeSphere finds in the package of an entry.
type Package struct {
	// Spec is what it keeps of extension.yaml, but for pictures and texts.
	Spec kubesphere.Extension
	// Assets are the http(s) addresses of its icon and screenshots.
	Assets []string

	fault   *fault // why the version is dropped
	remarks []*fault
	// size and card are the sizes of the ExtensionVersion and of the Extension, in bytes.
	size, card int
}

// fault is something wrong with an entry, by its code.
type fault struct {
	code   Code
	detail string // of this entry
	hint   string // of this entry; empty: that of the code
}

// faultOfEntry says why KubeSphere drops an entry without looking at its package.
func faultOfEntry(entry helmrepo.Entry) *fault {
	switch {
	case entry.OwnName != entry.Name:
		return &fault{code: CodeOwnName, detail: fmt.Sprintf("its own name is %q", entry.OwnName)}
	case len(entry.URLs) == 0:
		return &fault{code: CodeNoURL}
	}
	if _, err := url.Parse(entry.URLs[0]); err != nil {
		return &fault{code: CodeNoURL, detail: "its URL is no address"}
	}
	if err := naming.IndexableVersion(entry.Version); err != nil {
		return faultOfVersion(entry.Version)
	}
	return nil
}

// faultOfVersion is what is wrong with a version that the controller does not take.
func faultOfVersion(version string) *fault {
	message, hint := naming.VersionProblem(version)
	if message == "" {
		return &fault{code: CodeInvalidVersion}
	}
	return &fault{code: CodeInvalidVersion, detail: message + ": " + hint}
}

// Failed is the package of an entry that could not be downloaded.
func Failed(err error) *Package {
	return &Package{fault: &fault{code: CodeNotDownloaded, detail: err.Error(), hint: failure.Hint(err)}}
}

// maxMetadata is the largest extension.yaml that is decoded here, in bytes. What is larger
// cannot be stored unless most of it is comments.
const maxMetadata = 4 << 20

// Read looks at the package of an entry as KubeSphere does (fetchExtensionVersionSpec in
// pkg/controller/core/util.go). The archive may be of anybody: Helm's loader bounds what it
// unpacks to, so archives should be read one at a time.
func Read(entry helmrepo.Entry, archive []byte) *Package {
	found := &Package{}
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	switch {
	case err != nil:
		found.fault = &fault{code: CodeNotLoaded, detail: kubesphere.LoadError(err)}
		return found
	case loaded.Metadata == nil:
		found.fault = &fault{code: CodeNotLoaded, detail: "it has no Chart.yaml"}
		return found
	}
	if naming.IndexableVersion(loaded.Metadata.Version) != nil {
		found.fault = faultOfVersion(loaded.Metadata.Version)
		return found
	}
	source := file(loaded, naming.MetadataFile)
	if source == nil {
		found.fault = &fault{code: CodeNoExtensionYAML}
		return found
	}
	spec, err := decode(source)
	if err != nil {
		found.fault = &fault{code: CodeUndecodable, detail: err.Error()}
		return found
	}
	found.keep(spec.Stored(func(name string) []byte { return file(loaded, name) }), entry)
	switch {
	case loaded.Metadata.Name != entry.Name:
		found.fault = &fault{code: CodeOtherChart, detail: fmt.Sprintf("its Chart.yaml has the name %q", loaded.Metadata.Name)}
	case spec.Version == "":
		found.fault = &fault{code: CodeNoVersion}
		if line, _ := kubesphere.CutShort(source); line > 0 {
			found.fault.detail = fmt.Sprintf("only what stands before line %d of extension.yaml is read, which is ---", line)
			found.fault.hint = fmt.Sprintf("take out line %d of extension.yaml", line)
		}
	case !isSemVer(spec.Version):
		found.fault = faultOfVersion(spec.Version)
	}
	if found.fault == nil {
		found.remarks = remarksOn(entry, archive, found)
	}
	return found
}

// keep keeps what is needed of an extension as it is stored: of a hundred packages, whatever
// is in them.
func (p *Package) keep(stored kubesphere.Extension, entry helmrepo.Entry) {
	p.size, p.card = stored.VersionSize(entry.Annotations), stored.CardSize()
	for _, address := range append([]string{stored.Icon}, stored.Screenshots...) {
		if len(p.Assets) < 20 && len(address) < 2048 && (strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")) {
			p.Assets = append(p.Assets, address)
		}
	}
	p.Spec = kubesphere.Extension{
		Version: stored.Version, Category: stored.Category, KubeVersion: stored.KubeVersion, KSVersion: stored.KSVersion,
		InstallationMode: stored.InstallationMode, Namespace: stored.Namespace,
	}
}

func decode(source []byte) (kubesphere.Extension, error) {
	if len(source) > maxMetadata {
		return kubesphere.Extension{}, errors.New("it is larger than 4 MiB, and was not read")
	}
	return kubesphere.DecodeExtension(source)
}

// file is a file at the top of a chart; nil where there is none.
func file(of *chart.Chart, name string) []byte {
	for _, f := range of.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// remarksOn are what is not right with a version that KubeSphere takes.
func remarksOn(entry helmrepo.Entry, archive []byte, found *Package) (remarks []*fault) {
	if listed := strings.TrimPrefix(entry.Digest, "sha256:"); listed != "" && listed != digest(archive) {
		remarks = append(remarks, &fault{code: CodeDigest})
	}
	if found.Spec.Version != entry.Version {
		remarks = append(remarks, &fault{code: CodeVersionDiffers, detail: fmt.Sprintf("the index has %s", entry.Version)})
	}
	return remarks
}

// refusals are why the API server refuses the objects of a version; of the Extension, too,
// where it is the highest.
func (p *Package) refusals(entry helmrepo.Entry, highest bool) (faults []*fault) {
	for _, key := range sortedKeys(entry.Annotations) {
		if why := kubesphere.AnnotationKey(key); why != "" {
			faults = append(faults, &fault{code: CodeAnnotationKey, detail: fmt.Sprintf("%q", key)})
		}
	}
	if size := kubesphere.AnnotationsSize(entry.Annotations); size > kubesphere.MaxAnnotations {
		faults = append(faults, &fault{code: CodeAnnotationsSize, detail: fmt.Sprintf("%d bytes", size)})
	}
	if p == nil {
		return faults
	}
	if kubesphere.LabelValue(p.Spec.Category) != "" {
		faults = append(faults, &fault{code: CodeCategory, detail: fmt.Sprintf("%q", p.Spec.Category)})
	}
	if mode := p.Spec.InstallationMode; mode != "" && !isInstallationMode(mode) {
		faults = append(faults, &fault{code: CodeInstallationMode, detail: fmt.Sprintf("%q", mode)})
	}
	const limit = kubesphere.MaxObject - kubesphere.ObjectMetadata
	if p.size > limit {
		detail := fmt.Sprintf("%d bytes", p.size)
		if highest && p.card > limit {
			detail = fmt.Sprintf("%d bytes, of which the icon and texts of the card have %d", p.size, p.card)
		}
		faults = append(faults, &fault{code: CodeTooLarge, detail: detail})
	}
	return faults
}
