package kscloud

import (
	"context"
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func (t *Target) askUser(ctx context.Context) (string, error) {
	user, err := t.client.User(ctx)
	return user, t.ofKey(err)
}

func (t *Target) askFolder(ctx context.Context) (string, error) {
	user, err := t.user(ctx)
	if err != nil {
		return "", err
	}
	folder, err := t.client.FilesDir(ctx, user)
	return folder, t.ofKey(err)
}

// CheckKey proves the key by what a release asks for in any case: the account, and the
// folder of its files.
func (t *Target) CheckKey(ctx context.Context) error {
	if !t.HasKey() {
		return target.ErrNoToken
	}
	_, err := t.folder(ctx)
	return err
}

// usualFolder stands for the folder of an account that is not known. It should compress as
// a real one does, so its name is no row of zeros.
const usualFolder = "/files/usr-3f9a2c81"

// AssetURLs estimates the addresses of assets, escaped as a server escapes them.
func (t *Target) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error) {
	folder := usualFolder
	if t.HasKey() {
		if folder, err = t.folder(ctx); err != nil {
			return nil, false, err
		}
	}
	host, err := url.Parse(strings.TrimSuffix(t.assetHost, "/"))
	if err != nil {
		host = &url.URL{} // no such server: whoever asks it will see
	}
	for _, a := range assets {
		address := *host
		address.Path += path.Join("/", folder, name, version, a.RemoteName)
		address.RawPath = ""
		urls = append(urls, address.String())
	}
	return urls, t.assetHostIsCertain && t.HasKey(), nil
}

// Snapshot asks the marketplace for one version.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	if !t.HasKey() {
		return target.Snapshot{}, target.ErrNoToken
	}
	s, err := t.client.Version(ctx, name, version)
	var refused *transport.Error
	switch {
	case errors.As(err, &refused) && refused.NotFound():
		return target.Snapshot{}, nil
	case err != nil:
		return target.Snapshot{}, t.ofExtension(err, name)
	}
	return snapshotOf(s), nil
}

// StatusAtHand is that which a marketplace in this process has of a version.
func (t *Target) StatusAtHand(name, version string) string {
	if t.atHand == nil {
		return target.StatusNone
	}
	return t.atHand(name, version)
}

// History asks the marketplace for all versions of an extension.
func (t *Target) History(ctx context.Context, name string) ([]target.Dated, error) {
	if !t.HasKey() {
		return nil, target.ErrNoToken
	}
	all, err := t.client.Snapshots(ctx, name)
	var refused *transport.Error
	switch {
	case errors.As(err, &refused) && refused.NotFound():
		return nil, nil
	case err != nil:
		return nil, t.ofExtension(err, name)
	}
	history := make([]target.Dated, len(all))
	for i, s := range all {
		history[i] = target.Dated{Snapshot: snapshotOf(s), Version: s.Version, Updated: s.Updated}
	}
	return history, nil
}

// snapshotOf passes on what the reviewer said where the review has ended; at first a
// snapshot carries what its author said.
func snapshotOf(s cloud.Snapshot) target.Snapshot {
	found := target.Snapshot{ID: s.ID, Status: s.Status}
	switch s.Status {
	case target.StatusDraft, target.StatusSubmitted, target.StatusActive:
	default:
		found.Message = s.Message
	}
	return found
}

// UploadAssets stores the assets of one version and returns their addresses in order.
func (t *Target) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error) {
	if !t.HasKey() {
		return nil, target.ErrNoToken
	}
	folder, err := t.folder(ctx)
	if err != nil {
		return nil, err
	}
	user, err := t.user(ctx)
	if err != nil {
		return nil, err
	}
	var files []cloud.Upload
	for _, asset := range assets {
		files = append(files, cloud.Upload{
			Name: asset.RemoteName, Path: path.Join(folder, name, version, asset.RemoteName), Data: asset.Data,
		})
	}
	urls, err := t.client.UploadFiles(ctx, user, "the assets of "+name+" "+version, files)
	return urls, t.ofExtension(err, name)
}

// Publish sends the package as a draft; a draft of the same version is replaced.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if !t.HasKey() {
		return target.Snapshot{}, target.ErrNoToken
	}
	user, err := t.user(ctx)
	if err != nil {
		return target.Snapshot{}, err
	}
	s, err := t.client.PushPackage(ctx, user, pkg.Name, pkg.Filename, pkg.Data)
	return snapshotOf(s), t.ofExtension(err, pkg.Name)
}

// Submit hands a draft in for review.
func (t *Target) Submit(ctx context.Context, snapshotID, message string) error {
	if !t.HasKey() {
		return target.ErrNoToken
	}
	user, err := t.user(ctx)
	if err != nil {
		return err
	}
	return t.ofExtension(t.client.Submit(ctx, user, snapshotID, message), "the extension")
}

// Withdraw takes a submission back: the version is a draft again. An error is no verdict,
// and success neither: read the version back.
func (t *Target) Withdraw(ctx context.Context, snapshotID, message string) error {
	if !t.HasKey() {
		return target.ErrNoToken
	}
	user, err := t.user(ctx)
	if err != nil {
		return err
	}
	return t.client.CancelSubmit(ctx, user, snapshotID, message)
}
