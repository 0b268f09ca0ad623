package places

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/image"
)

// image is the image of a Helm repository.
func (m *Maker) image(t config.Target) (target.Place, error) {
	options := image.Options{Platforms: t.Image.Platforms}
	var hosts, others []string
	for i, name := range t.Image.Images {
		at, err := registry.Parse(name)
		if err != nil {
			return target.Place{}, diagnostic.List{m.Config.Problem(config.CodeInvalidValue, fmt.Sprintf("the image %q is none: %s", name, err), "", t.Key("images", fmt.Sprint(i))...)}
		}
		options.Images, hosts = append(options.Images, at), append(hosts, at.Host)
	}
	if t.Image.Base == config.BaseScratch {
		options.Binary = func(platform string) ([]byte, error) { return image.Program(t.Image.Programs, platform) }
		for _, platform := range t.Image.Platforms {
			if !m.Releases {
				break
			}
			if _, err := options.Binary(platform); err != nil {
				return target.Place{}, diagnostic.List{m.Config.Problem(config.CodeInvalidValue, fmt.Sprintf("the image of the target %s is built of ksrelease itself: %s", t.Name, err), failure.Hint(err), t.Key("base")...)}
			}
		}
	} else {
		base, err := registry.Parse(t.Image.Base)
		if err != nil {
			return target.Place{}, diagnostic.List{m.Config.Problem(config.CodeInvalidValue, fmt.Sprintf("the image %q is none: %s", t.Image.Base, err), "", t.Key("base")...)}
		}
		options.Base, others = &base, []string{base.Host}
	}
	// A password is for one registry, and is shown to no other: that of the first image.
	others = append(others, hosts[1:]...)
	client, _, err := m.registryOf(t, "images", t.Image.PlainHTTP, hosts[:1], others...)
	if err != nil {
		return target.Place{}, err
	}
	options.Registry = client
	made, err := image.New(options)
	if err != nil {
		return target.Place{}, err
	}
	place := target.Place{Target: made, URL: strings.Join(t.Image.Images, ", "), Noun: "the image"}
	if !t.Image.Prereleases {
		place.Takes = image.Stable
	}
	return place, nil
}
