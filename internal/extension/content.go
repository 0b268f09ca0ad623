package extension

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// Content is all that an extension is made of, in a form that another process can
// be handed (encoding/gob): [Extension.Content] takes it apart, [FromContent] makes
// the same extension of it without reading a file.
type Content struct {
	// Display is Extension.Path.
	Display string
	// Files are Extension.Files.
	Files []File
	// FoundChart is the Chart.yaml that was found at the top; nil where there is none.
	FoundChart []byte
	// Outside are the assets that are not among Files.
	Outside []File
	// LeftOut, AssetProblems, ArchiveDigest, Replaced and Origin are those of the extension.
	LeftOut       []LeftOut
	AssetProblems diagnostic.List
	ArchiveDigest string
	Replaced      []string
	// Resolved is that of the extension, without Data: it is among Files.
	Resolved []Resolved
	Limits   Limits
	Origin   *Origin
	// ContentDigest is that of the extension, where somebody has asked for it; else it is empty, and computed
	// when somebody asks.
	ContentDigest string
}

// Content takes the extension apart. The result shares the bytes of the files.
func (e *Extension) Content() Content {
	c := Content{
		Display: e.Path, Files: e.Files, FoundChart: e.foundChart, LeftOut: e.LeftOut, AssetProblems: e.AssetProblems,
		ArchiveDigest: e.ArchiveDigest, Replaced: e.Replaced, Limits: e.Limits, Origin: e.Origin,
		ContentDigest: e.digest.known(),
	}
	for _, a := range e.Assets {
		if _, packed := e.fileData(a.File); !packed {
			c.Outside = append(c.Outside, File{Name: a.File, Data: a.Data})
		}
	}
	for _, r := range e.Resolved {
		r.Data = nil
		c.Resolved = append(c.Resolved, r)
	}
	return c
}

// FromContent makes the extension again that was taken apart.
func FromContent(c Content) (*Extension, error) {
	files := slices.Clone(c.Files)
	if c.FoundChart != nil {
		files = append(files, File{Name: ChartFile, Data: c.FoundChart})
	}
	outside := func(name string) ([]byte, bool, error) {
		for _, f := range c.Outside {
			if f.Name == name {
				return f.Data, true, nil
			}
		}
		return nil, false, nil
	}
	e, err := assemble(c.Display, files, outside, c.Limits, takeAll)
	if err != nil {
		return nil, err
	}
	if c.ContentDigest != "" {
		e.digest.get(func() string { return c.ContentDigest })
	}
	e.LeftOut, e.Origin = c.LeftOut, c.Origin
	e.AssetProblems, e.ArchiveDigest, e.Replaced, e.Resolved = c.AssetProblems, c.ArchiveDigest, c.Replaced, c.Resolved
	for i, r := range e.Resolved {
		e.Resolved[i].Data, _ = e.fileData(chartsFolder + r.Name + "-" + r.Version + ".tgz")
	}
	return e, nil
}

// Size is how many bytes the files of the content have.
func (c Content) Size() int64 {
	size := int64(len(c.FoundChart))
	for _, files := range [][]File{c.Files, c.Outside} {
		for _, f := range files {
			size += int64(len(f.Name) + len(f.Data))
		}
	}
	return size
}
