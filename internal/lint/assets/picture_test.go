package assets

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func FuzzReadPicture(f *testing.F) {
	var jpg, plain bytes.Buffer
	small := image.NewGray(image.Rect(0, 0, 3, 2))
	if jpeg.Encode(&jpg, small, nil) != nil || png.Encode(&plain, small) != nil {
		f.Fatal("no picture to begin with")
	}
	for frames := range 3 {
		if data := new(bytes.Buffer); gif.EncodeAll(data, gifOf(frames)) == nil {
			f.Add(data.Bytes())
		}
	}
	f.Add(jpg.Bytes())
	f.Add(plain.Bytes())
	f.Add(hugePNG(plain.Bytes()))
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

// gifOf is a picture that moves, or has no frame at all.
func gifOf(frames int) *gif.GIF {
	all := &gif.GIF{}
	for range frames {
		all.Image = append(all.Image, image.NewPaletted(image.Rect(0, 0, 8, 8), palette.Plan9))
		all.Delay = append(all.Delay, 10)
	}
	return all
}

// hugePNG is the head of a picture with 2^30 pixels in each direction.
func hugePNG(small []byte) []byte {
	const header = 8 + 4 // behind the signature and the length of the first chunk
	huge := bytes.Clone(small[:header+4+13])
	binary.BigEndian.PutUint32(huge[header+4:], 1<<30)
	binary.BigEndian.PutUint32(huge[header+8:], 1<<30)
	return binary.BigEndian.AppendUint32(huge, crc32.ChecksumIEEE(huge[header:]))
}
