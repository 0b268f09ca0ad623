package repair

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// A directory that is in order is left as it is, and one whose contents are damaged can be
// read again; the damaged file is kept. TestDamagedFolders (internal/marketplace) tries all
// other damages with a whole marketplace.
func TestRepairsTheContents(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Make(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.MakeFolders(); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteContents(store.Contents{ExternalURL: "https://market.example.org"}); err != nil {
		t.Fatal(err)
	}
	if done, err := Run(dir, "local", time.Now); err != nil || len(done) != 0 {
		t.Fatalf("in order: %q, %v", done, err)
	}
	if err := os.WriteFile(filepath.Join(dir, store.ContentsFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAll(); !store.IsDamage(err) {
		t.Fatalf("damaged contents are read: %v", err)
	}
	done, err := Run(dir, "local", time.Now)
	if err != nil || !strings.Contains(strings.Join(done, "\n"), "which extensions there were is no longer known") {
		t.Errorf("repaired: %q, %v", done, err)
	}
	if _, err := s.ReadAll(); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, store.LostDir, "contents.json")); err != nil || string(kept) != "{}" {
		t.Errorf("the damaged file: %q, %v", kept, err)
	}
}
