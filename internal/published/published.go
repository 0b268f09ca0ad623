// Package published judges what a Helm repository serves of an extension as KubeSphere does,
// and holds it against the extension that was to be published.
package published

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/target"
)

// CompareDigest is extension.Compared, which reads all of the content the first time.
func CompareDigest(ctx context.Context, ext *extension.Extension, listed string) (extension.DigestVerdict, error) {
	return graceful.Await(ctx, func() (extension.DigestVerdict, error) { return extension.Compared(ext, listed), nil })
}

// Inside loads an archive as Helm does, and says why what is in it is not this version.
func Inside(ctx context.Context, name, version string, files []*loader.BufferedFile) (complaint string, err error) {
	loaded, err := graceful.Await(ctx, func() (*chart.Chart, error) { return loader.LoadFiles(files) })
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "its archive does not load in Helm: " + kubesphere.LoadError(err), nil
	case loaded.Metadata.Name != name || loaded.Metadata.Version != version:
		return fmt.Sprintf("its archive holds %s %s", loaded.Metadata.Name, loaded.Metadata.Version), nil
	}
	return "", nil
}

// LeftOut says why KubeSphere leaves out a version whose archive has these files,
// without an event or a status: it goes by the extension.yaml in it.
func LeftOut(version string, files []*loader.BufferedFile) (complaint string) {
	at := slices.IndexFunc(files, func(f *loader.BufferedFile) bool { return f.Name == extension.MetadataFile })
	if at < 0 {
		return "its archive has no extension.yaml, so KubeSphere leaves it out"
	}
	source := files[at].Data
	read, err := kubesphere.DecodeExtension(source)
	if err != nil {
		return "KubeSphere leaves it out, because it cannot decode the extension.yaml in its archive: " + err.Error()
	}
	if missing := read.Missing(); len(missing) > 0 {
		complaint = fmt.Sprintf("KubeSphere leaves it out, because it finds no %s in the extension.yaml in its archive", strings.Join(missing, ", no "))
		if line, _ := kubesphere.CutShort(source); line > 0 {
			complaint += fmt.Sprintf(": it reads only what stands before line %d, which is ---; take out that line", line)
		}
		return complaint
	}
	if read.Version != version {
		return fmt.Sprintf("KubeSphere reads version %s in the extension.yaml in its archive", read.Version)
	}
	return ""
}

// WrongDigest says that an archive is not the one that the index lists; empty
// where it is, or the index has no digest.
func WrongDigest(entry target.Entry, archive []byte) (complaint string) {
	listed, digest := strings.TrimPrefix(entry.Digest, "sha256:"), Digest(archive)
	if listed == "" || listed == digest {
		return ""
	}
	return fmt.Sprintf("the index lists the digest %s, but its archive has %s", short(listed), short(digest))
}

// Digest is the sha256 of an archive, in hexadecimal digits.
func Digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

// Differs holds an archive that is not the one that was made here byte for byte
// against the extension: a marketplace may pack anew, as long as the content is
// the same.
//
// Where the index has our content digest, an address that ends in the name which
// an asset is uploaded under is that of this asset: its hash is in the name. So
// the host of the assets need not be reached to see that a version is there.
//
// urls are the addresses that assets got in this run, and at is where others are fetched.
func Differs(ctx context.Context, ext *extension.Extension, urls extension.URLs, entry target.Entry, archive []byte, at target.Reader) (Difference, error) {
	published, err := Read(ctx, entry.Name, archive)
	if ctx.Err() != nil {
		return Difference{}, ctx.Err()
	}
	if err != nil {
		return Difference{Unread: fmt.Sprintf("what is there cannot be read: %v", err)}, nil
	}
	sent := map[string][]byte{}
	if urls != nil {
		for _, a := range ext.Assets {
			sent[urls[a.File]] = a.Data
		}
	}
	verdict, err := CompareDigest(ctx, ext, entry.ContentDigest)
	if err != nil {
		return Difference{}, err
	}
	compared := compare.Compare
	if extension.IsContentDigest(entry.ContentDigest) && verdict != extension.DigestSame {
		// It was packed by this tool, and its digest is another: for anything that the digest
		// covers or, where it is of the first format, for time stamps alone.
		compared = compare.Content
	}
	return graceful.Await(ctx, func() (Difference, error) {
		files, err := compared(ext, published, func(address string) ([]byte, error) {
			if data, ok := sent[address]; ok {
				return data, nil
			}
			if data, ok := named(ext, address); ok && extension.IsContentDigest(entry.ContentDigest) && verdict != extension.DigestUnknown {
				return data, nil
			}
			return at.FetchAsset(ctx, address)
		})
		return Difference{Files: files}, err
	})
}

