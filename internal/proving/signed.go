package proving

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/proof"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
)

// signed verifies what signs a package by the keys that are asked for; nil where none is. The
// error is that of ctx.
func (p *Proving) signed(ctx context.Context, what asked, claim *proof.Claim) (*proof.Signed, error) {
	if p.options.Keyring == "" && p.key == nil {
		return nil, nil
	}
	found, err := p.signatures(ctx, what, claim)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var s proof.Signed
	if err == nil && p.options.Keyring != "" {
		err = errNoProvenance
		if found.Provenance != nil {
			s.By, err = graceful.Await(ctx, func() (string, error) {
				return signing.VerifyProvenance(p.options.Keyring, fmt.Sprintf("%s-%s.tgz", claim.Name, claim.Version), claim.Archive, found.Provenance)
			})
		}
	}
	if err == nil && p.key != nil {
		err = errNoSignature
		for _, one := range found.Signatures {
			if err = verify(p.key, claim, one); err == nil {
				s.Key = p.options.Key
				break
			}
		}
	}
	if err != nil {
		s.Error = &proof.Failure{Message: err.Error(), Hint: failure.Hint(err)}
	}
	return &s, nil
}

// verify says why a signature is not of a package.
func verify(by crypto.PublicKey, claim *proof.Claim, s target.Signature) error {
	if s.Of == nil {
		return signing.Verify(by, claim.Archive, s.Value)
	}
	if s.Package != claim.Digest {
		return fmt.Errorf("the signature is of the package %s, and this one is %s", s.Package, claim.Digest)
	}
	return signing.Verify(by, s.Of, s.Value)
}

var (
	errNoProvenance = failure.WithHint(errors.New("it has no provenance file"), "it was released without sign.pgp_key_file, or the target keeps none: docs/proofs.md")
	errNoSignature  = failure.WithHint(errors.New("it has no signature"), "it was released without sign.key_file, or the target keeps none: docs/proofs.md")
)

// signatures are what signs a package: next to the file, or in its target.
func (p *Proving) signatures(ctx context.Context, what asked, claim *proof.Claim) (target.Signatures, error) {
	if what.in == nil {
		var found target.Signatures
		var err error
		if found.Provenance, err = readIfThere(what.word + extension.ProvenanceEnding); err != nil {
			return found, err
		}
		signature, err := readIfThere(what.word + extension.SignatureEnding)
		if signature != nil {
			found.Signatures = []target.Signature{{Value: signature}}
		}
		return found, err
	}
	links, err := what.in.dial(ctx)
	if err != nil {
		return target.Signatures{}, err
	}
	keeps, ok := links.Target.(target.Signed)
	if !ok {
		return target.Signatures{}, nil
	}
	return keeps.Signatures(ctx, claim.Name, claim.Version)
}

func readIfThere(file string) ([]byte, error) {
	data, err := regularfile.Read(file, target.MostSigns)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return data, nil
}
