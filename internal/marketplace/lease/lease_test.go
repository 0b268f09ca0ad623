package lease

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectWithDamagedFile(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON": "{", "nothing": "", "no key": `{"address":"http://127.0.0.1:1","pid":1}`, "no address": `{"key":"kck-x","pid":1}`,
		"another key of JSON": `{"address":"http://127.0.0.1:1","key":"kck-x","pid":1,"x":1}`, "too large": strings.Repeat(" ", maxServing+1),
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "state", "serving.json")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Connect(t.Context(), dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}
