// Package showing says how KubeSphere's console and its marketplace show one version of an
// extension: its card, its detail page, and what of its files they leave out.
package showing

import (
	"cmp"
	"crypto/sha256"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/page/picture"
	"github.com/ksrelease/ksrelease/internal/page/readme"
)

// Languages are those of the readers, by the codes under which KubeSphere looks for their texts.
func Languages() []string { return []string{"en", "zh"} }

// Showing is how one version is shown.
type Showing struct {
	Name, Version, Category     string
	InstallationMode, Namespace string
	KubeVersion, KSVersion      string
	Home, Docs                  string
	Keywords                    []string
	Requires                    []extension.ExternalDependency
	Icon                        Picture
	Screenshots                 []Picture
	Texts                       []Text // in the order of Languages
	// Brief says that README, CHANGELOG and screenshots are left out: the budget has nothing for them.
	Brief bool
	// Hidden are the screenshots that the console does not show, as extension.yaml has them.
	Hidden []string
	// Unshown is how many keywords, requirements and screenshots there are besides: see mostOfAList.
	Unshown int
}

// What a page has space for. A file of a stranger may have many MB of each.
const (
	mostOfAList      = 40
	mostDescription  = 2000 // bytes
	mostOfOtherTexts = 240
)

// few is the beginning of a list; what is left out is counted.
func few[T any](s *Showing, all []T) []T {
	most := min(len(all), mostOfAList)
	s.Unshown += len(all) - most
	return all[:most]
}

// Picture is an icon or a screenshot.
type Picture struct {
	Ref string // as extension.yaml has it, or the beginning of it
	// Data is the picture as a data: URI, made smaller; empty where it is not to be had, or
	// cannot be made small enough.
	Data string
	// Same says that it is that of the version which is compared: see Borrow.
	Same bool
}

// Text is what a reader of one language sees.
type Text struct {
	Language          string
	Name, Description string
	Provider          string
	Readme, Changelog *Document // nil where there is none
}

// Document is a README or a CHANGELOG.
type Document struct {
	File string
	readme.Text
	Size   int // of the file, in bytes
	Digest [sha256.Size]byte
	// LeftOut is how many pieces of what is shown the console leaves out; Omissions are as many of
	// them as there is space for.
	LeftOut int
}

// Budget is what the pictures and texts of one version may take of a page, in bytes.
type Budget struct {
	Icon, Screenshots, Texts int // Texts is of HTML, for README and CHANGELOG in two languages
	Wide                     int // of a screenshot, in pixels
}

// Of says how an extension is shown. fetched are pictures that were read from the addresses
// that its extension.yaml names; it may be nil.
func Of(ext *extension.Extension, within Budget, fetched map[string][]byte) *Showing {
	md := ext.Metadata
	s := &Showing{
		Name: short(md.Name), Version: short(md.Version), Category: short(md.Category),
		InstallationMode: short(cmp.Or(md.InstallationMode, "HostOnly")), Namespace: short(cmp.Or(md.Namespace, "extension-"+md.Name)),
		KubeVersion: short(md.KubeVersion), KSVersion: short(md.KSVersion), Home: short(md.Home), Docs: short(md.Docs),
	}
	for _, keyword := range few(s, md.Keywords) {
		s.Keywords = append(s.Keywords, short(keyword))
	}
	for _, needed := range few(s, md.ExternalDependencies) {
		needed.Name, needed.Version = short(needed.Name), short(needed.Version)
		s.Requires = append(s.Requires, needed)
	}
	data := func(ref string) []byte {
		if inline, ok := picture.FromURI(ref); ok {
			return inline
		}
		if file, ok := extension.LocalFile(ref); ok && extension.IsLocalRef(ref) {
			for _, asset := range ext.Assets {
				if asset.File == file {
					return asset.Data
				}
			}
		}
		return fetched[ref]
	}
	if md.Icon != "" {
		s.Icon = Picture{Ref: short(md.Icon), Data: picture.Icon(data(md.Icon), 128, within.Icon)}
	}
	s.Brief = within.Texts == 0
	if !s.Brief {
		s.screenshots(md.Screenshots, within, data)
	}
	s.texts(ext, within.Texts)
	return s
}

