package assets

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/image/webp"

	"github.com/ksrelease/ksrelease/internal/excerpt"
)

// picture is what the head of an image file says.
type picture struct {
	// Width and Height are in pixels, or in the units of an SVG image; 0 where the
	// file does not say, or its format is none that is read here.
	Width, Height float64
	// Scalable is set for SVG: its size in pixels is what the page makes of it.
	Scalable bool
	// Animated is set for a GIF, PNG or WebP image with several frames.
	Animated bool
}

// readPicture reads the head of an image. No pixel is decoded: a small file can
// hold a picture that fills all memory. The error says that a file of a known
// format is damaged.
func readPicture(data []byte) (picture, error) {
	decode, animated := pictureFormat(data)
	if decode == nil {
		if isSVG(data) {
			return readSVG(data), nil
		}
		return picture{}, nil
	}
	config, err := decode(bytes.NewReader(data))
	var pngKind png.UnsupportedError
	var jpegKind jpeg.UnsupportedError
	switch {
	case errors.As(err, &pngKind), errors.As(err, &jpegKind):
		return picture{}, nil // a rare variant, which browsers may well show
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return picture{}, errors.New("it ends too early")
	case err != nil:
		return picture{}, fmt.Errorf("%s", excerpt.OneLine(err.Error()))
	}
	return picture{Width: float64(config.Width), Height: float64(config.Height), Animated: animated(data)}, nil
}

// pictureFormat chooses by content how to read an image. (The registry of package
// image is global, and knows what any import puts into it.)
func pictureFormat(data []byte) (decode func(io.Reader) (image.Config, error), animated func([]byte) bool) {
	switch http.DetectContentType(data) {
	case "image/png":
		return png.DecodeConfig, isAnimatedPNG
	case "image/jpeg":
		return jpeg.DecodeConfig, func([]byte) bool { return false }
	case "image/gif":
		return gif.DecodeConfig, isAnimatedGIF
	case "image/webp":
		return webp.DecodeConfig, isAnimatedWebP
	}
	return nil, nil
}

// isAnimatedPNG looks for the chunk acTL, which stands before the first IDAT of
// an animated PNG (PNG specification, third edition, 11.3.5).
func isAnimatedPNG(data []byte) bool {
	const signature, frame = 8, 12
	for at := signature; at+frame <= len(data); {
		length := int(binary.BigEndian.Uint32(data[at:]))
		switch string(data[at+4 : at+8]) {
		case "acTL":
			return true
		case "IDAT":
			return false
		}
		if length < 0 || length > len(data) {
			return false
		}
		at += frame + length
	}
	return false
}

// isAnimatedWebP reads the flag of the extended header (WebP container
// specification: VP8X, bit 1).
func isAnimatedWebP(data []byte) bool {
	return len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&0x02 != 0
}

// isAnimatedGIF walks over the blocks of a GIF until the second image (GIF89a
// specification).
func isAnimatedGIF(data []byte) bool {
	const header, descriptor = 13, 10
	if len(data) < header {
		return false
	}
	at := header + colourTable(data[10])
	images := 0
	for at < len(data) {
		switch data[at] {
		case 0x21: // an extension: introducer, label, blocks
			at = afterBlocks(data, at+2)
		case 0x2c: // an image: descriptor, colour table, code size, blocks
			images++
			if images > 1 {
				return true
			}
			if at+descriptor > len(data) {
				return false
			}
			at = afterBlocks(data, at+descriptor+colourTable(data[at+descriptor-1])+1)
		default:
			return false
		}
	}
	return false
}

// colourTable is the size in bytes of the table that packed fields announce.
func colourTable(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&0x07 + 1)
}

// afterBlocks skips blocks, each with its length before it, up to the empty one.
func afterBlocks(data []byte, at int) int {
	for at < len(data) && data[at] != 0 {
		at += 1 + int(data[at])
	}
	return at + 1
}

// readSVG takes the size of an SVG image from its root.
func readSVG(data []byte) picture {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.Strict = false
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	p := picture{Scalable: true}
	for {
		token, err := decoder.RawToken()
		if err != nil {
			return p
		}
		root, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		box := ""
		for _, attribute := range root.Attr {
			switch attribute.Name.Local {
			case "width":
				p.Width = svgLength(attribute.Value)
			case "height":
				p.Height = svgLength(attribute.Value)
			case "viewBox":
				box = attribute.Value
			}
		}
		if sides := strings.FieldsFunc(box, func(r rune) bool { return r == ' ' || r == ',' }); len(sides) == 4 && (p.Width == 0 || p.Height == 0) {
			p.Width, p.Height = svgLength(sides[2]), svgLength(sides[3])
		}
		return p
	}
}

// svgLength reads a length without a unit or in pixels; others depend on the
// page, and are 0.
func svgLength(text string) float64 {
	length, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), "px"), 64)
	if err != nil || !(length > 0 && length < 1e9) {
		return 0
	}
	return length
}
