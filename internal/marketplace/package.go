package marketplace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// maxPackageBody is the most bytes of a request with a package. It is far above the
// limit for packages, so that one that is too large is read to its end and reported with by how
// much; a client that is cut off in the middle would see a broken connection instead.
const maxPackageBody = 32 << 20

// packagePart is the name of the part of the form that holds the package.
const packagePart = "extension_package"

// pushPackage takes a package in as the draft of its version.
func (m *Marketplace) pushPackage(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("extension")
	if err := extension.ValidName(name); err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	force, err := boolParameter(r, "force")
	if err != nil {
		return err
	}
	create, err := boolParameter(r, "create_extension")
	if err != nil {
		return err
	}
	if err := m.mayPush(name, create); err != nil {
		return err
	}
	data, err := m.readPackage(w, r)
	if err != nil {
		return err
	}
	uploaded, err := m.inspect(name, data)
	if err != nil {
		return err
	}
	snapshot, err := m.keepDraft(name, uploaded, data, push{force: force, create: create})
	if err != nil {
		return err
	}
	answerJSON(w, http.StatusOK, map[string]wireSnapshot{"snapshot": snapshot.wire(name)})
	return nil
}

// push is what the address of a push asks for.
type push struct {
	force  bool // replace a draft of the same version
	create bool // register the extension when it is not known
}

func boolParameter(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, refuse(http.StatusBadRequest, "%s=%s is neither true nor false", name, text)
	}
	return value, nil
}

// mayPush refuses early what the state alone forbids, before the package is read.
func (m *Marketplace) mayPush(name string, create bool) error {
	m.mu.RLock()
	known := m.catalogue[name]
	m.mu.RUnlock()
	switch {
	case known != nil:
		return m.owns(known)
	case !create:
		return refuse(http.StatusNotFound, "there is no extension %q: create_extension=true registers it", name)
	}
	return nil
}

// readPackage reads the form and returns the package in it.
func (m *Marketplace) readPackage(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	form, err := openForm(w, r, maxPackageBody)
	if err != nil {
		return nil, err
	}
	var data []byte
	for {
		part, err := form.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if part.FormName() != packagePart {
			continue
		}
		if data != nil {
			return nil, refuse(http.StatusBadRequest, "the form has the part %s twice", packagePart)
		}
		if data, err = m.readPackagePart(part); err != nil {
			return nil, err
		}
	}
	if data == nil {
		return nil, refuse(http.StatusBadRequest, "the form has no part %s with the package in it", packagePart)
	}
	return data, nil
}

func (m *Marketplace) readPackagePart(part *multipart.Part) ([]byte, error) {
	limit := m.options.SizeLimit
	data := &bytes.Buffer{}
	if _, err := io.Copy(data, io.LimitReader(part, limit+1)); err != nil {
		return nil, bodyError(err)
	}
	if size := int64(data.Len()); size > limit {
		rest, err := io.Copy(io.Discard, part)
		if err != nil {
			return nil, bodyError(err)
		}
		return nil, refuse(http.StatusRequestEntityTooLarge,
			"the package has %d bytes, %d more than the limit of %d: make it smaller", size+rest, size+rest-limit, limit)
	}
	if data.Len() == 0 {
		return nil, refuse(http.StatusBadRequest, "the part %s is empty", packagePart)
	}
	return data.Bytes(), nil
}

