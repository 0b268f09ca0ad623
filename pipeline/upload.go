package pipeline

import (
	"context"
	"fmt"
	"maps"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// uploadStage sends icon and screenshots and puts their addresses into the
// package. Sending them again after a run that was cut off is harmless: same
// bytes, same place.
func uploadStage(ctx context.Context, w *world, r *release) error {
	urls, err := upload(ctx, w, r)
	if err != nil {
		return err
	}
	if !maps.Equal(urls, r.packedWith) {
		if err := r.pack(ctx, urls); err != nil {
			return err
		}
	} // else they got the addresses that the plan packed with
	r.result.Package.SizeWithin = w.sizeWithin(r)
	return nil
}

// upload sends the assets, if there are any, notes them in the result and returns
// their URLs by file.
func upload(ctx context.Context, w *world, r *release) (extension.URLs, error) {
	urls, err := addresses(ctx, w, r)
	if err != nil || len(urls) == 0 {
		return urls, err
	}
	r.result.Assets = nil
	for _, a := range r.ext.Assets {
		r.result.Assets = append(r.result.Assets, AssetResult{File: a.File, URL: urls[a.File], Size: int64(len(a.Data)), Digest: a.Digest})
	}
	return urls, nil
}

// addresses gives the assets to the marketplace and returns their URLs by file.
func addresses(ctx context.Context, w *world, r *release) (extension.URLs, error) {
	urls := extension.URLs{}
	assets := r.ext.Assets
	if len(assets) == 0 {
		return urls, nil
	}
	got, err := w.market.UploadAssets(ctx, r.result.Name, r.result.Version, assets)
	if err != nil {
		return nil, err
	}
	if len(got) != len(assets) {
		return nil, fmt.Errorf("uploading assets: %d sent, but the marketplace answered with %d addresses", len(assets), len(got))
	}
	for i, a := range assets {
		urls[a.File] = got[i]
	}
	return urls, nil
}
