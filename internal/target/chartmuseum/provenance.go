package chartmuseum

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// form is a package with its provenance file, as the museum takes both at once.
func form(pkg *extension.Package) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		field, file string
		data        []byte
	}{{"chart", pkg.Filename, pkg.Data}, {"prov", pkg.Filename + extension.ProvenanceEnding, pkg.Provenance}} {
		to, _ := w.CreateFormFile(part.field, part.file) // a buffer takes all
		_, _ = to.Write(part.data)
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// uploadApart uploads the provenance file first and the package after it, where the form was
// refused, and no package is there: with 409 since a provenance file is there, which somebody
// left who was killed here, and with 500 by a museum with --per-chart-limit. So nobody sees the
// package without it. refused is the answer to the form.
func (t *Target) uploadApart(ctx context.Context, api string, pkg *extension.Package, refused error) (target.Snapshot, error) {
	left, err := t.provenance(ctx, pkg.Name, pkg.Version)
	switch {
	case err != nil:
		return target.Snapshot{}, failure.Lost(refused, err, "what the museum has")
	case left != nil && !isOf(left, pkg):
		return target.Snapshot{}, stale(pkg, refused)
	case left == nil:
		if failed, _ := transport.As(refused); failed.Status == http.StatusConflict {
			return target.Snapshot{}, taken(pkg, "", refused)
		}
		if err := t.uploadProvenance(ctx, api, pkg.Name, pkg.Version, pkg.Provenance); err != nil {
			return target.Snapshot{}, t.explain(refused)
		}
	}
	alone := *pkg
	alone.Provenance = nil
	return t.uploaded(ctx, api, &alone, t.upload(ctx, api, &alone))
}

// isOf says that a provenance file is about the bytes of a package. Whoever signs them again gets
// another file: it has the time in it.
func isOf(provenance []byte, pkg *extension.Package) bool {
	return bytes.Contains(provenance, []byte("\n  "+pkg.Filename+": "+pkg.Digest))
}

// withProvenance sees to the provenance file of a package that is there. It may be missing: with
// --per-chart-limit the form stores the package, fails at the other file, and takes the package
// back at the root of the storage alone, whatever the folder of the repository is.
func (t *Target) withProvenance(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if pkg.Provenance == nil {
		return target.Snapshot{Status: target.StatusActive}, nil
	}
	there, err := t.provenance(ctx, pkg.Name, pkg.Version)
	if err == nil && there == nil {
		if err = t.addProvenance(ctx, pkg); err != nil {
			// Somebody else may have been faster.
			if now, readErr := t.provenance(ctx, pkg.Name, pkg.Version); readErr == nil && now != nil {
				there, err = now, nil
			}
		}
	}
	switch {
	case err != nil:
		return target.Snapshot{}, err
	case there != nil && !isOf(there, pkg):
		return target.Snapshot{}, stale(pkg, nil)
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// addProvenance uploads the provenance file of a package that is there without one.
func (t *Target) addProvenance(ctx context.Context, pkg *extension.Package) error {
	api, err := t.api.at(ctx, t)
	if err != nil {
		return err
	}
	return t.uploadProvenance(ctx, api, pkg.Name, pkg.Version, pkg.Provenance)
}

// uploadProvenance uploads the provenance file of a version, of which there is none, by a request
// of its own.
func (t *Target) uploadProvenance(ctx context.Context, api, name, version string, provenance []byte) error {
	_, err := t.web.Do(ctx, transport.Request{
		Op: "uploading the provenance of " + name + " " + version, Method: http.MethodPost, URL: strings.TrimSuffix(api, "/charts") + "/prov",
		Authorization: t.authorization, Body: provenance, ContentType: "application/pgp-signature", JSON: true, Check: checkSaved,
	})
	if err == nil {
		return nil
	}
	// Whatever the answer was, or where it was lost: what is there decides.
	if there, readErr := t.provenance(ctx, name, version); readErr == nil && bytes.Equal(there, provenance) {
		return nil
	}
	return t.explain(err)
}

// Signatures downloads the provenance file of a version, which is all that a museum keeps.
func (t *Target) Signatures(ctx context.Context, name, version string) (target.Signatures, error) {
	provenance, err := t.provenance(ctx, name, version)
	return target.Signatures{Provenance: provenance}, err
}

// provenance downloads the provenance file of a version; nil where it has none.
func (t *Target) provenance(ctx context.Context, name, version string) ([]byte, error) {
	answer, err := t.web.Do(ctx, transport.Request{
		Op: "downloading the provenance of " + name + " " + version, URL: t.base.String() + "/" + fileOf(name, version) + ".prov",
		Authorization: t.authorization, Limit: target.MostSigns, JSON: true, // its error is, at least
	})
	failed, answered := transport.As(err)
	switch {
	case err == nil && !bytes.HasPrefix(answer.Body, []byte("-----BEGIN PGP SIGNED MESSAGE-----")):
		return nil, fmt.Errorf("downloading the provenance of %s %s: what came is none", name, version)
	case err == nil:
		return answer.Body, nil
	case answered && failed.NotFound():
		return nil, nil
	}
	return nil, t.explain(err)
}
