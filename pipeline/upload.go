package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
)

// uploadStep sends icon and screenshots and puts their addresses into the
// package. Sending them again after a run that was cut off is harmless: same
// bytes, same place.
func uploadStep(ctx context.Context, env *applying, r *release) error {
	urls, err := upload(ctx, env, r)
	if err != nil {
		return err
	}
	if !maps.Equal(urls, r.packed.urls) {
		if err := r.pack(ctx, urls); err != nil {
			return err
		}
	} // else they got the addresses that the plan packed with
	r.packed.within = 0
	r.result.Package.SizeWithin = 0
	return nil
}

// upload gives the assets, if there are any, to the target, and returns their URLs by file.
func upload(ctx context.Context, env *applying, r *release) (extension.URLs, error) {
	urls := extension.URLs{}
	assets := r.read.ext.Assets
	if len(assets) == 0 {
		return urls, nil
	}
	got, err := env.send.UploadAssets(ctx, r.result.Name, r.result.Version, assets)
	if err != nil {
		return nil, cmp.Or(notSent(err, "its assets were sent"), err)
	}
	if len(got) != len(assets) {
		return nil, fmt.Errorf("uploading assets: %d sent, but the marketplace answered with %d addresses", len(assets), len(got))
	}
	for i, a := range assets {
		urls[a.File] = got[i]
	}
	r.noteAssets(urls)
	return urls, nil
}

// noteAssets puts the assets into the result, with their URLs by file.
func (r *release) noteAssets(urls extension.URLs) {
	if len(urls) == 0 {
		return
	}
	r.result.Assets = nil
	for _, a := range r.read.ext.Assets {
		r.result.Assets = append(r.result.Assets, results.Asset{File: a.File, URL: urls[a.File], Size: int64(len(a.Data)), Digest: a.Digest})
	}
}
