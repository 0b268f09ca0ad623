package places

import (
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/directory"
)

// directory is a static Helm repository.
func (m *Maker) directory(t config.Target) (target.Place, error) {
	web, err := m.client(t, t.Directory.URL, "url") // for packages that others have at other addresses
	if err != nil {
		return target.Place{}, err
	}
	place := target.Place{URL: m.Display(t.Directory.Path), Noun: "the folder", Shows: "its index.yaml"}
	options := directory.Options{Shown: place.URL, URL: t.Directory.URL, Transport: web}
	if on := t.Directory.Git; on != nil {
		branch := sharedfiles.NewBranch(sharedfiles.BranchOptions{Home: m.Config.Dir, Remote: on.Remote, Branch: on.Branch, Path: on.Path})
		options.Store, options.Shown, options.Message = branch, branch.Shown(), on.Message
		place.URL, place.Noun = strings.TrimPrefix(branch.Shown(), "the branch "), "the branch"
	} else {
		place.Base = place.URL
		options.Store = sharedfiles.NewFolder(t.Directory.Path, options.Shown)
	}
	made, err := directory.New(options)
	if err != nil {
		return target.Place{}, err
	}
	m.ends = append(m.ends, func() { _ = made.Close() })
	place.Target = made
	return place, nil
}
