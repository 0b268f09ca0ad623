package assets

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Icon is the rule icon.
func Icon() rule.Rule {
	return rule.Rule{
		Name:    "icon",
		Summary: "the icon is an image that the extension has, an http(s) URL, or a data: URI of an image",
		Why:     "The marketplace shows the icon in every list. A reference that leads nowhere fails the release at the upload; a file that is no image shows as a broken picture.",
		Fix:     "Name a PNG, JPEG, GIF, WebP or SVG file below the extension, such as static/icon.svg.",
		Source:  "The extension development guide of KubeSphere (a file of the package, an http(s) address, or data:image…).",
		Codes: []rule.Code{
			{Name: "not-a-file", Meaning: "the file is not there, or not in the extension"},
			{Name: "not-an-image", Meaning: "the file or data: URI holds no image"},
			{Name: "svg-by-another-name", Meaning: "an SVG image whose name does not end in .svg"},
			{Name: "empty", Meaning: "the reference is empty"},
			{Name: "not-an-address", Meaning: "the address cannot be opened"},
		},
		Default: rule.Error,
		Run:     func(pass *rule.Pass) { checkAssets(pass, "icon") },
	}
}

// Screenshots is the rule screenshots.
func Screenshots() rule.Rule {
	return rule.Rule{
		Name:    "screenshots",
		Summary: "each screenshot is an image that the extension has, or an http(s) URL",
		Why: "The marketplace shows the screenshots on the page of the extension. A reference that leads nowhere fails the release at the upload; a file that is no image shows as a broken picture.\n\n" +
			"The console of KubeSphere shows files of the package and addresses that begin with http:// or https://. A screenshot as a data: URI, which an icon may be, it leaves out.",
		Fix: "Name PNG, JPEG, GIF, WebP or SVG files below the extension, such as static/screenshots/overview.png.",
		Source: "The extension development guide of KubeSphere, which allows data:image…, too; KubeSphere's console of 2025-06, which does not show that: `getImageScr` of " +
			"https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/components/ExtensionDetail/Overview.tsx.",
		Codes: []rule.Code{
			{Name: "not-a-file", Meaning: "a file is not there, or not in the extension"},
			{Name: "not-an-image", Meaning: "a file or data: URI holds no image"},
			{Name: "svg-by-another-name", Meaning: "an SVG image whose name does not end in .svg"},
			{Name: "empty", Meaning: "a reference is empty"},
			{Name: "not-an-address", Meaning: "an address cannot be opened"},
			{Name: "not-shown", Meaning: "KubeSphere's console does not show screenshots that are data: URIs"},
		},
		Default: rule.Error,
		Run: func(pass *rule.Pass) {
			checkAssets(pass, "screenshots")
			notShown(pass)
		},
	}
}

// checkAssets holds all references of one field (icon or screenshots) to being
// images.
func checkAssets(pass *rule.Pass, field string) {
	for _, p := range pass.Ext.AssetProblems {
		if ref := pass.AssetAt(p); ref.Field() == field && strings.TrimSpace(ref.Text) != "" { // else it is reported as empty
			pass.Problem(rule.Found("not-a-file", ref.Text), p)
		}
	}
	for _, asset := range pass.Ext.Assets {
		for _, pointer := range asset.Pointers {
			if pointer[0] == field {
				checkAssetFile(pass, asset, pointer)
			}
		}
	}
	for _, ref := range pass.AssetReferences(field) {
		checkRemote(pass, ref)
	}
}

// notShown reports the screenshots that KubeSphere's console leaves out, which are one mistake.
func notShown(pass *rule.Pass) {
	var left []rule.AssetReference
	for _, ref := range pass.AssetReferences("screenshots") {
		if !extension.IsLocalRef(ref.Text) && !strings.HasPrefix(ref.Text, "http://") && !strings.HasPrefix(ref.Text, "https://") {
			left = append(left, ref)
		}
	}
	if len(left) == 0 {
		return
	}
	what := "a screenshot that is"
	if len(left) > 1 {
		what = fmt.Sprintf("%d screenshots that are", len(left))
	}
	pass.ProblemAs(rule.Found("not-shown"), pass.ByDefault(rule.Warning), pass.Ext.Document.Problem(
		"KubeSphere's console does not show "+what+" neither a file of the package nor an address that begins with http:// or https://",
		"make it a file of the extension and name that", left[0].Pointer...))
}

