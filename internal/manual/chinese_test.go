package manual

import (
	"bytes"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rivo/uniseg"

	"github.com/ksrelease/ksrelease/internal/language"
)

// TestPagesInChinese: a formatter breaks lines only where it is told that it may, as Chinese has no blanks; the line
// with the name has no such marks, because other programs read it.
func TestPagesInChinese(t *testing.T) {
	language.Use(language.Chinese)
	defer language.Use(language.English)
	help := "发布扩展组件（多个），用 --dry-run 只看计划：先检查，再打包，然后推送到扩展市场，最后确认在 Helm 仓库中可见。"
	app := &kong.Application{Node: &kong.Node{Name: "x", Help: help}}
	page := Pages(app, "1", nil)["x.1"]
	for _, want := range []string{
		"\n.ad l\n.SH \"名称\"\n", "\n.SH \"另请参阅\"\n",
		`发\:布\:扩\:展\:组\:件\:（多\:个），\:用 \-\-dry\-run 只\:看\:计\:划：\:先\:检\:查，`,
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	lines := bytes.Split(page, []byte("\n"))
	for _, line := range lines[3:5] {
		if bytes.Contains(line, []byte(`\:`)) || uniseg.StringWidth(string(line)) > 80 {
			t.Errorf("%s", line)
		}
	}
}
