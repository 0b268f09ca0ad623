package projectimages

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/images/release"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Reach is what images are asked for and copied with.
type Reach struct {
	Asker  *presence.Asker
	Mirror *mirror.Mirror
	Close  func()
}

// Dial makes what images are asked for and copied with. Of the registries of some mirrors certificates
// may be known. parallelism is how many images are at work at once.
func Dial(a *app.App, mirrors []config.Mirror, parallelism int) (*Reach, error) {
	var hosts []app.RegistryHost
	for _, m := range mirrors {
		host, _, _ := strings.Cut(m.To, "/")
		h := app.RegistryHost{Host: host, CAFile: m.CAFile, PlainHTTP: m.PlainHTTP}
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	client, end, err := a.Registries(hosts, parallelism)
	if err != nil {
		return nil, err
	}
	asker := &presence.Asker{Registries: client, Parallelism: parallelism}
	copier := &mirror.Mirror{Registries: client, Direct: client.Direct(), Asker: asker, Parallelism: parallelism}
	asker.Known = &presence.Known{Dir: a.CacheFolder(cache.Platforms)}
	copier.Locks = a.LockFolder()
	return &Reach{asker, copier, end}, nil
}

// Mirrors are those of the settings of all extensions.
func (f *Found) Mirrors() (all []config.Mirror) {
	for _, x := range f.Extensions {
		all = append(all, x.Settings.Images.Mirror...)
	}
	return all
}

// Equip has a run ask for the images of what it releases, and copy them, where the settings of any
// extension say so. close gives all back.
func Equip(a *app.App, options *pipeline.Options, parallelism int) (close func(), err error) {
	var mirrors []config.Mirror
	asks := false
	for _, s := range options.Sources {
		mirrors = append(mirrors, s.Settings.Images.Mirror...)
		asks = asks || s.Settings.Images.Exist != config.Off
	}
	if !asks && len(mirrors) == 0 {
		return func() {}, nil
	}
	reach, err := Dial(a, mirrors, parallelism)
	if err != nil {
		return nil, err
	}
	options.Images = &release.Images{Asker: reach.Asker, Mirror: reach.Mirror}
	return reach.Close, nil
}
