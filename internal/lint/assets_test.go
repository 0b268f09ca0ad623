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
	svg := func(attributes string) []string {
		return []string{"static/icon.svg", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" ` + attributes + `/>`}
	}
	animated := headOfPNG(64, 64) + chunkOfPNG("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00")
	embedded := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(headOfPNG(64, 64)+strings.Repeat("\x00", maxEmbeddedBytes)))
	testFindings(t, []findingTest{
		{name: "a square", changes: icon("static/icon.png", headOfPNG(128, 128))},
		{name: "a square in SVG", changes: svg(`width="64px" height="64px" viewBox="0 0 10 20"`)},
		{name: "an SVG that says nothing", changes: svg(`width="100%" height="1em"`)},
		{name: "a GIF that stands still", changes: icon("static/icon.gif", gifOf(t, 1))},
		{
			name:    "a GIF that moves",
			changes: icon("static/icon.gif", gifOf(t, 2)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.gif moves`},
			hint:    "use a picture with one frame",
		},
		{
			name:    "a PNG that moves",
			changes: icon("static/icon.png", animated),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png moves`},
		},
		{
			name:    "no square",
			changes: icon("static/icon.png", headOfPNG(300, 100)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png is no square: it has 300 × 100 pixels`},
			hint:    "let both sides be about equal, with a transparent margin where it needs one",
		},
		{
			name:    "no square in SVG",
			changes: svg(`viewBox="0,0 228 30"`),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.svg is no square: it has 228 × 30`},
		},
		{
			name:    "too small",
			changes: icon("static/icon.png", headOfPNG(16, 16)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png has 16 × 16 pixels`},
			hint:    "use an SVG, or a PNG of 64 to 512 pixels",
		},
		{
			name:    "too many bytes",
			changes: icon("static/icon.png", headOfPNG(64, 64)+strings.Repeat("\x00", maxIconBytes)),
			want:    []string{`warning assets ext/extension.yaml:8:7: icon static/icon.png has 1.0 MiB, for a small square in a list`},
		},
		{
			name:    "a screenshot of a thumb",
			changes: []string{"static/one.png", headOfPNG(200, 100)},
			want:    []string{`warning assets ext/extension.yaml:10:5: screenshots static/one.png has 200 × 100 pixels`},
			hint:    "let it be 640 to 2560 pixels wide",
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
			name:    "damaged",
			changes: []string{"static/one.png", screenshotPNG[:20]},
			want:    []string{`warning assets ext/extension.yaml:10:5: screenshots static/one.png is damaged: it ends too early`},
			hint:    "make the file anew",
		},
		{
			name:    "an icon that is embedded, and large",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", embedded)},
			want:    []string{`warning assets ext/extension.yaml:8:7: icon is embedded with 85 KiB, which stand in extension.yaml and in Chart.yaml of each package`},
			hint:    "make it a file and name it: it is uploaded then, and the package has its address",
		},
		{
			name:    "two of one name",
			changes: []string{"extension.yaml", replaced(goodMetadata, "  - static/one.png\n", "  - static/one.png\n  - static/b/One.png\n"), "static/b/One.png", headOfPNG(640, 480)},
			want:    []string{`info assets ext/extension.yaml:11:5: static/b/One.png has the file name of static/one.png: ksrelease uploads them as One-6222ba8b.png and one-e6dd103e.png, ksbuilder would let one overwrite the other`},
			hint:    "name the files apart if ksbuilder is to push this, too",
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
