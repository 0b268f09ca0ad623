package proof

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// Verdict is what came of a proof.
type Verdict string

// The verdicts.
const (
	// Reproduced: the commit gives the same package, byte for byte.
	Reproduced Verdict = "reproduced"
	// SameFiles: all files are the same, and the archive around them is another, as another
	// version of a tool makes it.
	SameFiles Verdict = "same-files"
	// SameContent: another tool packed it, and what Helm and KubeSphere read is the same.
	SameContent Verdict = "same-content"
	// Differs: it is not what the commit gives.
	Differs Verdict = "differs"
	// Unproved: nothing could be compared.
	Unproved Verdict = "unproved"
)

// Result is what came of the proof of one version.
type Result struct {
	Name    string  `json:"name"`
	Version string  `json:"version,omitempty"`
	From    string  `json:"from"` // where the package was read
	Verdict Verdict `json:"verdict"`
	// Digest is the SHA-256 of the published package, and Size its bytes.
	Digest string `json:"digest,omitempty"`
	Size   int64  `json:"size,omitempty"`
	// Revision is the commit, Committed whether the package says that all of it was committed
	// (null where it says nothing), and Path where the commit has the extension.
	Revision  string `json:"revision,omitempty"`
	Committed *bool  `json:"committed,omitempty"`
	Path      string `json:"path,omitempty"`
	// Rebuilt is the SHA-256 of the package that the commit gives.
	Rebuilt string `json:"rebuilt,omitempty"`
	// Differs are the files in which the two differ, seen from the commit: what is added, the
	// published package lacks.
	Differs compare.Differences `json:"differs,omitempty"`
	Error   *Failure            `json:"error,omitempty"`
	// Signed is what became of its signatures; nil where no key was asked for.
	Signed *Signed `json:"signed,omitempty"`

	charts []extension.Resolved
}

// Signed is what became of the signatures of a package.
type Signed struct {
	By    string   `json:"by,omitempty"`  // whose provenance file verified
	Key   string   `json:"key,omitempty"` // the file with the key by which the signature verified
	Error *Failure `json:"error,omitempty"`
}

// Failure is why nothing could be compared.
type Failure struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Holds says that the package is what the commit gives, and is signed as was asked.
func (r Result) Holds() bool {
	if r.Signed != nil && r.Signed.Error != nil {
		return false
	}
	return r.Verdict == Reproduced || r.Verdict == SameFiles || r.Verdict == SameContent
}

// Failed is the result of a version that could not be compared.
func Failed(name, version, from string, err error) Result {
	return Result{Name: name, Version: version, From: from, Verdict: Unproved, Error: &Failure{err.Error(), failure.Hint(err)}}
}

// Prove compares a package with what its commit gives, or the commit revision if it is not
// empty. The error is that of ctx; what else fails is in the result.
func (b *Builder) Prove(ctx context.Context, c *Claim, revision string) (Result, error) {
	r := Result{Name: c.Name, Version: c.Version, From: c.From, Digest: c.Digest, Size: int64(len(c.Archive))}
	if c.Origin != nil {
		r.Committed = &c.Origin.Committed
	}
	err := b.prove(ctx, c, revision, &r)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		r.Verdict, r.Error = Unproved, &Failure{err.Error(), failure.Hint(err)}
	}
	return r, nil
}

func (b *Builder) prove(ctx context.Context, c *Claim, revision string, r *Result) error {
	commit, err := b.commitOf(ctx, c, revision)
	if err != nil {
		return err
	}
	r.Revision = commit
	made, err := b.build(ctx, c, commit)
	if err != nil {
		return err
	}
	r.Path, r.charts = made.path, made.ext.Resolved
	return r.judge(c, made)
}

// judge compares the package with those that were made.
func (r *Result) judge(c *Claim, made *built) error {
	for i, pkg := range made.packages {
		differs, err := filesDiffer(c.Archive, pkg.Data)
		if err != nil {
			return err
		}
		same := bytes.Equal(pkg.Data, c.Archive)
		if i > 0 && !same && len(differs) >= len(r.Differs) {
			continue // the form before it is nearer
		}
		r.Rebuilt, r.Differs = pkg.Digest, differs
		switch {
		case same:
			r.Verdict = Reproduced
		case len(differs) == 0:
			r.Verdict = SameFiles
		default:
			r.Verdict = Differs
		}
		if same {
			break
		}
	}
	switch {
	case len(made.pictures) > 0:
		r.Verdict, r.Differs = Differs, append(made.pictures, r.Differs...)
	case r.Verdict == Differs && !packedHere(c.ext):
		return r.judgeContent(c, made.ext)
	}
	return nil
}

// judgeContent compares what Helm and KubeSphere read of a package that another tool made, which
// has other bytes for the same content.
func (r *Result) judgeContent(c *Claim, ext *extension.Extension) error {
	found, err := compare.Compare(ext, c.ext, func(address string) ([]byte, error) {
		for _, a := range ext.Assets { // which have been compared
			if c.reference(a) == address {
				return a.Data, nil
			}
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		r.Verdict, r.Differs = SameContent, nil
		return nil
	}
	r.Differs = found
	return nil
}

// packedHere says that ksrelease made a package.
func packedHere(ext *extension.Extension) bool {
	md, err := ext.FoundChart()
	return err == nil && md != nil && extension.IsContentDigest(md.Annotations[extension.ContentDigestAnnotation])
}

// filesDiffer are the files in which two archives differ.
func filesDiffer(published, rebuilt []byte) (compare.Differences, error) {
	theirs, err := filesOf(published)
	if err != nil {
		return nil, fmt.Errorf("unpacking the published package: %w", err)
	}
	ours, err := filesOf(rebuilt)
	if err != nil {
		return nil, fmt.Errorf("unpacking the package that was built: %w", err)
	}
	var differs compare.Differences
	for name, data := range ours {
		if other, ok := theirs[name]; !ok {
			differs = append(differs, compare.Difference{File: name, Kind: compare.Added})
		} else if !bytes.Equal(data, other) {
			differs = append(differs, compare.Difference{File: name, Kind: compare.Changed})
		}
	}
	for name := range theirs {
		if _, ok := ours[name]; !ok {
			differs = append(differs, compare.Difference{File: name, Kind: compare.Removed})
		}
	}
	slices.SortFunc(differs, func(a, b compare.Difference) int { return strings.Compare(a.File, b.File) })
	return differs, nil
}

// filesOf are the files of an archive by their names.
func filesOf(archive []byte) (map[string][]byte, error) {
	_, files, err := unpack.ReadBytes(archive, &unpack.Meter{Limits: unpack.Limits{}.WithDefaults()})
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(files))
	for _, f := range files {
		all[f.Name] = f.Data
	}
	return all, nil
}
