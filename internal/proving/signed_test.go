package proving

import (
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/proof"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
)

// What names a package by its digest signs that one alone: a registry may have answered with
// another package than the one that is proved.
func TestSignatureOfAnotherPackage(t *testing.T) {
	file, public, err := keytest.PEM(t.TempDir(), "release")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := signing.Load(signing.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	key, err := signing.ReadPublic(public)
	if err != nil {
		t.Fatal(err)
	}
	claim := &proof.Claim{Archive: []byte("package"), Digest: "sha256:1"}
	sign := func(data string) []byte {
		value, err := keys.SignData([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, test := range []struct {
		of   target.Signature
		want string
	}{
		{target.Signature{Value: sign("package")}, ""},
		{target.Signature{Value: sign("another")}, "not of this package"},
		{target.Signature{Of: []byte("names 1"), Package: "sha256:1", Value: sign("names 1")}, ""},
		{target.Signature{Of: []byte("names 1"), Package: "sha256:1", Value: sign("names 2")}, "not of this package"},
		{target.Signature{Of: []byte("names 2"), Package: "sha256:2", Value: sign("names 2")}, "is of the package sha256:2"},
		{target.Signature{Of: []byte("names 2"), Value: sign("names 2")}, "is of the package"},
	} {
		err := verify(key, claim, test.of)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.of, err)
		}
	}
}
