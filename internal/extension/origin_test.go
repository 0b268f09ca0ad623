package extension

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A package says of which commit it is made, keeps that when it is packed again, and has the
// same content as one of another commit.
func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	text := "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\nannotations: {" + RevisionAnnotation + ": forged, " + CommittedAnnotation + ": 'true', kept: 'yes'}\n"
	if err := os.WriteFile(filepath.Join(dir, "extension.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	plain, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
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
		file := filepath.Join(t.TempDir(), pkg.Filename)
		if err := os.WriteFile(file, pkg.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		archive, err := Load(file, Options{})
		if err != nil || archive.Origin == nil || *archive.Origin != *one.Origin {
			t.Fatalf("%+v, %v", archive.Origin, err)
		}
		if repacked, err := archive.Pack(urls); err != nil || repacked.Digest != pkg.Digest {
			t.Errorf("the package packed again: %v", err)
		}
	}
}
