package progress

import (
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/language"
)

func TestTheBoardInChinese(t *testing.T) {
	language.Use(language.Chinese)
	defer language.Use(language.English)
	now := time.Now()
	b := &Board{began: now.Add(-2 * time.Second), total: 6}
	if got, want := b.all(now), "制定计划: 已完成 0/6，6 个等待中，2 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
