// Package chartmuseum is a ChartMuseum as a target: its API takes packages, and its index.yaml
// shows them. What it does was measured on ChartMuseum of 2026-04, see docs/targets.md.
//
// A museum keeps what it has: nothing here ever asks it to overwrite a version. It reads no
// environment, no files and no flags: user, password and token come in [Options].
package chartmuseum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/picture"
	"github.com/ksrelease/ksrelease/internal/target/repoindex"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options of a [Target].
type Options struct {
	// URL is the address that `helm repo add` takes. Below the root of a host its path is that
	// of a repository of the museum (--depth), of the whole museum (--context-path), or both.
	URL string
	// Username and Password, or Token, a bearer token, are sent with each request; without
	// them the museum is asked as nobody.
	Username, Password, Token string
	// Setting is what errors call the place where URL is written.
	Setting string
	// Access is the hint where the museum refuses what it was sent: where user, password and
	// token are taken from.
	Access string
	// Delay is how late the index may be, by a cache of the museum or before it.
	Delay time.Duration
	// Transport sends the requests. The caller closes it.
	Transport *transport.Client
	// Cache keeps the index, where whatever is in front of the museum gives it an ETag or a time; nil: none.
	Cache *cache.Cache
}

// Target is one repository of a museum. It is safe for concurrent use.
type Target struct {
	base          *url.URL // without user, password and slash at the end
	setting       string
	access        string
	authorization string
	delay         time.Duration
	repository    *helmrepo.Repository
	web           *transport.Client
	api           api
}

var (
	_ target.Target  = (*Target)(nil)
	_ target.Signed  = (*Target)(nil)
	_ target.Delayed = (*Target)(nil)
)

// New makes the target; it sends nothing yet. The error says what is wrong with the address.
func New(options Options) (*Target, error) {
	base, err := transport.ParseServer(options.Setting, options.URL)
	if err != nil {
		return nil, err
	}
	t := &Target{setting: options.Setting, access: options.Access, delay: options.Delay, web: options.Transport, base: base}
	user := base.User
	base.User = nil
	if options.Username == "" && options.Password == "" && user != nil {
		options.Username = user.Username()
		options.Password, _ = user.Password()
	}
	switch {
	case options.Token != "":
		t.authorization = "Bearer " + options.Token
	case options.Username != "" || options.Password != "":
		t.authorization = transport.BasicAuthorization(options.Username, options.Password)
	}
	t.repository, err = helmrepo.New(helmrepo.Options{
		URL: base.String(), Username: options.Username, Password: options.Password, Token: options.Token,
		Setting: options.Setting, Access: options.Access, Transport: options.Transport, Cache: options.Cache,
	})
	if err != nil {
		return nil, err
	}
	t.api = newAPI(base)
	return t, nil
}

// Delay is how late the index may be.
func (t *Target) Delay() time.Duration { return t.delay }

// Index reads index.yaml.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	read, err := t.repository.Index(ctx)
	if failed, answered := transport.As(err); answered && failed.Unauthorized() {
		err = failed // whose text does not say what the hint says
	}
	if err != nil {
		return nil, t.explain(err)
	}
	return index{repoindex.Index{Index: read}, t.base}, nil
}

// index is index.yaml with what its place does to KubeSphere.
type index struct {
	repoindex.Index
	base *url.URL
}

// Remarks says, too, where KubeSphere looks for packages if the museum is not at the root of
// its host.
func (i index) Remarks() []string {
	remarks := i.Index.Remarks()
	if i.base.Path == "" {
		return remarks
	}
	for _, chart := range i.Charts() {
		for _, e := range i.Entries(chart) {
			if len(e.URLs) == 0 {
				continue
			}
			if at, err := url.Parse(e.URLs[0]); err != nil || at.IsAbs() || strings.HasPrefix(e.URLs[0], "/") {
				continue
			}
			return append(remarks, fmt.Sprintf("KubeSphere drops the path of a Helm repository where URLs in its index are relative, so that it looks for packages at %s://%s/%s: start ChartMuseum with --chart-url and its own address, to which it adds the folders of the repository, or serve it at the root of a host; Helm finds them all the same",
				i.base.Scheme, i.base.Host, e.URLs[0]))
		}
	}
	return remarks
}