func checkAssetFile(pass *rule.Pass, asset extension.Asset, pointer []string) {
	if err := imageData(asset.Data); err != nil {
		pass.Problem(rule.Found("not-an-image", asset.Ref), pass.Ext.Document.Problem(
			fmt.Sprintf("%s %q is not an image: %v", pointer[0], asset.Ref, err), imageHint, pointer...))
		return
	}
	if isSVG(asset.Data) && !strings.EqualFold(path.Ext(asset.File), ".svg") {
		pass.Problem(rule.Found("svg-by-another-name", asset.Ref), pass.Ext.Document.Problem(
			fmt.Sprintf("%s %q is an SVG image by another name, which browsers refuse to show", pointer[0], asset.Ref),
			"let the file's name end in .svg", pointer...))
	}
}

const imageHint = "use a PNG, JPEG, GIF, WebP or SVG file"

// checkRemote looks at references that are no files.
func checkRemote(pass *rule.Pass, ref rule.AssetReference) {
	field := ref.Pointer[0]
	report := func(m rule.Identity, message, hint string) {
		pass.Problem(m, pass.Ext.Document.Problem(message, hint, ref.Pointer...))
	}
	switch {
	case strings.TrimSpace(ref.Text) == "":
		report(rule.Found("empty"), field+" is empty", "name an image file of the extension, such as static/icon.svg, or remove the entry")
	case rule.HasScheme(ref.Text, "data"):
		data, err := dataURI(ref.Text)
		if err == nil {
			err = imageData(data)
		}
		if err != nil {
			report(rule.Found("not-an-image"), fmt.Sprintf("%s is a data: URI without an image: %v", field, err), "write it as data:image/png;base64,…, or name a file instead")
		}
	case !extension.IsLocalRef(ref.Text):
		if u, err := url.Parse(ref.Text); err != nil || u.Host == "" {
			report(rule.Found("not-an-address", ref.Text), fmt.Sprintf("%s %q is not a URL that anybody can open", field, ref.Text), "write it as https://HOST/PATH, or name a file of the extension")
		}
	}
}

// dataURI decodes a data: URI (RFC 2397) that says it is an image.
func dataURI(ref string) ([]byte, error) {
	head, body, ok := strings.Cut(ref[len("data:"):], ",")
	if !ok {
		return nil, errors.New("it has no comma before the data")
	}
	parts := strings.Split(head, ";")
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(parts[0])), "image/") {
		return nil, fmt.Errorf("its type is %q, not image/…", parts[0])
	}
	text, err := url.PathUnescape(body)
	if err != nil {
		return nil, errors.New("it has a percent sign that begins no escape")
	}
	if !slices.ContainsFunc(parts[1:], func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), "base64") }) {
		return []byte(text), nil
	}
	// Line breaks and missing padding are what browsers let pass.
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	data, err := encoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("its base64 is damaged")
	}
	return data, nil
}

// imageData says why data is no image that browsers show, by its content.
func imageData(data []byte) error {
	if len(data) == 0 {
		return errors.New("it is empty")
	}
	kind := http.DetectContentType(data)
	if strings.HasPrefix(kind, "image/") || isSVG(data) || isAVIF(data) {
		return nil
	}
	if bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")) {
		return errors.New("it is a Git LFS pointer; run git lfs pull")
	}
	kind, _, _ = strings.Cut(kind, ";")
	return fmt.Errorf("it reads as %s", kind)
}

// isSVG reports whether data is an XML document whose root is svg.
func isSVG(data []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.Strict = false
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := decoder.RawToken()
		if err != nil {
			return false
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t.Name.Local == "svg"
		case xml.CharData:
			if len(bytes.Trim(t, "\ufeff \t\r\n")) > 0 {
				return false
			}
		}
	}
}

// isAVIF reports whether data is an AVIF image: an ISO base media file of one of
// its brands.
func isAVIF(data []byte) bool {
	return len(data) >= 12 && string(data[4:8]) == "ftyp" && slices.Contains([]string{"avif", "avis"}, string(data[8:12]))
}
