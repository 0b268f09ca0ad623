package weight

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// isAsset reports whether a file is one that is uploaded: its address takes its
// place, and the file itself is not needed in the package.
func (p *parcel) isAsset(name string) bool {
	if !p.uploads {
		return false
	}
	for _, a := range p.ext.Assets {
		if a.File == name {
			return true
		}
	}
	return false
}

// upload advises to leave out the assets, which lie in the package because they
// are in no staticFileDirectory.
func (p *parcel) upload(assets []string) change {
	groups := p.folders(assets)
	if len(groups) == 1 && strings.HasSuffix(groups[0].name, "/") && p.ext.Metadata.StaticFileDirectory == "" {
		folder := strings.TrimSuffix(groups[0].name, "/")
		return without(assets, fmt.Sprintf("write staticFileDirectory: %s into extension.yaml: what it holds (%s) is uploaded, and left out then",
			folder, counted(len(assets), "file")))
	}
	folder := p.ext.Metadata.StaticFileDirectory
	if folder == "" {
		folder = "a folder that extension.yaml names as staticFileDirectory"
	}
	return without(assets, fmt.Sprintf("move %s into %s: icon and screenshots are uploaded, and that folder is left out then", some(assets), folder))
}

var (
	markdownPicture = lazyregexp.New(`!\[[^\]]*\]\(\s*<?([^)>\s]+)`)
	markdownTarget  = lazyregexp.New(`(?m)^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)`)
	htmlPicture     = lazyregexp.New(`(?i)<img\b[^>]*?\bsrc\s*=\s*["']?([^"'\s>]+)`)
	embeddedPicture = lazyregexp.New(`data:image/[A-Za-z0-9.+-]+;base64,[A-Za-z0-9+/=]+`)
)

// readmePictures are the files to which the texts that KubeSphere shows refer as
// pictures.
func (p *parcel) readmePictures() map[string]bool {
	shown := map[string]bool{}
	for _, f := range p.files {
		if !isShownText(f.Name) {
			continue
		}
		for _, kind := range []*lazyregexp.Regexp{markdownPicture, markdownTarget, htmlPicture} {
			for _, m := range kind.FindAllSubmatch(f.Data, -1) {
				ref, _, _ := strings.Cut(string(m[1]), "?")
				ref, _, _ = strings.Cut(ref, "#")
				if plain, err := url.PathUnescape(ref); err == nil {
					ref = plain
				}
				if name := path.Clean(strings.TrimLeft(ref, "/")); p.has(name) {
					shown[name] = true
				}
			}
		}
	}
	return shown
}

// linkPictures advises to keep the pictures of README and CHANGELOG elsewhere.
func (p *parcel) linkPictures(pictures []string) change {
	var names []string
	for _, g := range p.folders(pictures) {
		names = append(names, g.String())
	}
	return without(pictures, fmt.Sprintf("put %s on a web server, let README and CHANGELOG name the pictures by address, and leave them out with .helmignore", some(names)))
}

// linkEmbedded advises the same for pictures that stand in these texts as data:
// URIs.
func (p *parcel) linkEmbedded() change {
	c := change{data: map[string][]byte{}}
	var names []string
	for _, f := range p.files {
		if !isShownText(f.Name) {
			continue
		}
		linked := embeddedPicture.ReplaceAllFunc(f.Data, func(embedded []byte) []byte {
			if len(embedded) < leastSaving {
				return embedded
			}
			return []byte(p.anAddress())
		})
		if len(linked) < len(f.Data) {
			c.data[f.Name] = linked
			names = append(names, f.Name)
		}
	}
	c.what = fmt.Sprintf("name the pictures by address that %s as data: URIs", holds(names))
	return c
}

func holds(names []string) string {
	if len(names) == 1 {
		return names[0] + " holds"
	}
	return some(names) + " hold"
}

// moveEmbedded advises to make files of the pictures that extension.yaml holds as
// data: URIs. The icon is twice in the package, as Chart.yaml repeats it.
func (p *parcel) moveEmbedded() change {
	c := change{data: map[string][]byte{}}
	metadata, ok := p.find(extension.MetadataFile)
	if !ok {
		return c
	}
	var edits []yamledit.Edit
	var fields []string
	icon := p.ext.Metadata.Icon
	if isLongURI(icon) {
		edits = append(edits, yamledit.Edit{Pointer: []string{"icon"}, Value: p.anAddress()})
		fields = append(fields, "icon")
	}
	for i, shot := range p.ext.Metadata.Screenshots {
		if isLongURI(shot) {
			edits = append(edits, yamledit.Edit{Pointer: []string{"screenshots", fmt.Sprint(i)}, Value: p.anAddress()})
		}
	}
	if len(edits) > len(fields) {
		fields = append(fields, "screenshots")
	}
	if len(edits) == 0 {
		return c
	}
	doc, err := yamldoc.ParseLoose(extension.MetadataFile, metadata.Data)
	if err != nil {
		return c
	}
	rewritten, err := yamledit.Rewrite(doc, edits)
	if err != nil {
		return c // an alias, for one: then it is not that easy to change either
	}
	c.data[extension.MetadataFile] = rewritten
	if chartYAML, ok := p.find(extension.ChartFile); ok && isLongURI(icon) {
		c.data[extension.ChartFile] = bytes.ReplaceAll(chartYAML.Data, []byte(icon), []byte(p.anAddress()))
	}
	c.what = fmt.Sprintf("put %s, which extension.yaml holds as data: URI, into a file and name that: it is uploaded", strings.Join(fields, " and "))
	if folder := p.ext.Metadata.StaticFileDirectory; folder != "" {
		c.what = strings.Replace(c.what, "into a file", "into a file below "+folder, 1)
	}
	return c
}

func isLongURI(ref string) bool {
	return len(ref) >= leastSaving && strings.HasPrefix(strings.ToLower(ref[:len("data:")]), "data:")
}

// anAddress is one like those that uploaded files get.
func (p *parcel) anAddress() string {
	for _, a := range p.ext.Assets {
		if p.urls[a.File] != "" {
			return p.urls[a.File]
		}
	}
	return "https://apis.kubesphere.cloud/files/usr-3f9a2c81/" + p.ext.Metadata.Name + "/" + p.ext.Metadata.Version + "/picture.png"
}
