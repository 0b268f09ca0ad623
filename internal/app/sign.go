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
	"github.com/ksrelease/ksrelease/pipeline"
)

// SignWith has a run sign its packages with the keys that the config names, and gives them; nil
// where it names none. A key that cannot be used is reported at its place, and so is one that
// would become part of a package.
//
// Where keys are optional, one that cannot be used is a warning, and nothing is signed: a plan
// needs none, and pull requests have none.
func (p *Project) SignWith(ctx context.Context, options *pipeline.Options, optional bool) (*signing.Keys, error) {
	keys, err := graceful.Read(ctx, &p.app.Reads, "reading the keys that packages are signed with", func() (*signing.Keys, error) {
		if err := p.keptApart(options.Sources); err != nil {
			return nil, err
		}
		return p.keys(p.Config.Sign, optional)
	})
	if keys != nil { // an interface with a nil in it is not nil
		options.Signer = keys
	}
	return keys, err
}

// StatementKey is the key in PEM, with which statements are signed; nil where the config names
// none.
func (p *Project) StatementKey(ctx context.Context) (*signing.Keys, error) {
	return graceful.Read(ctx, &p.app.Reads, "reading the key that statements are signed with", func() (*signing.Keys, error) {
		return p.keys(config.Sign{KeyFile: p.Config.Sign.KeyFile}, false)
	})
}

// keys loads keys of the config.
func (p *Project) keys(sign config.Sign, optional bool) (*signing.Keys, error) {
	passphrase, _ := p.app.Env(signing.PGPPassphrase)
	loaded, err := signing.Load(signing.Options{PGPFile: displayed(sign.PGPKeyFile), PGPPassphrase: strings.TrimRight(passphrase, "\r\n"), File: displayed(sign.KeyFile)})
	var unusable *signing.FileError
	if errors.As(err, &unusable) {
		key := "key_file"
		if unusable.PGP {
			key = "pgp_key_file"
		}
		message := "sign." + key + ": " + unusable.Error()
		if optional {
			p.warn("packages are not signed: " + message)
			return nil, nil
		}
		return nil, diagnostic.List{p.Config.Problem(config.CodeUnusableKeyFile, message, failure.Hint(err), "sign", key)}
	}
	return loaded, err
}

// keptApart reports a key that lies in an extension, which would publish it.
func (p *Project) keptApart(sources []config.Source) error {
	for _, of := range []struct{ key, file string }{{"pgp_key_file", p.Config.Sign.PGPKeyFile}, {"key_file", p.Config.Sign.KeyFile}} {
		for _, s := range sources {
			if of.file != "" && extension.WouldPack(s.Path, of.file, extension.Options{}) {
				return diagnostic.List{p.Config.Problem(config.CodeUnusableKeyFile, fmt.Sprintf("sign.%s: %s lies in the extension %s, and would be published with it", of.key, Display(of.file), s.Display),
					"move it out of the folder", "sign", of.key)}
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
