// Package picture makes icons and screenshots small enough to stand in a page.
package picture

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	_ "image/gif" // the formats that are read
	"image/jpeg"
	"image/png"
	"net/url"
	"strings"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// mostPixels bounds the pictures that are read: 20 megapixels take 80 MB of memory.
const mostPixels = 20_000_000

// Icon is a picture as a data: URI of at most so many bytes, within a square of so many pixels.
// It is empty where that cannot be: the picture cannot be read, or is too large.
func Icon(data []byte, side, most int) string {
	if isSVG(data) {
		return uri("image/svg+xml", data, most)
	}
	for _, side := range []int{side, side / 2} {
		small, ok := within(data, side, side)
		if !ok {
			return ""
		}
		var b bytes.Buffer
		if png.Encode(&b, small) != nil {
			return ""
		}
		if made := uri("image/png", b.Bytes(), most); made != "" {
			return made
		}
	}
	return ""
}

// Screenshot is a picture as a data: URI of at most so many bytes, not wider than so many pixels:
// the fewer bytes, the smaller. It is empty where that cannot be.
func Screenshot(data []byte, wide, most int) string {
	if isSVG(data) {
		return uri("image/svg+xml", data, most)
	}
	for width := wide; width >= 120; width = width * 2 / 3 {
		small, ok := within(data, width, 3*width)
		if !ok {
			return ""
		}
		opaque := image.NewRGBA(small.Bounds())
		draw.Draw(opaque, opaque.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(opaque, opaque.Bounds(), small, small.Bounds().Min, draw.Over)
		var b bytes.Buffer
		if jpeg.Encode(&b, opaque, &jpeg.Options{Quality: 72}) != nil {
			return ""
		}
		if made := uri("image/jpeg", b.Bytes(), most); made != "" {
			return made
		}
	}
	return ""
}

// FromURI is the picture in a data: URI; ok is false for another reference.
func FromURI(ref string) (data []byte, ok bool) {
	if len(ref) < 5 || !strings.EqualFold(ref[:5], "data:") {
		return nil, false
	}
	head, body, ok := strings.Cut(ref[5:], ",")
	if !ok {
		return nil, false
	}
	if strings.HasSuffix(strings.ToLower(head), ";base64") {
		data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
		return data, err == nil
	}
	text, err := url.PathUnescape(body)
	return []byte(text), err == nil
}

// within is a picture made to fit into a rectangle; one that fits stays as it is.
func within(data []byte, width, height int) (image.Image, bool) {
	head, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || head.Width <= 0 || head.Height <= 0 || head.Width > mostPixels/head.Height {
		return nil, false
	}
	full, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	from := full.Bounds()
	if from.Dx() <= width && from.Dy() <= height {
		return full, true
	}
	to := image.Rect(0, 0, width, max(1, from.Dy()*width/from.Dx()))
	if to.Dy() > height {
		to = image.Rect(0, 0, max(1, from.Dx()*height/from.Dy()), height)
	}
	small := image.NewRGBA(to)
	draw.ApproxBiLinear.Scale(small, to, full, from, draw.Src, nil)
	return small, true
}

// isSVG says whether a picture is an SVG: scripts in one do not run where it is a picture of a page.
func isSVG(data []byte) bool {
	head := bytes.ToLower(data[:min(len(data), 4096)])
	return !bytes.HasPrefix(data, []byte("\x89PNG")) && !bytes.HasPrefix(data, []byte("\xff\xd8")) && bytes.Contains(head, []byte("<svg"))
}

func uri(kind string, data []byte, most int) string {
	prefix := "data:" + kind + ";base64,"
	if len(prefix)+base64.StdEncoding.EncodedLen(len(data)) > most {
		return ""
	}
	return prefix + base64.StdEncoding.EncodeToString(data)
}
