package status

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/results"
)

// TestWouldInChinese: the stage in which a run would fail is a word of the table.
func TestWouldInChinese(t *testing.T) {
	language.Use(language.Chinese)
	defer language.Use(language.English)
	for reason, want := range map[string]string{"lint: x y": "失败: 检查: x y", "alc: x y": "失败: alc: x y", "": "失败"} {
		if got := would(results.Failed, reason, reason, "", nil); got != want {
			t.Errorf("%q: %q, want %q", reason, got, want)
		}
	}
}
