package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Builder builds extensions from commits of one repository.
type Builder struct {
	Repository *commits.Repository
	// Declared are where the extensions are today, relative to the top of the repository, with
	// slashes. They are looked at first.
	Declared []string
	// Root is the folder of the config of today; absolute.
	Root string
	// Resolve brings in the charts that an extension in a folder names by a repository; root
	// stands for the folder of the config.
	Resolve func(ctx context.Context, root, dir string, ext *extension.Extension) (*extension.Extension, error)
	// Prepare runs what has to come before an extension can be read, in the folder that stands
	// for that of the config; nil runs nothing. The whole commit is there then.
	Prepare func(ctx context.Context, root, dir, name, version string) error
	// Fetch downloads a picture; nil knows pictures by their names alone.
	Fetch FetchPicture
}

// built is an extension as a commit has it.
type built struct {
	path     string // relative to the top of the repository
	packages []*extension.Package
	ext      *extension.Extension
	pictures compare.Differences
}

// build reads the extension of a claim from a commit, and packs it in the forms that the package
// may have.
func (b *Builder) build(ctx context.Context, c *Claim, commit string) (*built, error) {
	checkout, err := b.Repository.Checkout(commit)
	if err != nil {
		return nil, err
	}
	defer checkout.Remove()
	checkout.PassAbsent = true
	if b.Prepare != nil { // hooks may need all that there is
		if _, _, err := checkout.Write(ctx, "."); err != nil {
			return nil, fmt.Errorf("writing the commit to a folder: %w", err)
		}
	}
	at, err := b.find(ctx, checkout, c)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(checkout.Dir, filepath.FromSlash(at))
	root := checkout.Root(b.Root)
	if b.Prepare != nil {
		if err := b.Prepare(ctx, root, dir, c.Name, c.Version); err != nil {
			return nil, err
		}
	}
	ext, err := extension.Load(dir, extension.Options{Display: at + " at " + git.Short(commit)})
	if err != nil {
		return nil, err
	}
	made := &built{path: at}
	if strings.HasSuffix(at, ".tgz") {
		data, err := os.ReadFile(dir)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(data, c.Archive) { // it was published as it lies there
			made.ext, made.packages = ext, []*extension.Package{{Data: data, Digest: c.Digest}}
			return made, nil
		}
	} else {
		if err := checkout.WriteDependencies(ctx, dir, ext); err != nil {
			return nil, err
		}
		if ext, err = b.Resolve(ctx, root, dir, ext); err != nil {
			return nil, err
		}
	}
	if c.Origin != nil {
		ext = extension.WithOrigin(ext, *c.Origin)
	}
	made.ext = ext
	return pack(ctx, c, made, b.Fetch)
}

// pack makes the packages that a claim may be.
func pack(ctx context.Context, c *Claim, b *built, fetch FetchPicture) (*built, error) {
	urls, pictures, err := c.addresses(ctx, b.ext, fetch)
	if err != nil {
		return nil, err
	}
	b.pictures = pictures
	forms := []extension.URLs{urls}
	if len(b.ext.Assets) == 0 { // whether it was pushed is not seen in addresses
		forms = []extension.URLs{{}, nil}
	}
	for _, form := range forms {
		packages, err := b.ext.Forms(form)
		if err != nil {
			return nil, err
		}
		b.packages = append(b.packages, packages...)
	}
	return b, nil
}