// explaining is how long the archive of a version may take to come that is only fetched to
// name files.
const explaining = 30 * time.Second

// Explain names the files that differ from a version of which the content digest in the
// index says already that it is another. For that alone its archive is downloaded, so
// that nothing that fails on the way changes what is known: it is said in Unread. The
// error is that of ctx.
func Explain(ctx context.Context, ext *extension.Extension, urls extension.URLs, entry target.Entry, at target.Reader) (Difference, error) {
	limited, cancel := context.WithTimeout(ctx, explaining)
	defer cancel()
	difference, err := explain(limited, ext, urls, entry, at)
	switch {
	case ctx.Err() != nil:
		return Difference{}, ctx.Err()
	case limited.Err() != nil && err != nil:
		difference.Unread = fmt.Sprintf("its archive was not there within %s", explaining)
	case err != nil:
		difference.Unread = err.Error()
	case difference.IsNone():
		difference.Unread = "its content digest is another, and its files are the same"
	}
	return difference, nil
}

func explain(ctx context.Context, ext *extension.Extension, urls extension.URLs, entry target.Entry, at target.Reader) (Difference, error) {
	archive, err := at.Fetch(ctx, entry)
	if err != nil {
		return Difference{}, err
	}
	if complaint := WrongDigest(entry, archive); complaint != "" {
		return Difference{Unread: complaint}, nil
	}
	return Differs(ctx, ext, urls, entry, archive, at)
}

// Difference is what of a published version differs from the extension.
type Difference struct {
	Files compare.Differences
	// Unread says why the files are not known, although the content is another.
	Unread string
}

// IsNone reports whether nothing differs.
func (d Difference) IsNone() bool { return len(d.Files) == 0 && d.Unread == "" }

// String is the difference in a few words, empty where nothing differs.
func (d Difference) String() string {
	if len(d.Files) > 0 {
		return d.Files.Summary()
	}
	return d.Unread
}

// Drift says that a version of an extension is there with this difference, and what to do about it. how, where it
// is not empty, says how that came about.
func (d Difference) Drift(name, version, how string) string {
	if d.Files.LineEndsOnly() {
		return fmt.Sprintf("%s is there, and only line ends differ (%s)%s: give the files the line ends of that version, with '* text=auto eol=lf' in .gitattributes",
			version, d.Files.Names(), how)
	}
	what := d.String()
	if len(d.Files) == 0 {
		what = "which files differ is not known: " + what
	}
	return fmt.Sprintf("%s is there with other content (%s): bump version in extension.yaml, by ksrelease bump %s --patch", version, what+how, shellword.Quote(name))
}

// Read reads a package that was downloaded.
func Read(ctx context.Context, name string, archive []byte) (*extension.Extension, error) {
	return graceful.Await(ctx, func() (*extension.Extension, error) { return extension.Read(name, archive, extension.Limits{}) })
}

// named is the asset that is uploaded under the last part of an address.
func named(ext *extension.Extension, address string) ([]byte, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	for _, a := range ext.Assets {
		if a.RemoteName == path.Base(u.Path) {
			return a.Data, true
		}
	}
	return nil, false
}

// short is enough of a digest to tell it from another.
func short(digest string) string { return digest[:min(12, len(digest))] }
