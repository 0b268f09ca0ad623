package chartmuseum

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// mostProvenance is how large a provenance file may be, in bytes: it holds a Chart.yaml.
const mostProvenance = 4 << 20

// PublishProvenance uploads the provenance file of a version by a request of its own. The form
// that takes package and provenance together cannot be repeated for one of them: where either is
// there it answers 409 and stores neither, and with --per-chart-limit it fails.
func (t *Target) PublishProvenance(ctx context.Context, name, version string, provenance []byte) error {
	there, err := t.Provenance(ctx, name, version)
	if err != nil {
		return err
	}
	if there != nil {
		return sameProvenance(name, version, there, provenance)
	}
	api, err := t.api.at(ctx, t)
	if err != nil {
		return err
	}
	_, err = t.web.Do(ctx, transport.Request{
		Op: "uploading the provenance of " + name + " " + version, Method: http.MethodPost, URL: strings.TrimSuffix(api, "/charts") + "/prov",
		Authorization: t.authorization, Body: provenance, ContentType: "application/pgp-signature", JSON: true, Check: checkSaved,
	})
	if err == nil {
		return nil
	}
	// Whatever the answer was, or where it was lost: what is there decides.
	if there, readErr := t.Provenance(ctx, name, version); readErr == nil && there != nil {
		return sameProvenance(name, version, there, provenance)
	}
	return t.explain(err)
}

func sameProvenance(name, version string, there, wanted []byte) error {
	if bytes.Equal(there, wanted) {
		return nil
	}
	return failure.WithHint(fmt.Errorf("the museum has another provenance file of %s %s already, and was not asked to overwrite it", name, version),
		"helm verify shows whose it is; to replace it, take the version out of the museum and release it again")
}

// Provenance downloads the provenance file of a version; nil where it has none.
func (t *Target) Provenance(ctx context.Context, name, version string) ([]byte, error) {
	answer, err := t.web.Do(ctx, transport.Request{
		Op: "downloading the provenance of " + name + " " + version, URL: t.base.String() + "/" + fileOf(name, version) + ".prov",
		Authorization: t.authorization, Limit: mostProvenance, JSON: true, // its error is, at least
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
