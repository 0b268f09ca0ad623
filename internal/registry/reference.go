package registry

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/opencontainers/go-digest"
	orasregistry "oras.land/oras-go/v2/registry"

	"github.com/ksrelease/ksrelease/internal/imageref"
)

// Reference names something in a registry: HOST/REPOSITORY:TAG@DIGEST, where tag and
// digest may be empty.
type Reference struct {
	Host       string // docker.io, registry.example, 127.0.0.1:5000
	Repository string // library/nginx
	Tag        string
	Digest     string // sha256:…; counts more than the tag
}

// Parse reads the name of an image as docker does: without a host it is of Docker Hub
// (docker.io), there without a folder of library/, and without tag and digest it is the
// tag latest.
func Parse(image string) (Reference, error) {
	ref, err := imageref.Parse(image)
	if err != nil {
		return Reference{}, fmt.Errorf("%q is no name of an image: %w", image, errors.Unwrap(err))
	}
	return OfImage(ref), nil
}

// OfImage is the place of an image.
func OfImage(ref imageref.Ref) Reference {
	return Reference{Host: ref.Registry, Repository: ref.Path, Tag: ref.Tag, Digest: ref.Digest}
}

// ParseLocation reads oci://HOST/REPOSITORY, or the same without oci://, as Helm does: the
// first part is the host whatever it looks like, and there are no defaults. Tag and
// digest may be there.
func ParseLocation(address string) (Reference, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(address, "oci://"), "/")
	parsed, err := orasregistry.ParseReference(text)
	if err != nil {
		return Reference{}, fmt.Errorf("%q is no place in a registry, such as oci://HOST/FOLDER in lower case", address)
	}
	r := Reference{Host: parsed.Registry, Repository: parsed.Repository}
	if strings.Contains(parsed.Reference, ":") {
		r.Digest = parsed.Reference
	} else {
		r.Tag = parsed.Reference
	}
	return r, nil
}

// Name is HOST/REPOSITORY.
func (r Reference) Name() string { return r.Host + "/" + r.Repository }

// String is the reference in full.
func (r Reference) String() string {
	text := r.Name()
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// WithTag names another tag of the repository.
func (r Reference) WithTag(tag string) Reference {
	r.Tag, r.Digest = tag, ""
	return r
}

// WithDigest names something else in the repository, by its digest alone.
func (r Reference) WithDigest(digest string) Reference {
	r.Tag, r.Digest = "", digest
	return r
}

// which is what the registry is asked for.
func (r Reference) which() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// check says what keeps a reference from being asked for, before anything is sent:
// what is not made by Parse may be anything.
func (r Reference) check() error {
	oras := orasregistry.Reference{Registry: r.Host, Repository: r.Repository}
	if err := oras.Validate(); err != nil {
		return fmt.Errorf("%q names no place in a registry", r.Name())
	}
	if r.Tag != "" {
		oras.Reference = r.Tag
		if oras.ValidateReferenceAsTag() != nil {
			return fmt.Errorf("%q cannot be a tag in a registry: at most 128 letters, digits, _, . and -, not . or - first", r.Tag)
		}
	}
	if r.Digest != "" && digest.Digest(r.Digest).Validate() != nil {
		return fmt.Errorf("%q is no digest", r.Digest)
	}
	return nil
}

var errNoReference = errors.New("neither tag nor digest is named")

// isLoopback says that a registry is on this machine. Such are spoken to without TLS,
// as docker does.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// Mirror says where else to look for what is below a prefix: From is HOST or HOST/PATH,
// such as docker.io, and To takes its place.
type Mirror struct{ From, To string }

// of is the reference in the mirror; false where the mirror is not for it.
func (m Mirror) of(r Reference) (Reference, bool) {
	rest, ok := strings.CutPrefix(r.Name(), strings.TrimSuffix(m.From, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return r, false
	}
	host, repository, ok := strings.Cut(strings.TrimSuffix(m.To, "/")+rest, "/")
	if !ok {
		return r, false
	}
	r.Host, r.Repository = host, repository
	return r, true
}
