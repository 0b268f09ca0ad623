package extension

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Asset is a file of the extension that its icon or a screenshot names. It is
// uploaded, and the reference replaced by the address that comes back.
type Asset struct {
	// Ref is the reference as extension.yaml has it the first time.
	Ref string
	// File is the file it names, a slash path below the extension.
	File string
	// RemoteName is the name to upload it under: the base name with the first 8 hex
	// digits of its SHA-256. On the server all assets of a version lie in one folder,
	// and one would replace another of its name: of this extension, or of another run
	// that releases the same version with other pictures, whose package would then
	// show these. Unique within the extension, whatever the letter case.
	RemoteName string
	Data       []byte
	Size       int64 // of Data
	// Digest is the SHA-256 of Data, "sha256:" and 64 hex digits.
	Digest string
	// Pointers say where extension.yaml names the file: {"icon"}, {"screenshots", "0"}.
	Pointers [][]string
}

// reference is a value of icon or screenshots.
type reference struct {
	text    string
	pointer []string
}

// references are all that extension.yaml has, icon first.
func (m Metadata) references() []reference {
	var refs []reference
	if m.Icon != "" {
		refs = append(refs, reference{m.Icon, []string{"icon"}})
	}
	for i, s := range m.Screenshots {
		if s != "" {
			refs = append(refs, reference{s, []string{"screenshots", strconv.Itoa(i)}})
		}
	}
	return refs
}

// IsLocalRef reports whether a value of icon or screenshots names a file of the
// extension, and neither an http(s) URL nor a data: URI.
func IsLocalRef(ref string) bool {
	lower := strings.ToLower(ref[:min(len(ref), len("https://"))])
	for _, prefix := range []string{"http://", "https://", "data:"} {
		if strings.HasPrefix(lower, prefix) {
			return false
		}
	}
	return true
}

// LocalFile is the file that a reference names. ok is false when it leads out
// of the extension. A leading '/' means the top of the extension, as it does to
// ksbuilder.
func LocalFile(ref string) (file string, ok bool) {
	file = path.Clean(strings.TrimLeft(ref, "/"))
	if file == ".." || strings.HasPrefix(file, "../") {
		return file, false
	}
	return file, true
}

// assetReader reads a file that extension.yaml names and that is not among the
// packed ones.
type assetReader func(name string) (data []byte, ok bool, err error)

// findAssets reads what icon and screenshots name into e.Assets, and what is
// wrong with them into e.AssetProblems.
func (e *Extension) findAssets(outside assetReader) {
	index := make(map[string]int)
	for _, ref := range e.Metadata.references() {
		if !IsLocalRef(ref.text) {
			continue
		}
		file, ok := LocalFile(ref.text)
		if !ok {
			e.assetProblem(ref, "leads out of the extension", "put the file into the extension and name it from there, such as static/icon.svg")
			continue
		}
		if i, ok := index[file]; ok {
			e.Assets[i].Pointers = append(e.Assets[i].Pointers, ref.pointer)
			continue
		}
		data, ok := e.fileData(file)
		if !ok {
			var err error
			if data, ok, err = outside(file); err != nil {
				e.assetProblem(ref, "cannot be read: "+err.Error(), "")
				continue
			}
		}
		if !ok {
			e.assetProblem(ref, "names no file of the extension", e.nearestFile(file))
			continue
		}
		sum := sha256.Sum256(data)
		index[file] = len(e.Assets)
		e.Assets = append(e.Assets, Asset{
			Ref:      ref.text,
			File:     file,
			Data:     data,
			Size:     int64(len(data)),
			Digest:   "sha256:" + hex.EncodeToString(sum[:]),
			Pointers: [][]string{ref.pointer},
		})
	}
	nameAssets(e.Assets)
}

func (e *Extension) assetProblem(ref reference, what, hint string) {
	e.AssetProblems = append(e.AssetProblems,
		e.Document.Problem(ref.pointer[0]+" "+strconv.Quote(ref.text)+" "+what, hint, ref.pointer...))
}

// nearestFile is the hint for a reference to a file that is not there.
func (e *Extension) nearestFile(file string) string {
	if strings.Contains(file, `\`) {
		return "separate the folders by '/'"
	}
	if helmignore.NeverPacked(file) {
		return "files of that name are no part of an extension"
	}
	names := make([]string, len(e.Files))
	for i, f := range e.Files {
		names[i] = f.Name
	}
	if near, ok := yamldoc.Nearest(file, names); ok {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	for _, name := range names {
		if path.Base(name) == path.Base(file) {
			return "did you mean " + strconv.Quote(name) + "?"
		}
	}
	return "add the file, or give an http(s) URL"
}

// nameAssets gives each asset its remote name. Names do not depend on the order
// of the assets, but for files of one base name and one content.
func nameAssets(assets []Asset) {
	taken := make(map[string]bool)
	for i := range assets {
		assets[i].RemoteName = freeName(assets[i], taken)
		taken[strings.ToLower(assets[i].RemoteName)] = true
	}
}

// freeName distinguishes assets of one base name by their content, and those of
// one content, too, by their path.
func freeName(a Asset, taken map[string]bool) string {
	content := "-" + strings.TrimPrefix(a.Digest, "sha256:")[:8]
	name := withSuffix(path.Base(a.File), content)
	for try := 0; taken[strings.ToLower(name)]; try++ {
		sum := sha256.Sum256([]byte(a.File + strings.Repeat("\x00", try)))
		name = withSuffix(path.Base(a.File), content+"-"+hex.EncodeToString(sum[:4]))
	}
	return name
}

// longestName is what common file systems take, in bytes.
const longestName = 255

// withSuffix puts a suffix before the ending of a name, which loses its last
// characters where it would become too long for a file.
func withSuffix(base, suffix string) string {
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	for len(stem)+len(suffix)+len(ext) > longestName && stem != "" {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return stem + suffix + ext
}

// fileData gives the content of a packed file.
func (e *Extension) fileData(name string) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(e.Files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return nil, false
	}
	return e.Files[i].Data, true
}

// imageTypes are the media types by ending. The standard library's table would
// do, were it not extended by files of the machine it runs on (/etc/mime.types):
// the package has to be the same everywhere.
var imageTypes = map[string]string{
	".avif": "image/avif",
	".bmp":  "image/bmp",
	".gif":  "image/gif",
	".ico":  "image/x-icon",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".png":  "image/png",
	".svg":  "image/svg+xml",
	".webp": "image/webp",
}

// dataURI embeds an image, as `ksbuilder package` does for the icon.
func dataURI(name string, data []byte) string {
	mediaType, ok := imageTypes[strings.ToLower(path.Ext(name))]
	if !ok {
		mediaType = http.DetectContentType(data)
	}
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
}
