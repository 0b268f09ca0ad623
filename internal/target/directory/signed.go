package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/target"
)

var _ target.Signed = (*Target)(nil)

// Signatures reads what lies next to the package of a version.
func (t *Target) Signatures(ctx context.Context, name, version string) (target.Signatures, error) {
	now, err := t.states.Get(ctx)
	if err != nil {
		return target.Signatures{}, err
	}
	entry, there := now.index.Version(name, version)
	if !there || len(entry.URLs) == 0 {
		return target.Signatures{}, nil
	}
	file, ours := t.fileOf(entry.URLs[0])
	if !ours {
		return target.Signatures{}, nil
	}
	read := func(ending string) ([]byte, error) {
		data, err := now.view.Read(ctx, file+ending, target.MostSigns)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what signs %s %s: %w", name, version, err)
		}
		return data, nil
	}
	var all target.Signatures
	if all.Provenance, err = read(extension.ProvenanceEnding); err != nil {
		return target.Signatures{}, err
	}
	signature, err := read(extension.SignatureEnding)
	if signature != nil {
		all.Signatures = []target.Signature{{Value: signature}}
	}
	return all, err
}
