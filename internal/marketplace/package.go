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

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
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
	if err := naming.ValidName(name); err != nil {
		return wire.Refuse(http.StatusBadRequest, "%v", err)
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
	wire.AnswerJSON(w, http.StatusOK, map[string]wireSnapshot{"snapshot": snapshotOnWire(snapshot, name)})
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
		return false, wire.Refuse(http.StatusBadRequest, "%s=%s is neither true nor false", name, text)
	}
	return value, nil
}

// mayPush refuses early what the state alone forbids, before the package is read.
func (m *Marketplace) mayPush(name string, create bool) error {
	known, err := m.state.Find(name)
	switch {
	case err == nil:
		return known.OwnedBy(m.options.User)
	case !create:
		return wire.Refuse(http.StatusNotFound, "there is no extension %q: create_extension=true registers it", name)
	}
	return nil
}

// readPackage reads the form and returns the package in it.
func (m *Marketplace) readPackage(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	form, err := wire.OpenForm(w, r, maxPackageBody)
	if err != nil {
		return nil, err
	}
	var data []byte
	for {
		part, err := form.Next()
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
			return nil, wire.Refuse(http.StatusBadRequest, "the form has the part %s twice", packagePart)
		}
		if data, err = m.readPackagePart(part); err != nil {
			return nil, err
		}
	}
	if data == nil {
		return nil, wire.Refuse(http.StatusBadRequest, "the form has no part %s with the package in it", packagePart)
	}
	return data, nil
}

func (m *Marketplace) readPackagePart(part *multipart.Part) ([]byte, error) {
	limit := m.options.SizeLimit
	data := &bytes.Buffer{}
	if _, err := io.Copy(data, io.LimitReader(part, limit+1)); err != nil {
		return nil, wire.BodyError(err)
	}
	if size := int64(data.Len()); size > limit {
		rest, err := io.Copy(io.Discard, part)
		if err != nil {
			return nil, wire.BodyError(err)
		}
		return nil, wire.Refuse(http.StatusRequestEntityTooLarge,
			"the package has %d bytes, %d more than the limit of %d: make it smaller", size+rest, size+rest-limit, limit)
	}
	if data.Len() == 0 {
		return nil, wire.Refuse(http.StatusBadRequest, "the part %s is empty", packagePart)
	}
	return data.Bytes(), nil
}

// inspect looks into a package as KubeSphere will, and refuses what KubeSphere would
// later drop without a word.
func (m *Marketplace) inspect(name string, data []byte) (*catalog.Package, error) {
	m.inspecting <- struct{}{}
	defer func() { <-m.inspecting }()
	metadata, err := readChart(name, data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	uploaded := &catalog.Package{
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
	found, metadata, err := store.OpenChart(name+".tgz", data)
	if err != nil {
		return nil, err
	}
	for _, mismatch := range []struct{ what, has, want string }{
		{"the name in extension.yaml", metadata.Name, name},
		{"the name in Chart.yaml", found.Name, name},
		{"the version in Chart.yaml", found.Version, metadata.Version},
	} {
		if mismatch.has != mismatch.want {
			return nil, wire.Refuse(http.StatusBadRequest, "%s is %q where %q is expected: pack the extension again and push it under its own name", mismatch.what, mismatch.has, mismatch.want)
		}
	}
	if err := naming.IndexableVersion(found.Version); err != nil {
		return nil, wire.Refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	return found, nil
}

// keepDraft stores a package and makes it the draft of its version.
func (m *Marketplace) keepDraft(name string, uploaded *catalog.Package, data []byte, asked push) (*catalog.Snapshot, error) {
	version := uploaded.Chart.Version
	release, err := m.state.ClaimFilename(uploaded.Filename, catalog.Claim{Extension: name, Version: version})
	if err != nil {
		return nil, err
	}
	var kept *catalog.Snapshot
	err = m.state.Change(name, func(old *catalog.Extension) (*catalog.Extension, error) {
		if old == nil {
			old = &catalog.Extension{ID: m.state.NewID(), Name: name, Owner: m.options.User}
		}
		snapshot, err := m.draft(old, version, asked)
		if err != nil {
			return nil, err
		}
		snapshot.Package = uploaded
		if err := m.state.Store.KeepPackage(uploaded.Digest, data); err != nil {
			return nil, fmt.Errorf("keeping the package of %s %s: %w", name, version, err)
		}
		kept = &snapshot
		return old.With(snapshot), nil
	})
	if err != nil {
		release()
		return nil, err
	}
	return kept, nil
}

// draft is the snapshot that a push to a version leads to: a new one, or the draft that
// is there, under the ID it has.
func (m *Marketplace) draft(extension *catalog.Extension, version string, asked push) (catalog.Snapshot, error) {
	now := m.options.Now().UTC()
	if err := extension.OwnedBy(m.options.User); err != nil {
		return catalog.Snapshot{}, err
	}
	existing, ok := extension.Version(version)
	switch {
	case !ok:
		return catalog.Snapshot{ID: m.state.NewID(), Version: version, Status: catalog.Draft, CreatedAt: now, UpdatedAt: now}, nil
	case existing.Status == catalog.Submitted || existing.Status == catalog.Active:
		return catalog.Snapshot{}, wire.Refuse(http.StatusConflict, "version %s of %s is %s already and cannot be replaced: push another version", version, extension.Name, existing.Status)
	case existing.Status != catalog.Draft:
		// Force replaces a draft; what was reviewed is taken back first, by who means it.
		return catalog.Snapshot{}, wire.Refuse(http.StatusConflict, "version %s of %s is %s: take the submission back first, or push another version", version, extension.Name, existing.Status)
	case !asked.force:
		return catalog.Snapshot{}, wire.Refuse(http.StatusConflict, "version %s of %s exists as %s: force=true replaces it", version, extension.Name, existing.Status)
	}
	return existing.Moved(catalog.Draft, "", now), nil
}
