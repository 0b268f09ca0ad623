package delivery

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// ExpectedURLs are the addresses that the target, which keeps assets, is expected to give those of
// the extension, by file, and whether they are certain.
func (d *Delivery) ExpectedURLs(ctx context.Context, to *Asking) (urls extension.URLs, certain bool, err error) {
	urls = extension.URLs{}
	assets := d.Assets()
	if len(assets) == 0 {
		return urls, true, nil
	}
	got, certain, err := to.Target.AssetURLs(ctx, d.Name, d.Version, assets)
	if err != nil {
		return nil, false, err
	}
	if urls, err = byFile(assets, got, to.Noun); err != nil {
		return nil, false, fmt.Errorf("estimating the addresses of assets: %w", err)
	}
	return urls, certain, nil
}

// Upload gives the assets, if there are any, to the target, and returns their addresses by file.
// Sending them again after a run that was cut off is harmless: same bytes, same place.
func (d *Delivery) Upload(ctx context.Context, to *Sending) (extension.URLs, error) {
	urls := extension.URLs{}
	assets := d.Ext.Assets
	if len(assets) == 0 {
		return urls, nil
	}
	got, err := to.Send.UploadAssets(ctx, d.Name, d.Version, assets)
	if err != nil {
		return nil, cmp.Or(to.notSent(err, "its assets were sent"), err)
	}
	if urls, err = byFile(assets, got, to.Noun); err != nil {
		return nil, fmt.Errorf("uploading assets: %w", err)
	}
	return urls, nil
}

// byFile are the addresses that a target gives assets, by their files.
func byFile(assets []extension.Asset, addresses []string, noun string) (extension.URLs, error) {
	if len(addresses) != len(assets) {
		return nil, fmt.Errorf("%s answered with %d addresses for %d assets", noun, len(addresses), len(assets))
	}
	urls := extension.URLs{}
	for i, a := range assets {
		urls[a.File] = addresses[i]
	}
	return urls, nil
}
