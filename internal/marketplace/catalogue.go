package marketplace

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// wireExtension is an EXTENSION of the interface.
type wireExtension struct {
	ID            string      `json:"extension_id"`
	Name          string      `json:"name"`
	Status        status      `json:"status"`
	LatestVersion wireVersion `json:"latest_version"`
}

type wireVersion struct {
	Version string `json:"version"` // empty until a version is approved
}

// wireSnapshot is a SNAPSHOT of the interface.
type wireSnapshot struct {
	ID        string       `json:"snapshot_id"`
	Metadata  wireMetadata `json:"metadata"`
	Status    status       `json:"status"`
	UpdatedAt time.Time    `json:"updated_at"`
	Message   string       `json:"message,omitempty"`
}

type wireMetadata struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (e *extensionRecord) wire() wireExtension {
	wire := wireExtension{ID: e.ID, Name: e.Name, Status: e.status()}
	if latest, ok := e.latest(); ok {
		wire.LatestVersion.Version = latest.Version
	}
	return wire
}

func (s *snapshotRecord) wire(extension string) wireSnapshot {
	return wireSnapshot{
		ID:        s.ID,
		Metadata:  wireMetadata{Name: extension, Version: s.Version},
		Status:    s.Status,
		UpdatedAt: s.UpdatedAt,
		Message:   s.Message,
	}
}

func (m *Marketplace) getUser(w http.ResponseWriter, _ *http.Request) error {
	answerJSON(w, http.StatusOK, map[string]string{"user_id": m.options.User})
	return nil
}

func (m *Marketplace) getExtension(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	answerJSON(w, http.StatusOK, extension.wire())
	return nil
}

func (m *Marketplace) getSnapshots(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	snapshots := make([]wireSnapshot, len(extension.Snapshots))
	for i := range extension.Snapshots {
		snapshots[i] = extension.Snapshots[i].wire(extension.Name)
	}
	answerJSON(w, http.StatusOK, snapshots)
	return nil
}

func (m *Marketplace) getVersion(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	snapshot, ok := extension.version(r.PathValue("version"))
	if !ok {
		return noVersion(extension.Name, r.PathValue("version"))
	}
	answerJSON(w, http.StatusOK, snapshot.wire(extension.Name))
	return nil
}

// searchExtensions lists extensions by author and status; "*" stands for every status,
// and no author or no status named for all of them.
func (m *Marketplace) searchExtensions(w http.ResponseWriter, r *http.Request) error {
	var query struct {
		Developers []string `json:"developer_ids"`
		Statuses   []status `json:"statuses"`
	}
	if err := readJSON(w, r, &query); err != nil {
		return err
	}
	everyStatus := len(query.Statuses) == 0 || slices.Contains(query.Statuses, "*")
	found := []wireExtension{}
	for _, extension := range m.all() {
		wire := extension.wire()
		if len(query.Developers) > 0 && !slices.Contains(query.Developers, extension.Owner) {
			continue
		}
		if everyStatus || slices.Contains(query.Statuses, wire.Status) {
			found = append(found, wire)
		}
	}
	answerJSON(w, http.StatusOK, map[string][]wireExtension{"extensions": found})
	return nil
}

// find returns the extension of that name as it is now.
func (m *Marketplace) find(name string) (*extensionRecord, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	extension, ok := m.catalogue[name]
	if !ok {
		return nil, refuse(http.StatusNotFound, "there is no extension %q", name)
	}
	return extension, nil
}

func noVersion(name, version string) *refusal {
	return refuse(http.StatusNotFound, "there is no version %q of %s", version, name)
}

// all returns every extension, sorted by name.
func (m *Marketplace) all() []*extensionRecord {
	m.mu.RLock()
	defer m.mu.RUnlock()
	extensions := make([]*extensionRecord, 0, len(m.catalogue))
	for _, name := range sortedKeys(m.catalogue) {
		extensions = append(extensions, m.catalogue[name])
	}
	return extensions
}

var nameSeed = maphash.MakeSeed()

// change replaces the record of an extension: what decide makes of the one there is
// (nil: none) goes to disk, then into the catalogue. Changes of one extension follow one
// another; those of others go on meanwhile.
func (m *Marketplace) change(name string, decide func(old *extensionRecord) (*extensionRecord, error)) error {
	if m.options.ReadOnly {
		return errReadOnly
	}
	writer := &m.writers[maphash.String(nameSeed, name)%uint64(len(m.writers))]
	writer.Lock()
	defer writer.Unlock()
	m.mu.RLock()
	old := m.catalogue[name]
	m.mu.RUnlock()
	next, err := decide(old)
	if err != nil {
		return err
	}
	if err := m.store.writeExtension(next); err != nil {
		m.store.dropUnwritten(old, next)
		return err
	}
	if old == nil {
		if err := m.enter(name); err != nil {
			m.store.withdrawRecord(next)
			return err
		}
	}
	m.mu.Lock()
	m.adopt(next)
	m.mu.Unlock()
	m.publisher.wake()
	m.store.dropReplaced(old, next)
	return nil
}

// enter puts an extension that has a record by now into the contents. Many that come at
// once are written in one go.
func (m *Marketplace) enter(name string) error {
	m.mu.Lock()
	m.entering[name] = true
	m.mu.Unlock()
	m.register.Lock()
	defer m.register.Unlock()
	m.mu.Lock()
	done := m.registered[name]
	next := contents{ExternalURL: m.externalBase()}
	entered := maps.Clone(m.entering)
	for known := range m.registered {
		next.Extensions = append(next.Extensions, known)
	}
	for known := range entered {
		next.Extensions = append(next.Extensions, known)
	}
	m.mu.Unlock()
	if done {
		return nil // by the one before, whose list had it
	}
	err := m.store.writeContents(next)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		delete(m.entering, name)
		return err
	}
	for known := range entered {
		m.registered[known] = true
		delete(m.entering, known)
	}
	return nil
}

// maxJSONBody is the most bytes of a JSON body: a message or a short list.
const maxJSONBody = 64 << 10

// readJSON reads the body of a request. An empty one is an empty object.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody))
	if err != nil {
		return bodyError(err)
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refuse(http.StatusBadRequest, "the body is not the JSON that belongs here: %v", plainJSON(err))
	}
	return nil
}

// bodyError is the refusal for a body that could not be read to its end.
func bodyError(err error) error {
	var known *refusal
	if errors.As(err, &known) {
		return known
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", tooLarge.Limit)
	}
	return refuse(http.StatusBadRequest, "the request could not be read to its end: %v", err)
}
