// Package signing signs packages: with an OpenPGP key as `helm package --sign` does, and with a
// key of its own kind (PEM) as `cosign sign-blob --key` does.
package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ProtonMail/go-crypto/openpgp"
	"helm.sh/helm/v3/pkg/provenance"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// mostKey bounds what is read of a file with a key, in bytes.
const mostKey = 1 << 20

// Keys are what packages are signed with; each may be nil. They may be used by several goroutines
// at once.
type Keys struct {
	pgp *openpgp.Entity
	key crypto.Signer
}

// Options name the keys. Files that are empty name none.
type Options struct {
	// PGPFile has an OpenPGP private key, armored or not, and PGPPassphrase unlocks it.
	PGPFile, PGPPassphrase string
	// File has a private key in PEM (PKCS #8, SEC 1 or PKCS #1): ECDSA, Ed25519 or RSA.
	File string
}

// Load reads the keys; nil where none is named. Errors are of type [FileError], name the file, and
// have hints.
func Load(o Options) (*Keys, error) {
	if o.PGPFile == "" && o.File == "" {
		return nil, nil
	}
	k := &Keys{}
	var err error
	if o.PGPFile != "" {
		if k.pgp, err = readPGP(o.PGPFile, o.PGPPassphrase); err != nil {
			return nil, &FileError{PGP: true, Err: err}
		}
	}
	if o.File != "" {
		if k.key, err = readPEM(o.File); err != nil {
			return nil, &FileError{Err: err}
		}
	}
	return k, nil
}

// readPGP reads an OpenPGP key, and unlocks it.
func readPGP(file, passphrase string) (*openpgp.Entity, error) {
	text, err := regularfile.Read(file, mostKey)
	if err != nil {
		return nil, fmt.Errorf("reading the OpenPGP key %s: %w", file, err)
	}
	all, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		all, err = openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("%s is no OpenPGP key", file), "export it: gpg --armor --export-secret-keys NAME >%s", file)
	}
	var private []*openpgp.Entity
	for _, e := range all {
		if e.PrivateKey != nil {
			private = append(private, e)
		}
	}
	switch {
	case len(private) == 0:
		return nil, failure.WithHint(fmt.Errorf("%s has public keys alone", file), "export the private one: gpg --armor --export-secret-keys NAME >%s", file)
	case len(private) > 1:
		return nil, failure.WithHint(fmt.Errorf("%s has %d private keys", file, len(private)), "export the one that is to sign: gpg --armor --export-secret-keys NAME >%s", file)
	}
	e := private[0]
	if !e.PrivateKey.Encrypted && !hasLocked(e) {
		return e, nil
	}
	if passphrase == "" {
		return nil, failure.WithHint(fmt.Errorf("the OpenPGP key %s has a passphrase", file), "set %s", PGPPassphrase)
	}
	if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil {
		return nil, failure.WithHint(fmt.Errorf("the passphrase in %s is not that of the OpenPGP key %s", PGPPassphrase, file), "set %s to the one it has", PGPPassphrase)
	}
	return e, nil
}

// PGPPassphrase is the variable with the passphrase of the OpenPGP key.
const PGPPassphrase = "KSRELEASE_PGP_PASSPHRASE"

// hasLocked says that a subkey has a passphrase.
func hasLocked(e *openpgp.Entity) bool {
	for _, sub := range e.Subkeys {
		if sub.PrivateKey != nil && sub.PrivateKey.Encrypted {
			return true
		}
	}
	return false
}

// readPEM reads a private key.
func readPEM(file string) (crypto.Signer, error) {
	text, err := regularfile.Read(file, mostKey)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", file, err)
	}
	hint := "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out " + filepath.Base(file)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, failure.WithHint(fmt.Errorf("%s is no key in PEM", file), "%s", hint)
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, failure.WithHint(fmt.Errorf("%s holds a %q, which is no private key that can be read", file, block.Type), "a key with a passphrase cannot be used; %s", hint)
	}
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("reading the key %s: %w", file, err), "%s", hint)
	}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		return key, nil
	}
	return nil, failure.WithHint(fmt.Errorf("%s holds a key of a kind that signs nothing", file), "%s", hint)
}

// Sign is a package with what its keys sign of it: its provenance file, and its signature. pkg
// stays as it is.
func (k *Keys) Sign(pkg *extension.Package) (*extension.Package, error) {
	if k == nil {
		return pkg, nil
	}
	signed := *pkg
	if k.pgp != nil {
		prov, err := k.provenance(pkg)
		if err != nil {
			return nil, fmt.Errorf("signing %s with the OpenPGP key: %w", pkg.Filename, err)
		}
		signed.Provenance = prov
	}
	if k.key != nil {
		signature, err := k.SignData(pkg.Data)
		if err != nil {
			return nil, fmt.Errorf("signing %s: %w", pkg.Filename, err)
		}
		signed.Signature = signature
	}
	return &signed, nil
}

// provenance is the provenance file of a package, by Helm's own code, which reads a file: its name
// stands in what is signed.
func (k *Keys) provenance(pkg *extension.Package) (prov []byte, err error) {
	dir, err := os.MkdirTemp("", "ksrelease-sign-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, pkg.Filename)
	if err := os.WriteFile(file, pkg.Data, 0o600); err != nil {
		return nil, err
	}
	text, err := (&provenance.Signatory{Entity: k.pgp}).ClearSign(file)
	return []byte(text), err
}

// SignsData says that there is a key for SignData.
func (k *Keys) SignsData() bool { return k != nil && k.key != nil }

// SignData signs data with the key in PEM, as cosign sign-blob does: in base64, of the SHA-256 of data with
// ECDSA (ASN.1) and RSA (PKCS #1 v1.5), of data itself with Ed25519.
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
func (k *Keys) SignData(data []byte) ([]byte, error) {
	raw, err := k.signRaw(data)
	if err != nil {
		return nil, err
	}
	return []byte(base64.StdEncoding.EncodeToString(raw)), nil
}

// Verifies says that a signature, in base64, is of data, by the key in PEM.
func (k *Keys) Verifies(data, signature []byte) bool {
	return k.SignsData() && Verify(k.key.Public(), data, signature) == nil
}

func (k *Keys) signRaw(data []byte) ([]byte, error) {
	message, by := data, crypto.SignerOpts(crypto.Hash(0))
	if _, plain := k.key.(ed25519.PrivateKey); !plain {
		sum := sha256.Sum256(data)
		message, by = sum[:], crypto.SHA256
	}
	return k.key.Sign(rand.Reader, message, by)
}
