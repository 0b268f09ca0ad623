// Package bases finds the other version of an extension that a user wants it compared with:
// what is published, another version, a package, or what a commit has.
package bases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Published is the word for what is published.
const Published = "published"

// Kind is what somebody compares with.
type Kind int

// The kinds.
const (
	KindPublished Kind = iota // the highest version in the Helm repository
	KindVersion               // a version in the Helm repository
	KindFile                  // a package
	KindCommit                // what git has by a name
)

// KindOf is what a word means: published, the path of a package, a version (in full, such as
// 1.2.0), or else a name for git.
func KindOf(word string) Kind {
	if word == "" || word == Published {
		return KindPublished
	}
	if strings.HasSuffix(word, ".tgz") {
		return KindFile
	}
	if _, err := semver.StrictNewVersion(word); err == nil {
		return KindVersion
	}
	return KindCommit
}

// Base is another version of an extension.
type Base struct {
	Extension *extension.Extension
	// Label says in words what it is: "the published version 1.2.0".
	Label string
	// Differ names the files in which an extension differs from it.
	Differ func(ctx context.Context, ext *extension.Extension) (compare.Differences, error)
}

// ErrNone is the error where there is nothing to compare with, and no mistake in that: the
// extension is new.
var ErrNone = errors.New("there is no other version of it")

// OfTarget is a version in what users see of a target: the highest one where version is
// empty. The error is ErrNone where the target has none of that name.
func OfTarget(ctx context.Context, from target.Reader, index Index, name, version string) (*Base, error) {
	there, err := index.Versions(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case version == "" && len(there) == 0:
		return nil, ErrNone
	case version == "":
		version = slices.MaxFunc(there, versions.Compare)
	}
	entry, ok, err := index.Lookup(ctx, name, version)
	if err != nil {
		return nil, err
	}
	if !ok {
		has := "has no version of it"
		if len(there) > 0 {
			slices.SortFunc(there, func(a, b string) int { return versions.Compare(b, a) })
			has = "has " + strings.Join(there[:min(len(there), 5)], ", ")
		}
		return nil, failure.WithHint(fmt.Errorf("%s %s is not in the Helm repository, which %s", name, version, has), "name one of those, or the git tag of that version: refs/tags/NAME")
	}
	archive, err := from.Fetch(ctx, entry)
	if err != nil {
		return nil, err
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return nil, failure.WithHint(fmt.Errorf("%s %s: %s", name, version, complaint), "run again later; if it stays so, tell those who run the repository")
	}
	ext, err := published.Read(ctx, name+" "+version, archive)
	if err != nil {
		return nil, err
	}
	return &Base{
		Extension: ext, Label: "the published version " + version,
		Differ: func(ctx context.Context, local *extension.Extension) (compare.Differences, error) {
			d, err := published.Differs(ctx, local, nil, entry, archive, from)
			return d.Files, err
		},
	}, nil
}

// OfFile is a package in a file.
func OfFile(file string) (*Base, error) {
	ext, err := extension.Load(file, extension.Options{})
	if err != nil {
		return nil, err
	}
	return &Base{
		Extension: ext, Label: "the package " + filepath.Base(file),
		Differ: func(_ context.Context, local *extension.Extension) (compare.Differences, error) {
			by := compare.Compare
			if md, err := ext.FoundChart(); err == nil && md != nil && extension.IsContentDigest(md.Annotations[extension.ContentDigestAnnotation]) {
				by = compare.Content
			}
			return withOwnAssets(local, ext, by)
		},
	}, nil
}

// withOwnAssets compares without asking anybody for an address: one that ends in the name
// under which an asset is uploaded is that asset, and any other is another picture.
func withOwnAssets(local, other *extension.Extension, by func(_, _ *extension.Extension, _ compare.Fetch) (compare.Differences, error)) (compare.Differences, error) {
	return by(local, other, func(address string) ([]byte, error) {
		for _, a := range local.Assets {
			if a.RemoteName == path.Base(address) {
				return a.Data, nil
			}
		}
		return nil, nil
	})
}

