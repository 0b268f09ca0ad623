package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

// made is a directory with one extension in it.
func made(t *testing.T) (*Store, *catalog.Extension) {
	t.Helper()
	s, err := Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.MakeFolders(); err != nil {
		t.Fatal(err)
	}
	digest, size, err := digestOf(strings.NewReader("package"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.KeepPackage(digest, []byte("package")); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	record := &catalog.Extension{ID: catalog.FormatID(catalog.NextID(0, now)), Name: "alc", Owner: "local", Snapshots: []catalog.Snapshot{{
		ID: catalog.FormatID(catalog.NextID(1, now)), Version: "1.0.0", Status: catalog.Draft, CreatedAt: now, UpdatedAt: now,
		Package: &catalog.Package{Filename: "alc-1.0.0.tgz", Size: size, Digest: digest, UploadedAt: now, Chart: &chart.Metadata{Name: "alc", Version: "1.0.0"}},
	}}}
	if err := errors.Join(s.WriteExtension(record), s.WriteContents(Contents{Extensions: []string{"alc"}})); err != nil {
		t.Fatal(err)
	}
	return s, record
}

// What was written is read as it was, and a changed byte of a record is seen.
func TestBytesOfARecordCount(t *testing.T) {
	s, record := made(t)
	all, err := s.ReadAll()
	if err != nil || len(all.Records) != 1 || all.Records[0].Snapshots[0].ID != record.Snapshots[0].ID {
		t.Fatalf("read %+v, %v", all, err)
	}
	file := s.Path(ExtensionFile("alc"))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 3 {
		changed := append([]byte{}, whole...)
		changed[i] ^= 1
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		var format *FormatError
		if _, err := s.ReadExtension("alc"); !IsDamage(err) && !errors.As(err, &format) {
			t.Errorf("byte %d (%q) was changed: %v", i, whole[i], err)
		}
	}
}

// A link in the place of a folder or a file is followed to nowhere.
func TestLinksAreNotFollowed(t *testing.T) {
	s, record := made(t)
	name := PackageFile(record.Snapshots[0].Package.Digest)
	elsewhere := filepath.Join(t.TempDir(), "x.tgz")
	if err := os.Rename(s.Path(name), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, s.Path(name)); err != nil {
		t.Skip(err)
	}
	if _, err := s.ReadAll(); !IsDamage(err) || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a link for a package: %v", err)
	}
}
