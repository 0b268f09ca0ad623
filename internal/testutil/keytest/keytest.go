// Package keytest makes keys for tests, which no scanner should find in the repository.
package keytest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// PGP writes an OpenPGP key as DIR/NAME.asc (private, armored, with the passphrase where that is
// not empty) and DIR/NAME.gpg (public, as helm takes it for a keyring).
func PGP(dir, name, passphrase string) (private, public string, err error) {
	key, err := openpgp.NewEntity("Example", "", name+"@example.com", &packet.Config{RSABits: 2048})
	if err != nil {
		return "", "", err
	}
	var ring, secret bytes.Buffer
	if err := key.Serialize(&ring); err != nil {
		return "", "", err
	}
	if passphrase != "" {
		if err := key.EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
			return "", "", err
		}
	}
	w, err := armor.Encode(&secret, openpgp.PrivateKeyType, nil)
	if err != nil {
		return "", "", err
	}
	if err := key.SerializePrivateWithoutSigning(w, nil); err != nil {
		return "", "", err
	}
	if err := w.Close(); err != nil {
		return "", "", err
	}
	return write(dir, name, ".asc", secret.Bytes(), ".gpg", ring.Bytes())
}

// PEM writes an ECDSA key as DIR/NAME.pem (private, PKCS #8) and DIR/NAME.pub (public).
func PEM(dir, name string) (private, public string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	return WritePEM(dir, name, key)
}

// Kinds are new keys of each kind that signs packages.
func Kinds() (map[string]crypto.Signer, error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	return map[string]crypto.Signer{"ecdsa": ec, "ed25519": ed, "rsa": long}, err
}

// WritePEM writes a key as PEM does.
func WritePEM(dir, name string, key crypto.Signer) (private, public string, err error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	open, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", "", err
	}
	return write(dir, name,
		".pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}))
}

func write(dir, name, privateEnding string, private []byte, publicEnding string, public []byte) (string, string, error) {
	at := filepath.Join(dir, name)
	if err := os.WriteFile(at+privateEnding, private, 0o600); err != nil {
		return "", "", err
	}
	return at + privateEnding, at + publicEnding, os.WriteFile(at+publicEnding, public, 0o644)
}
