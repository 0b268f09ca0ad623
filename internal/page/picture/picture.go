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

// leastIcon is the side of the smallest icon that is made, in pixels.
const leastIcon = 32

// encoder writes icons: they are small, and so is what a better compression would save.
var encoder = png.Encoder{CompressionLevel: png.BestSpeed}

// Icon is a picture as a data: URI of at most so many bytes, within a square of so many pixels if
// it has to be made smaller. It is empty where that cannot be: the picture cannot be read, or is
// too large.
func Icon(data []byte, side, most int) string {
	if made, done := asItIs(data, most); done {
		return made
	}
	for side*side/4 > most { // it will not fit, unless there is next to nothing on it
		side /= 2
	}
	if side < leastIcon {
		return ""
	}
	full, ok := decoded(data)
	for ; ok && side >= leastIcon; side /= 2 {
		var b bytes.Buffer
		if encoder.Encode(&b, within(full, side, side)) != nil {
			return ""
		}
		if made := uri("image/png", b.Bytes(), most); made != "" {
			return made
		}
	}
	return ""
}

// leastScreenshot is fewer bytes than any screenshot takes on which something is seen.
const leastScreenshot = 2500

// Screenshot is a picture as a data: URI of at most so many bytes, not wider than so many pixels if
// it has to be made smaller: the fewer bytes, the smaller. It is empty where that cannot be.
func Screenshot(data []byte, wide, most int) string {
	if made, done := asItIs(data, most); done {
		return made
	}
	if most < leastScreenshot {
		return ""
	}
	full, ok := decoded(data)
	if !ok {
		return ""
	}
	// A screenshot has about a tenth of a byte for each pixel, and a third more in base64: what is far
	// too large is not tried.
	size := full.Bounds()
	for float64(wide)*float64(wide)*float64(size.Dy())/float64(size.Dx())*0.05 > float64(most) {
		wide = wide * 4 / 5
	}
	for width := min(wide, size.Dx()); width >= 100; width = width * 2 / 3 {
		small := within(full, width, 3*width)
		opaque := image.NewRGBA(image.Rect(0, 0, small.Bounds().Dx(), small.Bounds().Dy()))
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

// asItIs is a picture that needs no change; done says that there is nothing else to try.
func asItIs(data []byte, most int) (made string, done bool) {
	if isSVG(data) {
		return uri("image/svg+xml", data, most), true
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || head.Width <= 0 || head.Height <= 0 || head.Width > mostPixels/head.Height {
		return "", true
	}
	made = uri("image/"+format, data, most)
	return made, made != ""
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

// decoded is a picture of which [asItIs] has seen that it is not too large.
func decoded(data []byte) (image.Image, bool) {
	full, _, err := image.Decode(bytes.NewReader(data))
	return full, err == nil && !full.Bounds().Empty()
}

// within is a picture made to fit into a rectangle; one that fits stays as it is.
func within(full image.Image, width, height int) image.Image {
	from := full.Bounds()
	if from.Dx() <= width && from.Dy() <= height {
		return full
	}
	to := image.Rect(0, 0, width, max(1, from.Dy()*width/from.Dx()))
	if to.Dy() > height {
		to = image.Rect(0, 0, max(1, from.Dx()*height/from.Dy()), height)
	}
	small := image.NewRGBA(to)
	draw.ApproxBiLinear.Scale(small, to, full, from, draw.Src, nil)
	return small
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
