package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// noise is a PNG that does not compress.
func noise(t *testing.T, width, height int) []byte {
	t.Helper()
	m, random := image.NewRGBA(image.Rect(0, 0, width, height)), rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(random.Uint32()), uint8(random.Uint32()), uint8(random.Uint32()), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesFit(t *testing.T) {
	large := noise(t, 1200, 675)
	for _, most := range []int{400_000, 40_000, 10_000} {
		made := Screenshot(large, 1000, most)
		if made == "" || len(made) > most || !strings.HasPrefix(made, "data:image/jpeg;base64,") {
			t.Errorf("within %d bytes: %d bytes, %.30s", most, len(made), made)
		}
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(Screenshot(large, 1000, 1<<20), "data:image/jpeg;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	if head, _, err := image.DecodeConfig(bytes.NewReader(data)); err != nil || head.Width != 1000 || head.Height != 562 {
		t.Errorf("%+v, %v", head, err)
	}
	if made := Screenshot(large, 1000, 500); made != "" {
		t.Errorf("500 bytes are not enough, and there is %.60s", made)
	}
	if made := Icon(large, 128, 100_000); !strings.HasPrefix(made, "data:image/png;base64,") || len(made) > 100_000 {
		t.Errorf("an icon of %d bytes: %.30s", len(made), made)
	}
	svg := []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`)
	if made := Icon(svg, 128, 1000); made != "data:image/svg+xml;base64,"+base64.StdEncoding.EncodeToString(svg) {
		t.Errorf("an SVG: %s", made)
	}
	if made := Icon(svg, 128, 50); made != "" {
		t.Errorf("an SVG that is too large: %s", made)
	}
}

// TestPictureOfManyPixels: the head of a PNG says how much memory it would take.
func TestPictureOfManyPixels(t *testing.T) {
	head := append([]byte("IHDR"), 0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0, 8, 6, 0, 0, 0) // 100,000 × 100,000
	bomb := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	bomb = binary.BigEndian.AppendUint32(bomb, crc32.ChecksumIEEE(head))
	if _, _, err := image.DecodeConfig(bytes.NewReader(bomb)); err != nil {
		t.Fatal(err)
	}
	if Screenshot(bomb, 1000, 1<<20) != "" || Icon(bomb, 128, 1<<20) != "" || Icon([]byte("no picture"), 128, 1<<20) != "" || Icon(nil, 128, 1<<20) != "" {
		t.Error("it is shown")
	}
}

func TestFromURI(t *testing.T) {
	for ref, want := range map[string]string{
		"data:image/png;base64,aGk=": "hi", "DATA:image/svg+xml,%3Csvg/%3E": "<svg/>", "data:,": "", "https://example.com/a.png": "-", "data:broken": "-", "data:;base64,?": "-", "icon.svg": "-", "": "-",
	} {
		data, ok := FromURI(ref)
		if got := string(data); ok != (want != "-") || ok && got != want {
			t.Errorf("%q: %q, %v", ref, got, ok)
		}
	}
}
