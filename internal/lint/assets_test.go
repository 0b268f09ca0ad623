package lint

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestAssets(t *testing.T) {
	icon := func(file, data string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", file), file, data}
	}
	embedded := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(headOfPNG(64, 64)+strings.Repeat("\x00", 64<<10)))
	testFindings(t, "assets", []findingTest{
		{
			name:    "too many bytes",
			changes: icon("static/icon.png", headOfPNG(64, 64)+strings.Repeat("\x00", 1<<20)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png has 1.0 MiB, for a small square in a list`},
		},
		{
			name:    "a screenshot of a wall",
			changes: []string{"static/one.png", headOfPNG(8000, 4000) + strings.Repeat("\x00", 3<<20)},
			want: []string{
				`warning assets ext/extension.yaml:10:5: screenshots static/one.png has 3.0 MiB`,
				`warning assets ext/extension.yaml:10:5: screenshots static/one.png has 8000 × 4000 pixels`,
			},
		},
		{
			name:    "an icon that is embedded, and large",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", embedded)},
			want:    []string{`warning assets ext/extension.yaml:8:7: icon is embedded with 85 KiB, which stand in extension.yaml and in Chart.yaml of each package`},
			hint:    "make it a file and name it: it is uploaded then, and the package has its address",
		},
	})
}
