package assets

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Assets is the rule assets.
func Assets() rule.Rule {
	return rule.Rule{
		Name:    "assets",
		Summary: "icon and screenshots are of a sane size, and no two of them have the same file name",
		Why: "The marketplace shows the icon as a small square in long lists, and the screenshots on a page. An icon that " +
			"is no square is squeezed or cut, one that moves annoys, and a picture of several megabytes keeps readers " +
			"waiting. A data: URI stands in extension.yaml and in Chart.yaml, so it makes every package larger by twice " +
			"its size.\n\n" +
			"On the server all pictures of a version lie in one folder. ksrelease gives two of one name different names " +
			"there; with `ksbuilder push` the later one overwrites the other.",
		Fix: "Let the icon be an SVG, or a square PNG of 64 to 512 pixels; let screenshots be 640 to 2560 pixels wide, as PNG, " +
			"JPEG or WebP. Name pictures apart.",
		Source: "The extension development guide of KubeSphere on icon and screenshots, which sets no numbers: those here " +
			"are what pages of that kind show; `ksbuilder` v0.4.5, which uploads assets under their base names.",
		Codes: []rule.Code{
			{Name: "ignored-file", Meaning: ".helmignore keeps a picture out of the package"},
			{Name: "embedded", Meaning: "a large data: URI"},
			{Name: "damaged", Meaning: "a picture cannot be read"},
			{Name: "large-icon", Meaning: "the icon has too many bytes"},
			{Name: "animated-icon", Meaning: "the icon moves"},
			{Name: "icon-not-square", Meaning: "the sides of the icon are not equal"},
			{Name: "icon-pixels", Meaning: "the icon has too few or too many pixels"},
			{Name: "large-screenshot", Meaning: "a screenshot has too many bytes"},
			{Name: "screenshot-pixels", Meaning: "a screenshot has too few or too many pixels"},
			{Name: "same-name", Meaning: "two pictures have one file name"},
		},
		Default: rule.Warning,
		Run:     checkAssetSizes,
	}
}

// What is sane: bounds that no picture needs to pass.
const (
	maxIconBytes       = 1 << 20
	maxScreenshotBytes = 3 << 20
	// maxEmbeddedBytes is of the data: URI as written. A package may have 1 MiB.
	maxEmbeddedBytes = 64 << 10

	minIconPixels       = 32
	maxIconPixels       = 2048
	minScreenshotPixels = 320
	maxScreenshotPixels = 6000
	// maxIconRatio is that of the longer side of an icon to the shorter one.
	maxIconRatio = 1.34
)

func checkAssetSizes(pass *rule.Pass) {
	for _, asset := range pass.Ext.Assets {
		if !slices.ContainsFunc(pass.Ext.Files, func(f extension.File) bool { return f.Name == asset.File }) {
			by := ".helmignore"
			for _, out := range pass.Ext.LeftOut {
				if out.Name == asset.File {
					by = fmt.Sprintf("line %d of .helmignore, %q,", out.Line, excerpt.OneLine(out.Pattern))
				}
			}
			pass.ProblemAs(rule.Found("ignored-file", asset.Ref), pass.AtMost(rule.Info), pass.Ext.Document.Problem(
				fmt.Sprintf("%s %s is uploaded, and %s keeps it out of packages: one that `ksrelease package` leaves cannot be released from", asset.Pointers[0][0], excerpt.OneLine(asset.Ref), by),
				"to keep pictures out of what is pushed, name their folder as staticFileDirectory", asset.Pointers[0]...))
		}
		if imageData(asset.Data) != nil {
			continue // the rules icon and screenshots say so
		}
		// A file that is both is looked at as the icon, which asks for more.
		assetSize(pass, asset.Pointers[0], asset.Ref, asset.Data)
	}
	for _, field := range [...]string{"icon", "screenshots"} {
		for _, ref := range pass.AssetReferences(field) {
			embedded(pass, ref)
		}
	}
	collisions(pass)
}

