package app

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// mostMetadata bounds what is read of an extension.yaml, in bytes.
const mostMetadata = 4 << 20

// Named are the extensions of a name that the project declares, the highest version first. Of
// all others extension.yaml alone is read. Where there is none the error has a hint.
func (p *Project) Named(ctx context.Context, name string) ([]*extension.Extension, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
	}
	return graceful.Read(ctx, &p.app.Reads, "reading the extensions", func() ([]*extension.Extension, error) { return named(sources, name) })
}

func named(sources []config.Source, name string) (found []*extension.Extension, err error) {
	var names []string
	for _, s := range sources {
		this := nameOf(s)
		names = append(names, this)
		if this != name {
			continue
		}
		ext, err := extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
		if err != nil {
			return nil, err
		}
		found = append(found, ext)
	}
	if len(found) == 0 {
		return nil, &UnknownNameError{request.Unknown([]string{name}, names)}
	}
	slices.SortStableFunc(found, func(a, b *extension.Extension) int {
		return versions.Compare(b.Metadata.Version, a.Metadata.Version)
	})
	return found, nil
}

// nameOf is the name of an extension, or what its folder suggests where it cannot be read.
func nameOf(s config.Source) string {
	if strings.HasSuffix(s.Path, ".tgz") {
		if ext, err := extension.Load(s.Path, extension.Options{Display: s.Display}); err == nil {
			return ext.Metadata.Name
		}
		return naming.GuessName(s.Path)
	}
	text, err := regularfile.ReadWithin(s.Path, filepath.Join(s.Path, extension.MetadataFile), mostMetadata)
	if err != nil {
		return naming.GuessName(s.Path)
	}
	metadata, err := extension.ReadMetadata(text)
	if err != nil || metadata.Name == "" {
		return naming.GuessName(s.Path)
	}
	return metadata.Name
}

// UnknownNameError is that of a name that no extension has.
type UnknownNameError struct{ error }

func (e *UnknownNameError) Unwrap() error { return e.error }
