package extension

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// A package says of which commit it is made, keeps that when it is packed again, and has the
// same content as one of another commit.
func TestOrigin(t *testing.T) {
	plain := mustLoad(t, trees.Write(t, map[string]string{
		"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\nannotations: {" + RevisionAnnotation + ": forged, " + CommittedAnnotation + ": 'true', kept: 'yes'}\n",
	}))
	chart := func(e *Extension) map[string]string {
		t.Helper()
		loaded, err := e.Chart()
		if err != nil {
			t.Fatal(err)
		}
		return loaded.Metadata.Annotations
	}
	// Not even extension.yaml can claim it.
	if a := chart(plain); a[RevisionAnnotation] != "" || a[CommittedAnnotation] != "" || a["kept"] != "yes" {
		t.Errorf("%v", a)
	}
	one := WithOrigin(plain, Origin{Revision: strings.Repeat("1", 40), Committed: true})
	other := WithOrigin(plain, Origin{Revision: strings.Repeat("2", 40)})
	if a := chart(one); a[RevisionAnnotation] != strings.Repeat("1", 40) || a[CommittedAnnotation] != "true" {
		t.Errorf("%v", a)
	}
	if a := chart(other); a[RevisionAnnotation] != strings.Repeat("2", 40) || a[CommittedAnnotation] != "false" {
		t.Errorf("%v", a)
	}
	if plain.ContentDigest() != one.ContentDigest() || one.ContentDigest() != other.ContentDigest() {
		t.Error("the origin is content")
	}
	for _, urls := range []URLs{nil, {}} {
		pkg, err := one.Pack(urls)
		if err != nil {
			t.Fatal(err)
		}
		again, err := WithOrigin(plain, *one.Origin).Pack(urls)
		if err != nil || again.Digest != pkg.Digest {
			t.Errorf("packed again: %s, %s, %v", pkg.Digest, again.Digest, err)
		}
		archive := mustLoad(t, filepath.Join(trees.Write(t, map[string]string{pkg.Filename: string(pkg.Data)}), pkg.Filename))
		if archive.Origin == nil || *archive.Origin != *one.Origin {
			t.Fatalf("%+v", archive.Origin)
		}
		if repacked, err := archive.Pack(urls); err != nil || repacked.Digest != pkg.Digest {
			t.Errorf("the package packed again: %v", err)
		}
	}
}