// embedded looks at a data: URI.
func embedded(pass *rule.Pass, ref rule.AssetReference) {
	if !rule.HasScheme(ref.Text, "data") {
		return
	}
	data, err := dataURI(ref.Text)
	if err != nil || imageData(data) != nil {
		return // the rules icon and screenshots say so
	}
	field := ref.Pointer[0]
	assetSize(pass, ref.Pointer, "", data)
	if len(ref.Text) <= maxEmbeddedBytes {
		return
	}
	where := "extension.yaml"
	if field == "icon" {
		where = "extension.yaml and in Chart.yaml"
	}
	pass.Problem(rule.Found("embedded", field), pass.Ext.Document.Problem(
		fmt.Sprintf("%s is embedded with %s, which stand in %s of each package", field, rule.Size(len(ref.Text)), where),
		"make it a file and name it: it is uploaded then, and the package has its address", ref.Pointer...))
}

// assetSize reports what is wrong with one picture; ref is empty for one that is
// embedded.
func assetSize(pass *rule.Pass, pointer []string, ref string, data []byte) {
	what := pointer[0]
	if ref != "" {
		what += " " + excerpt.OneLine(ref)
	}
	report := func(found, hint, format string, args ...any) {
		what := what
		if !strings.HasPrefix(format, "%s") {
			what = strings.TrimPrefix(what, pointer[0]) // the format names it
		}
		pass.Problem(rule.Found(found, pointer[0], ref), pass.Ext.Document.Problem(fmt.Sprintf(format, append([]any{what}, args...)...), hint, pointer...))
	}
	p, err := readPicture(data)
	if err != nil {
		damaged := "icon%s is damaged: %v"
		if pointer[0] == "screenshots" {
			damaged = "screenshots%s is damaged: %v"
		}
		report("damaged", "make the file anew", damaged, err)
		return
	}
	shorter, longer := min(p.Width, p.Height), max(p.Width, p.Height)
	if pointer[0] == "icon" {
		if len(data) > maxIconBytes {
			report("large-icon", "use an SVG without embedded pictures, or a PNG of 64 to 512 pixels", "%s has %s, for a small square in a list", rule.Size(len(data)))
		}
		if p.Animated {
			report("animated-icon", "use a picture with one frame", "icon%s moves")
		}
		if shorter > 0 && longer/shorter > maxIconRatio {
			report("icon-not-square", "let both sides be about equal, with a transparent margin where it needs one", "%s is no square: it has %s", p.size())
		}
		if !p.Scalable && longer > 0 && (shorter < minIconPixels || longer > maxIconPixels) {
			report("icon-pixels", "use an SVG, or a PNG of 64 to 512 pixels", "%s has %s × %s pixels", humanize.Ftoa(p.Width), humanize.Ftoa(p.Height))
		}
		return
	}
	if len(data) > maxScreenshotBytes {
		report("large-screenshot", "make it smaller (WebP, JPEG, or a PNG with fewer colours): readers wait for it", "screenshots%s has %s", rule.Size(len(data)))
	}
	if !p.Scalable && longer > 0 && (p.Width < minScreenshotPixels || longer > maxScreenshotPixels) {
		report("screenshot-pixels", "let it be 640 to 2560 pixels wide", "%s has %s × %s pixels", humanize.Ftoa(p.Width), humanize.Ftoa(p.Height))
	}
}

func (p picture) size() string {
	if p.Scalable {
		return humanize.Ftoa(p.Width) + " × " + humanize.Ftoa(p.Height)
	}
	return fmt.Sprintf("%s × %s pixels", humanize.Ftoa(p.Width), humanize.Ftoa(p.Height))
}

// collisions reports assets that share a base name, at the later one.
func collisions(pass *rule.Pass) {
	first := map[string]extension.Asset{}
	for _, asset := range pass.Ext.Assets {
		name := strings.ToLower(path.Base(asset.File))
		other, ok := first[name]
		if !ok {
			first[name] = asset
			continue
		}
		pass.ProblemAs(rule.Found("same-name", asset.Ref), pass.ByDefault(rule.Info), pass.Ext.Document.Problem(
			fmt.Sprintf("%s has the file name of %s: ksrelease uploads them as %s and %s, ksbuilder would let one overwrite the other",
				excerpt.OneLine(asset.Ref), excerpt.OneLine(other.Ref), excerpt.OneLine(asset.RemoteName), excerpt.OneLine(other.RemoteName)),
			"name the files apart if ksbuilder is to push this, too", asset.Pointers[0]...))
	}
}
