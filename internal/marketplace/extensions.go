package marketplace

import (
	"net/http"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/state"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// wireExtension is an EXTENSION of the interface.
type wireExtension struct {
	ID            string         `json:"extension_id"`
	Name          string         `json:"name"`
	Status        catalog.Status `json:"status"`
	LatestVersion wireVersion    `json:"latest_version"`
}

type wireVersion struct {
	Version string `json:"version"` // empty until a version is approved
}

// wireSnapshot is a SNAPSHOT of the interface.
type wireSnapshot struct {
	ID        string         `json:"snapshot_id"`
	Metadata  wireMetadata   `json:"metadata"`
	Status    catalog.Status `json:"status"`
	UpdatedAt time.Time      `json:"updated_at"`
	Message   string         `json:"message,omitempty"`
}

type wireMetadata struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func onWire(e *catalog.Extension) wireExtension {
	shown := wireExtension{ID: e.ID, Name: e.Name, Status: e.Status()}
	if latest, ok := e.Latest(); ok {
		shown.LatestVersion.Version = latest.Version
	}
	return shown
}

func snapshotOnWire(s *catalog.Snapshot, extension string) wireSnapshot {
	return wireSnapshot{
		ID:        s.ID,
		Metadata:  wireMetadata{Name: extension, Version: s.Version},
		Status:    s.Status,
		UpdatedAt: s.UpdatedAt,
		Message:   s.Message,
	}
}

func (m *Marketplace) getUser(w http.ResponseWriter, _ *http.Request) error {
	wire.AnswerJSON(w, http.StatusOK, map[string]string{"user_id": m.options.User})
	return nil
}

func (m *Marketplace) getExtension(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.state.Find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	wire.AnswerJSON(w, http.StatusOK, onWire(extension))
	return nil
}

func (m *Marketplace) getSnapshots(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.state.Find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	snapshots := make([]wireSnapshot, len(extension.Snapshots))
	for i := range extension.Snapshots {
		snapshots[i] = snapshotOnWire(&extension.Snapshots[i], extension.Name)
	}
	wire.AnswerJSON(w, http.StatusOK, snapshots)
	return nil
}

func (m *Marketplace) getVersion(w http.ResponseWriter, r *http.Request) error {
	extension, err := m.state.Find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	snapshot, ok := extension.Version(r.PathValue("version"))
	if !ok {
		return state.NoVersion(extension.Name, r.PathValue("version"))
	}
	wire.AnswerJSON(w, http.StatusOK, snapshotOnWire(snapshot, extension.Name))
	return nil
}

// searchExtensions lists extensions by author and status; "*" stands for every status,
// and no author or no status named for all of them.
func (m *Marketplace) searchExtensions(w http.ResponseWriter, r *http.Request) error {
	var query struct {
		Developers []string         `json:"developer_ids"`
		Statuses   []catalog.Status `json:"statuses"`
	}
	if err := wire.ReadJSON(w, r, &query); err != nil {
		return err
	}
	everyStatus := len(query.Statuses) == 0 || slices.Contains(query.Statuses, "*")
	found := []wireExtension{}
	for _, extension := range m.state.All() {
		shown := onWire(extension)
		if len(query.Developers) > 0 && !slices.Contains(query.Developers, extension.Owner) {
			continue
		}
		if everyStatus || slices.Contains(query.Statuses, shown.Status) {
			found = append(found, shown)
		}
	}
	wire.AnswerJSON(w, http.StatusOK, map[string][]wireExtension{"extensions": found})
	return nil
}
