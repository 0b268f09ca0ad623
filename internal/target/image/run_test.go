package image_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/image"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
)

// Promises P2, P4 and P9, with a registry as a process of its own behind faults.
func TestRuns(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	place := 0
	runtest.Suite{
		Short: 16, Whole: 2000, Real: true,
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			place++
			repository := "/ks/museum" + strings.Repeat("x", place) + ":latest"
			p, host := newProxy(t, home)
			open := func(host string) *image.Target {
				to, err := image.New(image.Options{
					Registry: client(t), Images: []registry.Reference{parse(t, host+repository)}, Base: &base, Platforms: platforms, Settle: settle,
				})
				must(t, err)
				return to
			}
			others := open(home.Host)
			return runtest.Fixture{
				Place: target.Place{Target: open(host), Name: "image", Kind: "image", URL: host + repository, Noun: "the image"},
				Break: func(script string) { p.script(t, strings.TrimSpace(script)) },
				Requests: []string{
					"PUT /v2/**/manifests/latest", "GET /v2/**/manifests/latest", "HEAD /v2/**/blobs/*", "POST /v2/**/blobs/uploads/", "PUT /v2/**/blobs/uploads/*", "GET /v2/**/blobs/*",
				},
				Held: func() map[string][]byte {
					held := map[string][]byte{}
					if _, there, err := client(t).Resolve(t.Context(), parse(t, home.Host+repository)); err != nil || !there {
						must(t, err)
						return held
					}
					_, files := unpacked(t, parse(t, home.Host+repository), platforms[0])
					for name, data := range files {
						if file, ok := strings.CutPrefix(name, "charts/"); ok {
							held[file] = data
						}
					}
					return held
				},
				Put: func(pkg *extension.Package) {
					if _, err := others.Publish(t.Context(), pkg); err != nil && !strings.Contains(err.Error(), pkg.Version) {
						t.Fatal(err)
					}
				},
			}
		},
	}.Run(t)
}
