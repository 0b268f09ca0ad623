package marketplace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"

	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
)

// Local is a marketplace that answers on this machine: in this process, or in the one that
// serves it.
type Local struct {
	Address   string // where it answers
	AssetHost string // what its addresses of files and packages begin with
	Key       string // an API key that it takes
	// Status is that of a version; empty where there is none. It is nil where another process serves the
	// marketplace.
	Status func(name, version string) string
	close  func()
}

// Close ends what was begun for it. A marketplace that another process serves goes on.
func (l *Local) Close() { l.close() }

// OpenLocal serves the marketplace in dir on a port of the loopback address, until Close.
// Uploaded files get addresses at the port on which `ksrelease marketplace serve` would serve
// them, so that they outlive this process, unless the marketplace has an external URL. Where
// another process serves dir, it goes to that one.
//
// With readOnly nothing in dir is changed; where there is no marketplace, it is empty.
func OpenLocal(ctx context.Context, dir string, readOnly bool, warn func(string)) (*Local, error) {
	options := Options{FilesURL: "http://" + DefaultAddr, Token: "kck-" + rand.Text(), ReadOnly: readOnly, Warn: warn}
	m, err := Open(dir, options)
	var locked *lease.LockedError
	if errors.As(err, &locked) && locked.Address != "" {
		return ConnectLocal(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	assetHost := options.FilesURL
	if external := m.ExternalURL(); external != "" {
		assetHost = external
	} else if readOnly {
		// What is read is the same, but addresses of files would be those of that process.
		if served, err := ConnectLocal(ctx, dir); err == nil {
			assetHost = served.AssetHost
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving the local marketplace: %w", err), m.Close())
	}
	server := NewServer(m.GuardHost(listener.Addr(), m))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close, below
	}()
	return &Local{
		Address: "http://" + listener.Addr().String(), AssetHost: assetHost, Key: options.Token, Status: m.status,
		close: func() {
			_ = server.Close()
			<-done
			_ = m.Close() // the static repository is made anew on the next Open
		},
	}, nil
}

// ConnectLocal goes to the process that serves the marketplace in dir.
func ConnectLocal(ctx context.Context, dir string) (*Local, error) {
	served, err := lease.Connect(ctx, dir)
	if err != nil {
		return nil, err
	}
	local := &Local{Address: served.Address, AssetHost: served.Address, Key: served.Key(), close: func() {}}
	if served.ExternalURL != "" {
		local.AssetHost = served.ExternalURL
	}
	return local, nil
}

// status is that of a version; empty where there is none.
func (m *Marketplace) status(name, version string) string {
	extension, err := m.state.Find(name)
	if err != nil {
		return ""
	}
	snapshot, ok := extension.Version(version)
	if !ok {
		return ""
	}
	return string(snapshot.Status)
}
