package lint

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func gifOf(t testing.TB, frames int) string {
	t.Helper()
	var data bytes.Buffer
	all := &gif.GIF{}
	for range frames {
		all.Image = append(all.Image, image.NewPaletted(image.Rect(0, 0, 64, 64), palette.Plan9))
		all.Delay = append(all.Delay, 10)
	}
	if err := gif.EncodeAll(&data, all); err != nil {
		t.Fatal(err)
	}
	return data.String()
}

func TestAssets(t *testing.T) {
	icon := func(file, data string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", file), file, data}
	}
	embedded := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(headOfPNG(64, 64)+strings.Repeat("\x00", maxEmbeddedBytes)))
	testFindings(t, "assets", []findingTest{
		{
			name:    "too many bytes",
			changes: icon("static/icon.png", headOfPNG(64, 64)+strings.Repeat("\x00", maxIconBytes)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png has 1.0 MiB, for a small square in a list`},
		},
		{
			name:    "a screenshot of a wall",
			changes: []string{"static/one.png", headOfPNG(8000, 4000) + strings.Repeat("\x00", maxScreenshotBytes)},
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

func FuzzReadPicture(f *testing.F) {
	var jpg, plain bytes.Buffer
	small := image.NewGray(image.Rect(0, 0, 3, 2))
	if jpeg.Encode(&jpg, small, nil) != nil || png.Encode(&plain, small) != nil {
		f.Fatal("no picture to begin with")
	}
	f.Add([]byte(gifOf(f, 2)))
	f.Add(jpg.Bytes())
	f.Add(plain.Bytes())
	f.Add([]byte(headOfPNG(1<<30, 1<<30) + chunkOfPNG("tEXt", "x")))
	f.Add([]byte("RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x3f\x00\x00\x3f\x00\x00"))
	f.Add([]byte("<svg width='1e400' height='-3' viewBox='0 0 nan inf'/>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPicture(data)
		if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "\n")) {
			t.Errorf("a reason that cannot be shown: %q", err)
		}
		if !(p.Width >= 0 && p.Width < 1e10 && p.Height >= 0 && p.Height < 1e10) {
			t.Errorf("a picture of %v × %v", p.Width, p.Height)
		}
	})
}