// inspect looks into a package as KubeSphere will, and refuses what KubeSphere would
// later drop without a word.
func (m *Marketplace) inspect(name string, data []byte) (*packageRecord, error) {
	m.inspecting <- struct{}{}
	defer func() { <-m.inspecting }()
	metadata, err := readChart(name, data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	uploaded := &packageRecord{
		Filename:   metadata.Name + "-" + metadata.Version + ".tgz",
		Size:       int64(len(data)),
		Digest:     hex.EncodeToString(sum[:]),
		UploadedAt: m.options.Now().UTC(),
		Chart:      metadata,
	}
	return uploaded, nil
}

// readChart returns the Chart.yaml of a package of the extension called name.
func readChart(name string, data []byte) (*chart.Metadata, error) {
	found, metadata, err := openChart(name+".tgz", data)
	if err != nil {
		return nil, err
	}
	for _, mismatch := range []struct{ what, has, want string }{
		{"the name in extension.yaml", metadata.Name, name},
		{"the name in Chart.yaml", found.Name, name},
		{"the version in Chart.yaml", found.Version, metadata.Version},
	} {
		if mismatch.has != mismatch.want {
			return nil, refuse(http.StatusBadRequest, "%s is %q where %q is expected: pack the extension again and push it under its own name", mismatch.what, mismatch.has, mismatch.want)
		}
	}
	if err := extension.IndexableVersion(found.Version); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	return found, nil
}

// openChart returns the Chart.yaml and the extension.yaml of a package.
func openChart(filename string, data []byte) (*chart.Metadata, *extension.Metadata, error) {
	ext, err := extension.Read(filename, data, extension.Limits{})
	if err != nil {
		return nil, nil, refuse(http.StatusUnprocessableEntity, "the package is not one of an extension: %v", err)
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

// identify says what a file in the place of a package is the package of; nil where it
// cannot be read as one.
func (s *store) identify(name string) *chart.Metadata {
	data, err := s.read(name, maxPackageBody)
	if err != nil {
		return nil
	}
	found, metadata, err := openChart("package.tgz", data)
	if err != nil || found.Name != metadata.Name || extension.ValidName(found.Name) != nil || extension.ValidVersion(found.Version) != nil {
		return nil
	}
	return found
}

func unloadable(err error) error {
	return refuse(http.StatusUnprocessableEntity, "the package does not load as a Helm chart: %s", kubesphere.LoadError(err))
}

// keepDraft stores a package and makes it the draft of its version.
func (m *Marketplace) keepDraft(name string, uploaded *packageRecord, data []byte, asked push) (*snapshotRecord, error) {
	version := uploaded.Chart.Version
	release, err := m.claimFilename(uploaded.Filename, claim{name, version})
	if err != nil {
		return nil, err
	}
	var kept *snapshotRecord
	err = m.change(name, func(old *extensionRecord) (*extensionRecord, error) {
		if old == nil {
			old = &extensionRecord{ID: m.newID(), Name: name, Owner: m.options.User}
		}
		snapshot, err := m.draft(old, version, asked)
		if err != nil {
			return nil, err
		}
		snapshot.Package = uploaded
		if err := m.store.keepPackage(uploaded.Digest, data); err != nil {
			return nil, fmt.Errorf("keeping the package of %s %s: %w", name, version, err)
		}
		kept = &snapshot
		return old.with(snapshot), nil
	})
	if err != nil {
		release()
		return nil, err
	}
	return kept, nil
}

// draft is the snapshot that a push to a version leads to: a new one, or the draft that
// is there, under the ID it has.
func (m *Marketplace) draft(extension *extensionRecord, version string, asked push) (snapshotRecord, error) {
	now := m.options.Now().UTC()
	if err := m.owns(extension); err != nil {
		return snapshotRecord{}, err
	}
	existing, ok := extension.version(version)
	switch {
	case !ok:
		return snapshotRecord{ID: m.newID(), Version: version, Status: draft, CreatedAt: now, UpdatedAt: now}, nil
	case existing.Status == submitted || existing.Status == active:
		return snapshotRecord{}, refuse(http.StatusConflict, "version %s of %s is %s already and cannot be replaced: push another version", version, extension.Name, existing.Status)
	case existing.Status != draft:
		// Force replaces a draft; what was reviewed is taken back first, by who means it.
		return snapshotRecord{}, refuse(http.StatusConflict, "version %s of %s is %s: take the submission back first, or push another version", version, extension.Name, existing.Status)
	case !asked.force:
		return snapshotRecord{}, refuse(http.StatusConflict, "version %s of %s exists as %s: force=true replaces it", version, extension.Name, existing.Status)
	}
	return existing.moved(draft, "", now), nil
}

// claimFilename makes sure that a file name of the repository stands for one package.
// The claim is given back by release when nothing came of the push; one that was there
// before stays.
func (m *Marketplace) claimFilename(filename string, wanted claim) (release func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch holder, taken := m.filenames[filename]; {
	case !taken:
		m.filenames[filename] = wanted
		return func() { m.unclaim(filename, wanted) }, nil
	case holder != wanted:
		return nil, refuse(http.StatusConflict, "the file name %s is that of version %s of %s: choose another version", filename, holder.version, holder.extension)
	}
	return func() { m.unclaim(filename, wanted) }, nil
}

// unclaim gives a file name back, unless a snapshot has it by now.
func (m *Marketplace) unclaim(filename string, given claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.catalogue[given.extension]; known != nil {
		if _, ok := known.version(given.version); ok {
			return
		}
	}
	delete(m.filenames, filename)
}
