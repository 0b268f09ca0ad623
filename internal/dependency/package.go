package dependency

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// Registry downloads charts from OCI registries, each by its full address. It is
// safe for concurrent use.
type Registry struct{ registry *registry }

// NewRegistry makes one; of the options it needs Transport, UserAgent and
// RegistryConfigs.
func NewRegistry(options Options) *Registry { return &Registry{newRegistry(options)} }

// Pull downloads the package at an address such as oci://HOST/FOLDER/NAME:TAG, or
// with a digest in place of the tag, as an index may name it.
func (r *Registry) Pull(ctx context.Context, address *url.URL) ([]byte, error) {
	folder, name := "", address.Path
	if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
		folder, name = name[:slash+1], name[slash+1:]
	}
	chart, tag, found := strings.Cut(name, "@")
	if !found {
		chart, tag, found = strings.Cut(name, ":")
	}
	if !found || chart == "" || tag == "" {
		return nil, advised(fmt.Errorf("its URL %q in the index names no tag, so KubeSphere cannot download it", redact.URL(address.String())), "write oci://HOST/FOLDER/NAME:TAG")
	}
	return r.registry.pull(ctx, address.Host+folder+chart, tag, noCache)
}
