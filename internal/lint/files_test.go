package lint

import (
	"strings"
	"testing"
)

// TestMetadataThatIsAPointer: a checkout without Git LFS may lack extension.yaml itself.
func TestMetadataThatIsAPointer(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	_, err := loadQuietly(t, with(goodFiles(), "extension.yaml", pointer))
	if err == nil || !strings.Contains(err.Error(), "it is a pointer of Git LFS, and not the file: run `git lfs pull`") {
		t.Errorf("extension.yaml: %v", err)
	}
}
