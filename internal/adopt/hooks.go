package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/adopt/chartbuild"
	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// hooks are the hooks of the new config, by what workflows do to extensions around packing them.
// The commands that become hooks are covered from then on. A config that is there is never
// replaced: with it, only commands that are its hooks already are covered.
func (c *collection) hooks(o Options, found discover.Found) ([]discover.Hooks, error) {
	c.hooked = map[string]bool{}
	if !slices.Equal(c.systems(), []cifile.System{cifile.GitHub}) || !o.Accepts("ksrelease run --dry-run --hooks") {
		return nil, nil // the machines of others are not known to have helm
	}
	var files []*cifile.File
	for _, f := range c.files {
		if c.isRelevant[f.file.Path] {
			files = append(files, f.file)
		}
	}
	root := os.DirFS(o.Root)
	builds := chartbuild.Find(files, found.Extensions, func(pattern string) bool {
		matches, err := fs.Glob(root, path.Clean(pattern))
		return err != nil || len(matches) > 0
	})
	there, err := hooksOfConfig(o.Root)
	if err != nil {
		return nil, err
	}
	var all []discover.Hooks
	for _, b := range builds {
		h := discover.Hooks{Path: b.Extension, Before: b.Before, After: b.After}
		if there != nil && !slices.ContainsFunc(there, func(other discover.Hooks) bool {
			return other.Path == h.Path && slices.Equal(other.Before, h.Before) && slices.Equal(other.After, h.After)
		}) {
			continue
		}
		all = append(all, h)
		for _, place := range b.Places {
			c.cover(b.Extension, place)
		}
	}
	return all, nil
}

// hooksOfConfig are the hooks of the config that is there, as adopt writes them; nil if there is none.
func hooksOfConfig(root string) ([]discover.Hooks, error) {
	at := filepath.Join(root, config.Name)
	if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	all := []discover.Hooks{}
	text, err := regularfile.ReadWithin(root, at, cifile.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Name, err)
	}
	read, err := config.Parse(at, text, func(string) (string, bool) { return "", true })
	if err != nil {
		return all, nil // check says what is wrong with it
	}
	commands := func(hooks []config.Hook) (all []string) {
		for _, h := range hooks {
			if filepath.Clean(h.Dir) == filepath.Clean(read.Dir) {
				all = append(all, h.Run)
			}
		}
		return all
	}
	for _, e := range read.Entries {
		all = append(all, discover.Hooks{Path: e.Path, Before: commands(e.Settings.Before), After: commands(e.Settings.After)})
	}
	return all, nil
}

// cover notes that a command becomes a hook of an extension.
func (c *collection) cover(extension string, place chartbuild.Place) {
	f := c.byPath[place.File.Path]
	c.hooked[place.File.Path] = true
	use := practice.Use{ID: "upstream-chart", Line: place.Line, Command: place.Text, Does: "puts an upstream chart into the extension"}
	if place.After {
		use.Does = "removes the upstream chart from the extension"
	}
	uses := f.uses[place.Step]
	at := slices.IndexFunc(uses, func(u practice.Use) bool { return u.Line == place.Line && u.Command == place.Text })
	if at >= 0 {
		use.ID, use.Does, use.Wrong, use.Core = uses[at].ID, uses[at].Does, uses[at].Wrong, uses[at].Core
		uses = slices.Delete(uses, at, at+1)
	}
	use.Cover, use.By, use.Note = practice.Covered, "before in "+config.Name, "a hook of "+extension+", which run and package run before they read it"
	if place.After {
		use.By, use.Note = "after in "+config.Name, "a hook of "+extension+", which is run whatever came of it"
	}
	uses = append(uses, use)
	slices.SortStableFunc(uses, func(a, b practice.Use) int { return a.Line - b.Line })
	f.uses[place.Step] = uses
}

// isForHooks reports whether a use brings what hooks call.
func (c *collection) isForHooks(s called, use practice.Use) bool {
	return c.hooked[s.file.file.Path] && use.Cover == practice.Serves && use.Tool == "helm" && strings.HasPrefix(use.ID, "install-")
}