// Fetch downloads a package from where Helm finds it; see Remarks of the index for KubeSphere.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	entry := repoindex.EntryOf(e)
	archive, err := t.repository.FetchChart(ctx, entry)
	if err == nil {
		return archive, nil
	}
	failed, answered := transport.As(err)
	address, wrong := t.repository.ChartURL(entry)
	switch own := wrong == nil && t.repository.IsOwn(address); {
	case answered && failed.Unauthorized() && !own:
		return nil, failure.NotTheKey(err, "the index leads to another host, which gets no user and password: let everybody read the packages there, or correct --chart-url of ChartMuseum")
	case answered && (failed.Status == http.StatusNotFound || failed.Status == http.StatusGone):
		return nil, failure.WithHint(err, "the index names a package that is not there: correct --chart-url of ChartMuseum, or upload the package again")
	}
	return nil, t.explain(err)
}

// FetchAsset downloads a picture of a package that has its address: a museum keeps none.
func (t *Target) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	return picture.Download(ctx, t.web, address, nil)
}

// Snapshot asks the museum for a version, and its storage where its list does not have it: the
// list is in memory, and late by the moment that it takes to add what was just uploaded, or
// until it is made anew where something else writes to the storage.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	found, err := t.find(ctx, name, version)
	if err != nil || !found.there {
		return target.Snapshot{}, err
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// Publish uploads a package. A museum may be set to overwrite whatever it has, so it is asked
// first. Of two uploads at the same moment it may take both: what it has then is for those to
// say who read it afterwards.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	before, err := t.find(ctx, pkg.Name, pkg.Version)
	if err != nil {
		return target.Snapshot{}, err
	}
	if before.there {
		return t.compare(ctx, before, pkg, nil)
	}
	if before.taken != "" {
		return target.Snapshot{}, taken(pkg, before.taken, nil)
	}
	api, err := t.api.at(ctx, t)
	if err != nil {
		return target.Snapshot{}, err
	}
	return t.uploaded(ctx, api, pkg, t.upload(ctx, api, pkg))
}

// upload sends a package, with its provenance file where it has one: the museum takes both or
// neither.
func (t *Target) upload(ctx context.Context, api string, pkg *extension.Package) error {
	body, contentType := pkg.Data, "application/gzip"
	if pkg.Provenance != nil {
		body, contentType = form(pkg)
	}
	_, err := t.web.Do(ctx, transport.Request{
		Op: "uploading " + pkg.Name + " " + pkg.Version, Method: http.MethodPost, URL: api, Authorization: t.authorization,
		Body: body, ContentType: contentType, JSON: true, Check: checkSaved,
	})
	return err
}

// uploaded is what came of an upload.
func (t *Target) uploaded(ctx context.Context, api string, pkg *extension.Package, err error) (target.Snapshot, error) {
	failed, answered := transport.As(err)
	switch {
	case err == nil:
		return target.Snapshot{Status: target.StatusActive}, nil
	case answered && (failed.Status == http.StatusConflict || failed.Status == http.StatusInternalServerError && pkg.Provenance != nil):
		now, readErr := t.find(ctx, pkg.Name, pkg.Version)
		if readErr != nil {
			return target.Snapshot{}, failure.Lost(err, readErr, "what the museum has")
		}
		switch {
		case now.there:
			return t.compare(ctx, now, pkg, err)
		case pkg.Provenance != nil && now.taken == "":
			return t.uploadApart(ctx, api, pkg, err)
		case failed.Status == http.StatusConflict:
			return target.Snapshot{}, taken(pkg, now.taken, err)
		}
	}
	return target.Snapshot{}, t.explain(err)
}

// compare holds what the museum has of a version against a package.
func (t *Target) compare(ctx context.Context, there found, pkg *extension.Package, cause error) (target.Snapshot, error) {
	if sameDigest(there.entry.Digest, pkg.Digest) {
		return t.withProvenance(ctx, pkg)
	}
	archive := there.archive
	if archive == nil {
		var err error
		if archive, err = t.repository.FetchChart(ctx, there.entry); err != nil {
			return target.Snapshot{}, t.explain(fmt.Errorf("comparing %s %s, which the museum has: %w", pkg.Name, pkg.Version, err))
		}
	}
	if !bytes.Equal(archive, pkg.Data) {
		return target.Snapshot{}, exists(pkg, cause)
	}
	return t.withProvenance(ctx, pkg)
}

func sameDigest(a, b string) bool {
	a, b = strings.TrimPrefix(a, "sha256:"), strings.TrimPrefix(b, "sha256:")
	return a != "" && a == b
}

// checkSaved takes nothing for success but what ChartMuseum says then.
func checkSaved(answer *transport.Response) error {
	var said struct {
		Saved bool `json:"saved"`
	}
	if err := json.Unmarshal(answer.Body, &said); err != nil || !said.Saved {
		return errors.New("the answer is none of ChartMuseum")
	}
	return nil
}