// Commit is a commit of which extensions are read. Close ends it.
type Commit struct {
	// Name is what the user called it, and Hash its object name.
	Name, Hash string

	top     string
	objects *git.Objects
	scratch string
	mu      sync.Mutex // of what is written

	prefix  string             // of a submodule: its path in the main repository, with a slash
	whole   bool               // all of it is written
	modules map[string]*Commit // of submodules, by path; they write to folders of this one
}

// OpenCommit opens a commit by a name of git, in the repository that holds a folder. The
// error is a *git.Error, with a hint.
func OpenCommit(ctx context.Context, dir, name string) (*Commit, error) {
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	hash, err := repository.Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "ksrelease-base-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the commit: %w", err)
	}
	if real, err := filepath.EvalSymlinks(scratch); err == nil {
		scratch = real
	}
	objects, err := repository.Objects(ctx)
	if err != nil {
		_ = os.RemoveAll(scratch)
		return nil, err
	}
	return &Commit{Name: name, Hash: hash, top: repository.Top, objects: objects, scratch: scratch, modules: map[string]*Commit{}}, nil
}

// Close removes what was written, and ends the process of git.
func (c *Commit) Close() {
	for _, module := range c.modules {
		module.Close()
	}
	c.objects.Close()
	_ = os.RemoveAll(c.scratch)
}

// Root is where the folder dir of the work tree is in what is written of the commit: the top,
// where dir is that of a config from elsewhere.
func (c *Commit) Root(dir string) string {
	rel, err := c.relative(dir)
	if err != nil {
		return c.scratch
	}
	return filepath.Join(c.scratch, rel)
}

func (c *Commit) relative(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(c.top, real)
	if err != nil || !filepath.IsLocal(rel) {
		return "", failure.WithHint(fmt.Errorf("%s is not in the work tree of this repository", dir), "run ksrelease in its own repository, or name a version or a package")
	}
	return rel, nil
}

// Resolver brings in the dependencies of an extension that is in a folder.
type Resolver func(ctx context.Context, dir string, ext *extension.Extension) (*extension.Extension, error)

// Of is the extension that the commit has at a path of the work tree; display is how messages
// call it. The error is ErrNone where it has none there.
func (c *Commit) Of(ctx context.Context, at, display string, resolve Resolver) (*Base, error) {
	rel, err := c.relative(at)
	if err != nil {
		return nil, err
	}
	return c.of(ctx, rel, display, resolve)
}

// Below is like Of for a path below a folder of the work tree that only the commit may have.
func (c *Commit) Below(ctx context.Context, dir, path, display string, resolve Resolver) (*Base, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(c.top, filepath.Join(real, filepath.FromSlash(path)))
	if err != nil || !filepath.IsLocal(rel) {
		return nil, ErrNone
	}
	return c.of(ctx, rel, display, resolve)
}

func (c *Commit) of(ctx context.Context, rel, display string, resolve Resolver) (*Base, error) {
	label := fmt.Sprintf("%s (%s)", c.Name, c.Hash[:min(12, len(c.Hash))])
	ext, dir, err := c.load(ctx, filepath.ToSlash(rel), display+" at "+label)
	if err != nil {
		return nil, err
	}
	if ext, err = resolve(ctx, dir, ext); err != nil {
		return nil, fmt.Errorf("at %s: %w", label, err)
	}
	return &Base{
		Extension: ext, Label: label,
		Differ: func(_ context.Context, local *extension.Extension) (compare.Differences, error) {
			return compare.Content(local, ext, nil)
		},
	}, nil
}

