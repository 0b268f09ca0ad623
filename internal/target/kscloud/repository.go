package kscloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
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
	return index{read}, nil
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
	entry := helmrepo.Entry{Name: e.Name, Version: e.Version, Digest: e.Digest, URLs: urls}
	address, err := t.repository.PackageURL(entry)
	if err == nil && address.Scheme == "oci" {
		archive, err := t.registry.Pull(ctx, address)
		if err != nil {
			err = &notTheKey{fmt.Errorf("downloading package %s %s: %w", e.Name, e.Version, err), "check the address in the index, and that everybody may pull it: helm pull " + redact.URL(e.URLs[0])}
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
	shown := address
	if u, err := url.Parse(address); err == nil {
		shown = path.Base(u.Path)
	}
	answer, err := t.web.Do(ctx, transport.Request{Op: "downloading the published asset " + shown, URL: t.near(address), Check: checkPicture})
	if err != nil {
		return nil, &notTheKey{err, "check that the published asset can be read by everybody, and run again"}
	}
	return answer.Body, nil
}

// checkPicture refuses what is no picture of any kind: a login page, or an error in words,
// would pass for other content otherwise.
func checkPicture(answer *transport.Response) error {
	body := answer.Body
	if len(body) == 0 {
		return fmt.Errorf("nothing came instead of a picture: %w", io.ErrUnexpectedEOF)
	}
	head := bytes.ToLower(body[:min(len(body), 4096)])
	text := strings.HasPrefix(http.DetectContentType(body), "text/")
	if text && (!bytes.Contains(head, []byte("<svg")) || bytes.Contains(head, []byte("<html"))) {
		return fmt.Errorf("%q came instead of a picture", transport.Excerpt(body))
	}
	return nil
}

// index is an index.yaml in the types of the pipeline.
type index struct{ *helmrepo.Index }

func (i index) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	e, ok := i.Version(name, version)
	if !ok {
		return target.Entry{}, false, i.Unreadable(name)
	}
	return target.Entry{
		Name: e.Name, OwnName: e.OwnName, Version: e.Version, Digest: e.Digest, URLs: e.URLs, Times: e.Times,
		ContentDigest: e.Annotations[extension.ContentDigestAnnotation],
	}, true, nil
}

func (i index) Versions(_ context.Context, name string) ([]string, error) {
	return i.Index.Versions(name), nil
}

func (i index) Refused() error {
	if refused := i.Index.Refused(); refused != nil {
		return refused
	}
	return nil // and no interface around a nil pointer
}

func (i index) Cached() string { return i.Index.Cached().String() }

func (i index) Remarks() []string {
	var remarks []string
	if refused := i.RefusedByHelm(); refused != nil {
		remarks = append(remarks, fmt.Sprintf("%s: %s; until then `helm repo add` fails for all who use this repository", refused, refused.Hint()))
	}
	if empty := i.Empty(); empty != nil {
		remarks = append(remarks, fmt.Sprintf("the index has an empty entry of %s in line %d: Helm passes over it, but KubeSphere may fail to read the index because of it", empty.Chart, empty.Line))
	}
	return remarks
}
