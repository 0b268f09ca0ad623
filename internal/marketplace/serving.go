package marketplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// serving is what a process that serves a marketplace leaves in its directory for
// others on the same host.
type serving struct {
	Address string `json:"address"` // as a URL, without a slash at the end
	Token   string `json:"admin_token"`
	PID     int    `json:"pid"`
}

// SetAddress makes known that the marketplace is served at addr, HOST:PORT or a URL, so
// that another process can find it (Remote, LockedError). A host that stands for all
// addresses is written as 127.0.0.1, since it is for processes of this host. The file
// holds the token for the administration and is readable by its owner alone.
func (m *Marketplace) SetAddress(addr string) error {
	data, err := json.Marshal(serving{Address: localURL(addr), Token: m.adminToken, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("encoding the address of the marketplace: %w", err)
	}
	return m.store.write(servingFile, append(data, '\n'), 0o600)
}

// localURL is the address for a client on the host that listens on addr.
func localURL(addr string) string {
	if strings.Contains(addr, "://") {
		return strings.TrimSuffix(addr, "/")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// forgetServing removes the address: of this process when it ends, or of one that was
// killed before it could.
func (s *store) forgetServing() error {
	if err := s.root.Remove(servingFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readServing(dir string) (serving, error) {
	var found serving
	file := filepath.Join(dir, filepath.FromSlash(servingFile))
	data, err := os.ReadFile(file)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(data, &found); err != nil || found.Address == "" {
		return found, fmt.Errorf("%s is not the address of a marketplace", file)
	}
	return found, nil
}
