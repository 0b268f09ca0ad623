package security

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// TestRealPackagesHoldNoSecrets: their many examples are none, but for a key that
// a manual shows whole.
func TestRealPackagesHoldNoSecrets(t *testing.T) {
	var got []string
	for _, archive := range testshared.Corpus(t) {
		ext, err := extension.Load(archive, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range ext.Files {
			for _, found := range secretsIn(file.Data) {
				got = append(got, ext.Metadata.Name+" "+file.Name+": "+found.What)
			}
		}
	}
	want := []string{"cert-manager README_zh.md: a private key (RSA PRIVATE KEY, in base64)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
	f.Add("LS0tLS1CRUdJTi" + "B" + `"auth": "YTpi"` + "eyJhdXRocyI6")
	f.Add("-----BEGIN PRIVATE KEY-----" + "kck" + "-ghp" + "_AKIA")
	f.Add("-----BEGIN -----END -----")
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range secretsIn([]byte(text)) {
			if found.What == "" || found.Offset < 0 || found.Offset >= len(text) {
				t.Errorf("%+v in %q", found, text)
			}
		}
	})
}