// screenshots takes those that the console shows: of http(s) addresses, and files, which become
// such when they are uploaded. It shows no data: URIs.
func (s *Showing) screenshots(refs []string, within Budget, data func(string) []byte) {
	var shown []string
	for _, ref := range refs {
		switch {
		case ref == "":
		case strings.HasPrefix(strings.ToLower(ref), "data:"):
			s.Hidden = append(s.Hidden, short(ref))
		default:
			shown = append(shown, ref)
		}
	}
	s.Hidden, shown = few(s, s.Hidden), few(s, shown)
	left := within.Screenshots
	for i, ref := range shown {
		p := Picture{Ref: short(ref), Data: picture.Screenshot(data(ref), within.Wide, left/(len(shown)-i))}
		left -= len(p.Data)
		s.Screenshots = append(s.Screenshots, p)
	}
}

// texts finds what readers of each language see.
func (s *Showing) texts(ext *extension.Extension, most int) {
	md := ext.Metadata
	made := map[string]*Document{}
	document := func(stem, language string) *Document {
		file := docFile(ext.Files, stem, language)
		if file == nil || s.Brief {
			return nil
		}
		if made[file.Name] == nil {
			made[file.Name] = NewDocument(file.Name, file.Data, most/4)
		}
		return made[file.Name]
	}
	for _, language := range Languages() {
		t := Text{Language: language}
		t.Name = short(cmp.Or(inLanguage(md.DisplayName, language), md.Name))
		t.Description = cut(inLanguage(md.Description, language), mostDescription)
		t.Provider = short(inLanguage(md.Provider, language).Name)
		t.Readme, t.Changelog = document("README", language), document("CHANGELOG", language)
		s.Texts = append(s.Texts, t)
	}
}

// NewDocument shows a README or a CHANGELOG in at most so many bytes.
func NewDocument(file string, source []byte, most int) *Document {
	d := &Document{File: file, Text: readme.Render(source, most*4/5), Size: len(source), Digest: sha256.Sum256(source)}
	d.LeftOut = len(d.Omissions)
	d.Omissions = d.Omissions[:min(len(d.Omissions), 3+most/5/200)]
	return d
}

// inLanguage is the text for a reader of a language: that of the language, the English one, the
// Chinese one, or any (Locales.Default of KubeSphere 4).
func inLanguage[T comparable](texts map[string]T, language string) T {
	var none T
	for _, code := range []string{language, "en", "zh"} {
		if text := texts[code]; text != none {
			return text
		}
	}
	var codes []string
	for code, text := range texts {
		if text != none {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		return none
	}
	return texts[slices.Min(codes)]
}

// docFile is the README or CHANGELOG for a reader of a language: in that, in English, or without
// a language, as the console looks for them. Nil where there is none.
func docFile(files []extension.File, stem, language string) *extension.File {
	for _, wanted := range []string{language, "en", ""} {
		for i, f := range files {
			if found, ok := naming.DocLanguage(f.Name, stem); ok && found == wanted {
				return &files[i]
			}
		}
	}
	return nil
}

// short is a text in which a page has a line or two, or the beginning of it: in the place of a
// picture there may be a data: URI.
func short(text string) string { return cut(text, mostOfOtherTexts) }

// cut is a text in about so many bytes at most.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Borrow finds the pictures that are those of another version, which has the given assets: an
// address ends in the name under which such a file is uploaded.
func (s *Showing) Borrow(assets []extension.Asset, from *Showing) {
	if IsOf(assets, s.Icon.Ref) && s.Icon.Data == "" {
		s.Icon.Data = from.Icon.Data
	}
	for i := range s.Screenshots {
		s.Screenshots[i].Same = IsOf(assets, s.Screenshots[i].Ref)
	}
}

// IsOf says that a picture is one of some assets, by its address.
func IsOf(assets []extension.Asset, ref string) bool {
	return slices.ContainsFunc(assets, func(a extension.Asset) bool { return ref != "" && path.Base(ref) == a.RemoteName })
}
