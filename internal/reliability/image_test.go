package reliability

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/image"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The target image as a keeper: a registry, in which each package gets a tag, and then is in the
// image.

const (
	sendLayer class = "layer" // a blob: a package, a layer with packages, a configuration
	sendImage class = "image" // the tag of the image moves
)

// imageConfig builds on an image in the registry itself.
const imageConfig = `version: 1
extensions: [{path: extensions/*}]
targets: [{kind: image, images: ['${MARKET_HOST}/ks/museum:latest'], base: '${MARKET_HOST}/base:1', platforms: [linux/amd64]}]
package: {output: '${DIST}'}
`

// imageInRegistry is a registry with the base of the image in it.
func imageInRegistry(t testing.TB) *keeper {
	home := registrytest.Start(t, registrytest.Options{})
	web := transport.New(transport.Options{})
	t.Cleanup(web.Close)
	client := registry.New(registry.Options{Transport: web})
	s := &keeper{next: proxy(t, home.URL()), classify: classifyRegistry}
	s.listen(t)
	registrytest.PushImage(t, client, home.Host+"/base:1", "base", "linux/amd64")
	base := registry.Reference{Host: home.Host, Repository: "base", Tag: "1"}
	at := registry.Reference{Host: home.Host, Repository: "ks/museum", Tag: "latest"}
	s.held = func() map[string][]byte {
		to, err := image.New(image.Options{Registry: client, Images: []registry.Reference{at}, Base: &base, Platforms: []string{"linux/amd64"}})
		if err != nil {
			t.Fatal(err)
		}
		index, err := to.Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held := map[string][]byte{}
		for _, x := range members(20) {
			versions, err := index.Versions(t.Context(), x.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range versions {
				data, err := to.Fetch(t.Context(), target.Entry{Name: x.name, Version: version})
				if err != nil {
					t.Fatal(err)
				}
				held[x.name+"-"+version+".tgz"] = data
			}
		}
		return held
	}
	return s
}

func classifyRegistry(r *http.Request, _ []byte) (class, string) {
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch name, ok := strings.CutPrefix(last, "package-"); {
	case r.Method == http.MethodPut && ok:
		return sendDraft, strings.TrimSuffix(name, "-"+theVersion)
	case r.Method == http.MethodPut && last == "latest":
		return sendImage, ""
	case r.Method == http.MethodPost:
		return sendLayer, ""
	}
	return askIndex, ""
}
