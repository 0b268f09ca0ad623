package kscloud

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/picture"
	"github.com/ksrelease/ksrelease/internal/target/repoindex"
)

// Index reads index.yaml.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	if t.repository == nil {
		return nil, errUnconnected
	}
	read, err := t.repository.Index(ctx)
	if err != nil {
		return nil, t.ofRepository(err)
	}
	return repoindex.Index{Index: read}, nil
}

// Listing reads index.yaml and gives all of its entries, those of others among them.
func (t *Target) Listing(ctx context.Context) (*helmrepo.Index, error) {
	if t.repository == nil {
		return nil, errUnconnected
	}
	read, err := t.repository.Index(ctx)
	return read, t.ofRepository(err)
}

// Fetch downloads a package as KubeSphere does, from a registry too.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	if t.repository == nil {
		return nil, errUnconnected
	}
	urls := make([]string, len(e.URLs))
	for i, address := range e.URLs {
		urls[i] = t.near(address)
	}
	shown := e.URLs
	e.URLs = urls
	entry := repoindex.EntryOf(e)
	address, err := t.repository.PackageURL(entry)
	if err == nil && address.Scheme == "oci" {
		archive, err := t.registry.Pull(ctx, address)
		if err != nil {
			err = failure.NotTheKey(fmt.Errorf("downloading package %s %s: %w", e.Name, e.Version, err), "check the address in the index, and that everybody may pull it: helm pull "+redact.URL(shown[0]))
		}
		return archive, err
	}
	archive, err := t.repository.Fetch(ctx, entry)
	return archive, t.ofPackage(err, err != nil && address != nil && t.repository.IsOwn(address))
}

// FetchAsset asks without credentials: icons and screenshots are public, and may lie on
// another host.
func (t *Target) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	if t.repository == nil {
		return nil, errUnconnected
	}
	return picture.Download(ctx, t.web, address, t.near)
}
