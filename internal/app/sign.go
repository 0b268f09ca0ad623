package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/signing"
)

// Keys are those that the config has for packages; nil where it names none. A key that cannot be
// used, or that would become part of a package, is reported at its place.
func (p *Project) Keys(ctx context.Context, sources []config.Source) (*signing.Keys, error) {
	return graceful.Read(ctx, &p.app.Reads, "reading the keys that packages are signed with", func() (*signing.Keys, error) {
		if err := p.keptApart(sources); err != nil {
			return nil, err
		}
		return p.keys()
	})
}

// CheckKeys warns of keys that a run could not use, for a plan, which needs none: pull requests
// have no keys.
func (p *Project) CheckKeys(ctx context.Context, sources []config.Source) error {
	_, err := graceful.Read(ctx, &p.app.Reads, "reading the keys that packages are signed with", func() (struct{}, error) {
		if err := p.keptApart(sources); err != nil {
			return struct{}{}, err
		}
		var problem diagnostic.Diagnostic
		if _, err := p.keys(); errors.As(err, &problem) {
			p.warn("a run could sign nothing: " + problem.Message)
		}
		return struct{}{}, nil
	})
	return err
}

// keys loads the keys of the config.
func (p *Project) keys() (*signing.Keys, error) {
	sign := p.Config.Sign
	passphrase, _ := p.app.Env(signing.PGPPassphrase)
	loaded, err := signing.Load(signing.Options{PGPFile: displayed(sign.PGPKeyFile), PGPPassphrase: strings.TrimRight(passphrase, "\r\n"), File: displayed(sign.KeyFile)})
	var unusable *signing.FileError
	if errors.As(err, &unusable) {
		key := "key_file"
		if unusable.PGP {
			key = "pgp_key_file"
		}
		return nil, p.Config.Problem(config.CodeUnusableKeyFile, "sign."+key+": "+unusable.Error(), failure.Hint(err), "sign", key)
	}
	return loaded, err
}

// keptApart reports a key that lies in an extension, which would publish it.
func (p *Project) keptApart(sources []config.Source) error {
	for _, of := range []struct{ key, file string }{{"pgp_key_file", p.Config.Sign.PGPKeyFile}, {"key_file", p.Config.Sign.KeyFile}} {
		for _, s := range sources {
			if of.file != "" && extension.WouldPack(s.Path, of.file, extension.Options{}) {
				return p.Config.Problem(config.CodeUnusableKeyFile, fmt.Sprintf("sign.%s: %s lies in the extension %s, and would be published with it", of.key, Display(of.file), s.Display),
					"move it out of the folder", "sign", of.key)
			}
		}
	}
	return nil
}

// displayed is Display, but for what is empty.
func displayed(path string) string {
	if path == "" {
		return ""
	}
	return Display(path)
}