// load writes what the commit has at a path, and the folders of its dependencies, and reads it.
func (c *Commit) load(ctx context.Context, rel, display string) (*extension.Extension, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rel, err := c.write(ctx, rel)
	if err != nil {
		return nil, "", err
	}
	dir := filepath.Join(c.scratch, filepath.FromSlash(rel))
	ext, err := extension.Load(dir, extension.Options{Display: display})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, extension.ErrNoExtension) {
		return nil, "", ErrNone
	}
	if err != nil {
		return nil, "", err
	}
	for _, i := range ext.MissingDependencies() {
		folder, ok := strings.CutPrefix(ext.Metadata.Dependencies[i].Repository, "file://")
		if below := path.Join(rel, folder); ok && !path.IsAbs(folder) && filepath.IsLocal(filepath.FromSlash(below)) {
			if _, err := c.write(ctx, below); err != nil && !errors.Is(err, ErrNone) {
				return nil, "", err
			}
		}
	}
	return ext, dir, nil
}

// write writes what the commit has at a path, and says where that is without links on the way.
func (c *Commit) write(ctx context.Context, rel string) (string, error) {
	found, ok, err := c.objects.Lookup(c.Hash, rel)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", ErrNone
	case found.Mode == git.ModeSubmodule:
		module, err := c.module(ctx, found.Path, found.Object)
		if err != nil {
			return "", err
		}
		at, err := module.write(ctx, path.Join(".", found.Below))
		return path.Join(found.Path, at), err
	}
	if c.whole {
		return found.Path, nil
	}
	if c.whole = found.Path == "."; !c.whole {
		if _, err := os.Lstat(filepath.Join(c.scratch, filepath.FromSlash(found.Path))); err == nil {
			return found.Path, nil // of another extension
		}
	}
	if err := c.objects.Checkout(ctx, c.Hash, []string{found.Path}, c.scratch); err != nil || found.Mode != git.ModeFolder {
		return found.Path, err
	}
	return found.Path, c.writeModules(ctx, found.Object, found.Path)
}

// errNotCheckedOut is the error of a submodule that has no files.
var errNotCheckedOut = errors.New("it is not checked out")

// module is the commit that a submodule has at a path.
func (c *Commit) module(ctx context.Context, at, hash string) (*Commit, error) {
	if known, ok := c.modules[at]; ok {
		return known, nil
	}
	shown := shellword.Quote(c.prefix + at)
	repository, err := git.Open(ctx, filepath.Join(c.top, filepath.FromSlash(at)))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil, repository.Top == c.top:
		return nil, failure.WithHint(fmt.Errorf("the submodule %s: %w", shown, errNotCheckedOut), "git submodule update --init --recursive %s", shown)
	}
	scratch := filepath.Join(c.scratch, filepath.FromSlash(at))
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder for the submodule %s: %w", shown, err)
	}
	objects, err := repository.Objects(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := objects.Tree(hash); err != nil {
		objects.Close()
		if git.ReasonOf(err) == git.NotFetched {
			return nil, failure.WithHint(fmt.Errorf("the submodule %s does not have the commit %s", shown, hash[:min(12, len(hash))]), "git -C %s fetch --unshallow, or git -C %s fetch where the clone is not shallow", shown, shown)
		}
		return nil, fmt.Errorf("the submodule %s: %w", shown, err)
	}
	module := &Commit{Name: c.Name, Hash: hash, top: repository.Top, objects: objects, scratch: scratch, prefix: c.prefix + at + "/", modules: map[string]*Commit{}}
	c.modules[at] = module
	return module, nil
}

// writeModules writes the submodules in a folder of the commit. One that is not checked out is
// left empty, as it is in the work tree.
func (c *Commit) writeModules(ctx context.Context, object, at string) error {
	entries, err := c.objects.Tree(object)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(at, entry.Name)
		switch entry.Mode {
		case git.ModeFolder:
			err = c.writeModules(ctx, entry.Object, name)
		case git.ModeSubmodule:
			var module *Commit
			if module, err = c.module(ctx, name, entry.Object); err == nil {
				_, err = module.write(ctx, ".")
			}
		}
		if err != nil && !errors.Is(err, errNotCheckedOut) {
			return err
		}
	}
	return nil
}
