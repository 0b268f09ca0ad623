// Package registry speaks to OCI registries, by the library that Helm uses: it adds the
// deadlines, attempts, limits and errors of internal/transport, logins, mirrors, bounds for
// what strangers send, and copies of whole images. It knows nothing of charts and
// of extensions.
//
// What each operation costs in requests, where the login is known (the first request to a
// registry has 401 for its answer otherwise; a registry with tokens is asked for one
// for each repository besides, which then is good for all that follows):
//
//	Resolve       1 HEAD (and 1 GET, of a registry that gives no digest)
//	Manifest      1 GET
//	Platforms     1 GET, 1 more for each index in an index; for an image without an index
//	              1 for its configuration
//	Blob, Stream  1 GET, and those of redirects to where the registry keeps its data
//	BlobExists    1 HEAD
//	PushBlob      1 POST and 1 PUT
//	Mount         1 POST
//	PushManifest  1 PUT
//	Tags          1 GET a page
//	Contents      1 GET for each manifest and index
//	Copy          Contents; a HEAD for each manifest; for each manifest that is not there
//	              a PUT, and a HEAD for each of its blobs; for each blob that is not there a
//	              POST where another repository of the registry has it, else
//	              GET, POST and PUT
//
// With mirrors a read asks these first: once more for each that has not got it.
package registry

import (
	"context"
	"net/http"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options shape a Client.
type Options struct {
	// Transport sends the requests. Certificates of a registry are those of its Servers.
	Transport *transport.Client
	// UserAgent is sent with every request; empty means that of oras-go.
	UserAgent string
	// DockerConfigs are files in the format of docker's config.json, in the order in which
	// they are asked; those that are not there are passed over. They are read when the first
	// registry is asked.
	DockerConfigs []string
	// Logins are by host, and come before those of files.
	Logins map[string]Login
	// LoginHint is what to do where a registry refuses; nil advises docker login.
	LoginHint func(host string) string
	// PlainHTTP says of hosts whether they are spoken to without TLS. Of those that are not
	// in it, those on this machine are, as docker does it.
	PlainHTTP map[string]bool
	// Mirrors are asked first, in this order; then the registry itself.
	Mirrors []Mirror
	// Quoted says of a host that its messages may be shown. What another one says is
	// described by size and type: somebody who need not be trusted named it. Nil: none.
	Quoted func(host string) bool
}

// Client speaks to any number of registries. It is safe for concurrent use, and meant to
// be shared: connections, tokens, limits and what is known to be in a registry belong to it.
//
// Errors say by methods what they mean (see internal/failure): Unauthorized, Temporary,
// SlowDown, and InDoubt for writes. What is not there is no error but false.
type Client struct {
	options Options
	secrets *redact.Sent
	auth    func() (*auth.Client, error)
	blobs   *blobs
}

// New makes a client. Nothing is read or sent yet.
func New(options Options) *Client {
	if options.LoginHint == nil {
		options.LoginHint = func(host string) string { return "log in: docker login " + host }
	}
	if options.Quoted == nil {
		options.Quoted = func(string) bool { return false }
	}
	c := &Client{options: options, secrets: &redact.Sent{}, blobs: &blobs{known: map[blobKey]*knownBlob{}}}
	c.auth = sync.OnceValues(c.newAuth)
	return c
}

// Direct is the same client without mirrors: for what is written, and has to be read where
// it was written. It shares connections, tokens and what is known.
func (c *Client) Direct() *Client {
	direct := *c
	direct.options.Mirrors = nil
	return &direct
}

func (c *Client) newAuth() (*auth.Client, error) {
	logins, err := newLogins(c.options, c.secrets)
	if err != nil {
		return nil, err
	}
	network := c.options.Transport.Network()
	client := &auth.Client{
		Client:     &http.Client{Transport: c.secrets.Recorder(network.Transport), CheckRedirect: network.CheckRedirect},
		Credential: logins.look,
		Cache:      auth.NewCache(),
	}
	if c.options.UserAgent != "" {
		client.SetUserAgent(c.options.UserAgent)
	}
	return client, nil
}

// The media types of manifests.
const (
	dockerList       = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest   = "application/vnd.docker.distribution.manifest.v2+json"
	dockerSchema1    = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	dockerSchema1Raw = "application/vnd.docker.distribution.manifest.v1+json"
)

// manifestTypes are all that a tag may name. Registries answer 404 for what Accept does not
// name, as if it were not there.
var manifestTypes = []string{ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, dockerList, dockerManifest, dockerSchema1, dockerSchema1Raw}

// IsIndex says that a media type is that of a list of manifests.
func IsIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

const (
	// ManifestLimit bounds a manifest, in bytes, as registries do.
	ManifestLimit = 4 << 20
	// tagPages bounds the list of tags; registries give hundreds a page.
	tagPages = 1000
)

// apiHost is where requests to a registry go.
func apiHost(host string) string { return orasregistry.Reference{Registry: host}.Host() }

// IsPlain says that a registry is spoken to without TLS.
func (c *Client) IsPlain(host string) bool {
	if plain, known := c.options.PlainHTTP[host]; known {
		return plain
	}
	return isLoopback(host)
}

// request is one operation on a repository.
type request struct {
	op         string // before a colon
	method     string // of the request that counts
	path       string // behind the repository
	at         Reference
	repeatable bool
}

// perform makes attempts at an operation of the library. Where a blob is on its way, the deadline
// of an attempt is one for silence.
func (c *Client) perform(ctx context.Context, r request, work func(context.Context, *transport.Attempt, *remote.Repository) error) error {
	if err := r.at.check(); err != nil {
		return err
	}
	client, err := c.auth()
	if err != nil {
		return err
	}
	scheme := "https://"
	plain := c.IsPlain(r.at.Host)
	if plain {
		scheme = "http://"
	}
	host := apiHost(r.at.Host)
	send := transport.Request{
		Op: r.op, Method: r.method, URL: scheme + host + "/v2/" + r.at.Repository + r.path,
		Repeatable: r.repeatable, Describe: !c.options.Quoted(r.at.Host),
	}
	err = c.options.Transport.Perform(ctx, send, func(ctx context.Context, attempt *transport.Attempt) error {
		repository := &remote.Repository{
			Client:             client,
			Reference:          orasregistry.Reference{Registry: r.at.Host, Repository: r.at.Repository},
			PlainHTTP:          plain,
			ManifestMediaTypes: manifestTypes,
			TagListMaxPages:    tagPages,
			MaxMetadataBytes:   ManifestLimit,
		}
		// A tag that lists referrers is not written next to a manifest with a subject.
		_ = repository.SetReferrersCapability(true)
		return work(ctx, attempt, repository)
	})
	return c.explain(r.at.Host, err)
}

// explain takes secrets out of an error, and says what to do about a refusal.
func (c *Client) explain(host string, err error) error {
	if err == nil {
		return nil
	}
	err = c.secrets.Error(err)
	if failure.Unauthorized(err) {
		return failure.WithHint(err, "%s", c.options.LoginHint(host))
	}
	return err
}