// find is where the commit has the extension in the version of a claim, relative to the top.
func (b *Builder) find(ctx context.Context, checkout *commits.Checkout, c *Claim) (string, error) {
	other := "" // the version of an extension of that name
	for _, at := range b.Declared {
		dir, ok, err := checkout.Write(ctx, at)
		if err != nil || !ok {
			continue // where it lay then is found below
		}
		switch name, version := identityIn(dir); {
		case name == c.Name && version == c.Version:
			return at, nil
		case name == c.Name:
			other = version
		}
	}
	found, seen, err := b.search(ctx, checkout.Commit, c)
	switch {
	case err != nil:
		return "", err
	case len(found) == 1:
		if _, ok, err := checkout.Write(ctx, found[0]); err != nil || !ok {
			return "", fmt.Errorf("writing %s to a folder: %w", found[0], err)
		}
		return found[0], nil
	case len(found) > 1:
		return "", failure.WithHint(fmt.Errorf("the commit %s has %s %s at several places: %s", git.Short(checkout.Commit), c.Name, c.Version, strings.Join(found, ", ")), "declare the right one in the config")
	}
	if other == "" {
		other = seen
	}
	if other != "" {
		return "", failure.WithHint(fmt.Errorf("the commit %s has %s in version %s, and not in %s", git.Short(checkout.Commit), c.Name, other, c.Version),
			"the package names a commit that it was not made of; find the right one: git log -S %s -- %s, and name it with --revision", shellword.Quote(c.Version), extension.MetadataFile)
	}
	return "", failure.WithHint(fmt.Errorf("the commit %s has no extension %s", git.Short(checkout.Commit), c.Name), "run ksrelease prove in the repository that the package was made of; where hooks make the extension, with --hooks")
}

// identityIn is the name and the version of what lies at a path; empty where it is none.
func identityIn(at string) (name, version string) {
	ext, err := extension.Load(at, extension.Options{})
	if err != nil {
		return "", ""
	}
	return ext.Metadata.Name, ext.Metadata.Version
}

// search looks for the extension in all that the commit has. other is the version of one of that
// name; empty where there is none.
func (b *Builder) search(ctx context.Context, commit string, c *Claim) (found []string, other string, err error) {
	all, err := b.Repository.List(ctx, commit)
	if err != nil {
		return nil, "", err
	}
	for _, f := range all {
		switch {
		case !f.Mode.IsFile():
		case path.Base(f.Path) == c.Name+"-"+c.Version+".tgz":
			found = append(found, f.Path)
		case path.Base(f.Path) == extension.MetadataFile:
			text, err := b.Repository.Objects.Blob(f.Object)
			if err != nil {
				return nil, "", fmt.Errorf("reading %s: %w", f.Path, err)
			}
			metadata, err := extension.ReadMetadata(text)
			if err != nil || metadata.Name != c.Name {
				continue
			}
			if metadata.Version != c.Version {
				other = metadata.Version
				continue
			}
			found = append(found, path.Dir(f.Path))
		}
	}
	// A folder comes before packages of it, which may lie in the repository.
	if folders := slices.DeleteFunc(slices.Clone(found), func(at string) bool { return strings.HasSuffix(at, ".tgz") }); len(folders) > 0 {
		found = folders
	}
	return found, other, nil
}

// commitOf is the object name of the commit of a claim: that of its package, unless another is
// named.
func (b *Builder) commitOf(ctx context.Context, c *Claim, revision string) (string, error) {
	if revision == "" {
		if c.Origin == nil {
			return "", errNoOrigin
		}
		revision = c.Origin.Revision
		if !isObjectName(revision) { // of a stranger: it is no name for git to look up
			return "", fmt.Errorf("its package names no commit, but %q", revision)
		}
	}
	commit, err := b.Repository.Resolve(ctx, revision)
	var known *git.Error
	if errors.As(err, &known) && c.Origin != nil && revision == c.Origin.Revision {
		return "", failure.WithHint(fmt.Errorf("the package was made of the commit %s, which is not in this repository", git.Short(revision)), "%s", b.fetchHint(ctx))
	}
	return commit, err
}

// fetchHint is how a commit comes to be in a clone.
func (b *Builder) fetchHint(ctx context.Context) string {
	if b.Repository.Shallow {
		return b.Repository.Deepen(ctx)
	}
	return "git fetch --all --tags; or run ksrelease prove in the repository that it was made of"
}

// isObjectName says that a text is the whole name of an object of git.
func isObjectName(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}
