package outputdir

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// A package takes the place of an older one of its name, with a checksum as sha256sum has it.
func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build", "dist")
	for _, data := range []string{"one", "two"} {
		pkg := &extension.Package{Filename: "alc-1.0.0.tgz", Data: []byte(data), Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(data)))}
		file, err := Keep(dir, pkg)
		if err != nil || file != filepath.Join(dir, "alc-1.0.0.tgz") {
			t.Fatal(file, err)
		}
		kept, _ := os.ReadFile(file)
		sum, _ := os.ReadFile(file + ".sha256")
		if string(kept) != data || string(sum) != strings.TrimPrefix(pkg.Digest, "sha256:")+"  alc-1.0.0.tgz\n" {
			t.Errorf("%q, %q", kept, sum)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	_, err := Keep(filepath.Join(dir, "alc-1.0.0.tgz", "dist"), &extension.Package{Filename: "alc-1.0.0.tgz"})
	if !MayNotWrite(err) || !strings.HasPrefix(failure.Hint(err), "choose another with --output-dir") {
		t.Errorf("%v, %q", err, failure.Hint(err))
	}
}

// A folder that is not there to be written is one thing, and a disk that is full another.
// What signs a package is next to it, and next to no other one.
func TestKeepWhatSigns(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct{ data, prov, sig, wantProv, wantSig string }{
		{"one", "prov 1", "sig 1", "prov 1", "sig 1"},
		{"one", "", "", "prov 1", "sig 1"}, // which still fit
		{"two", "", "sig 2", "", "sig 2"},
		{"three", "", "", "", ""},
	} {
		pkg := &extension.Package{Filename: "alc-1.0.0.tgz", Data: []byte(step.data), Digest: "sha256:x"}
		if step.prov != "" {
			pkg.Provenance = []byte(step.prov)
		}
		if step.sig != "" {
			pkg.Signature = []byte(step.sig)
		}
		file, err := Keep(dir, pkg)
		if err != nil {
			t.Fatal(err)
		}
		prov, _ := os.ReadFile(file + ".prov")
		sig, _ := os.ReadFile(file + ".sig")
		if string(prov) != step.wantProv || string(sig) != step.wantSig {
			t.Errorf("%+v: %q, %q", step, prov, sig)
		}
	}
}

func TestMayNotWrite(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		syscall.EROFS: true, syscall.EACCES: true, syscall.EPERM: true, syscall.ENOTDIR: true, syscall.EISDIR: true,
		syscall.ENOSPC: false, syscall.EDQUOT: false, syscall.EIO: false, syscall.ENAMETOOLONG: false,
	} {
		err := fmt.Errorf("writing: %w", &fs.PathError{Op: "open", Path: "dist/.ksrelease-x", Err: errno})
		if MayNotWrite(err) != want {
			t.Errorf("%v: %v", errno, !want)
		}
	}
}
