package places

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/manifests"
)

// manifests is a folder of manifests.
func (m *Maker) manifests(t config.Target) (target.Place, error) {
	shown := m.Display(t.Manifests.Path)
	made := manifests.New(manifests.Options{Store: sharedfiles.NewFolder(t.Manifests.Path, shown), Shown: shown, One: t.Manifests.One})
	m.ends = append(m.ends, func() { _ = made.Close() })
	return target.Place{Target: made, URL: shown, Noun: "the folder of manifests"}, nil
}
