package app

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/directory"
)

// directory is a static Helm repository.
func (m *placeMaker) directory(t config.Target) (target.Place, error) {
	if t.Directory.Git != nil {
		return m.unavailable(t)
	}
	web, err := m.client(t, t.Directory.URL, "url") // for packages that others have at other addresses
	if err != nil {
		return target.Place{}, err
	}
	shown := Display(t.Directory.Path)
	made, err := directory.New(directory.Options{
		Store: sharedfiles.NewFolder(t.Directory.Path, shown), Shown: shown, URL: t.Directory.URL, Transport: web,
	})
	if err != nil {
		return target.Place{}, err
	}
	m.ends = append(m.ends, func() { _ = made.Close() })
	return target.Place{Target: made, URL: shown, Noun: "the folder", Shows: "its index.yaml"}, nil
}
