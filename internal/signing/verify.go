package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/provenance"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// errNotSigned is a signature that is not of the data, or not of the key.
var errNotSigned = errors.New("the signature is not of this package, or not of this key")

// Verify says why a signature, in base64, is not of data by a key. It takes what
// [Keys.SignData] and cosign sign-blob write.
func Verify(public crypto.PublicKey, data, signature []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(signature)))
	if err != nil {
		return errors.New("the signature is not in base64")
	}
	sum := sha256.Sum256(data)
	is := false
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		is = ecdsa.VerifyASN1(key, sum[:], raw)
	case ed25519.PublicKey:
		is = ed25519.Verify(key, data, raw)
	case *rsa.PublicKey:
		is = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil
	default:
		return fmt.Errorf("a key of type %T verifies nothing", public)
	}
	if !is {
		return errNotSigned
	}
	return nil
}

// CheckKeyring says why a file is no keyring that [VerifyProvenance] reads: OpenPGP, without armor.
func CheckKeyring(file string) error {
	data, err := regularfile.Read(file, mostKeyring)
	if err != nil {
		return fmt.Errorf("reading the keyring %s: %w", file, err)
	}
	_, err = provenance.NewFromKeyring(file, "")
	if len(data) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return failure.WithHint(fmt.Errorf("reading the keyring %s: %w", file, err), "export it: gpg --export NAME >FILE")
	}
	return nil
}

// mostKeyring bounds a keyring, in bytes.
const mostKeyring = 64 << 20

// VerifyProvenance says who of a keyring has signed a package, by Helm's own code. The error says
// why it is not signed.
func VerifyProvenance(keyring, filename string, archive, prov []byte) (by string, err error) {
	signatory, err := provenance.NewFromKeyring(keyring, "")
	if err != nil {
		return "", failure.WithHint(fmt.Errorf("reading the keyring %s: %w", keyring, err), "export it: gpg --export NAME >FILE")
	}
	dir, err := os.MkdirTemp("", "ksrelease-verify-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, filepath.Base(filename))
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(file+".prov", prov, 0o600); err != nil {
		return "", err
	}
	verified, err := signatory.Verify(file, file+".prov")
	if err != nil {
		return "", fmt.Errorf("its provenance file does not verify: %w", err)
	}
	if names := slices.Sorted(maps.Keys(verified.SignedBy.Identities)); len(names) > 0 {
		by = names[0]
	}
	return strings.TrimSpace(fmt.Sprintf("%s %X", by, verified.SignedBy.PrimaryKey.Fingerprint)), nil
}

// ReadPublic reads a public key in PEM. Errors have hints.
func ReadPublic(file string) (crypto.PublicKey, error) {
	text, err := regularfile.Read(file, mostKey)
	if err != nil {
		return nil, fmt.Errorf("reading the public key %s: %w", file, err)
	}
	const hint = "take the public one of the key: openssl pkey -in KEY -pubout -out FILE"
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, failure.WithHint(fmt.Errorf("%s is no public key in PEM", file), hint)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("reading the public key %s: %w", file, err), hint)
	}
	switch key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey:
		return key, nil
	}
	return nil, failure.WithHint(fmt.Errorf("%s holds a key of a kind that signs nothing", file), hint)
}
