package pipeline

import (
	"cmp"
	"context"
)

// existStep holds what is to be released against what registries say of its images.
func existStep(ctx context.Context, _ *planning, r *release) (err error) {
	if r.run.Images == nil || !r.run.decides() {
		return nil
	}
	if err := readContent(ctx, r); err != nil {
		return err
	}
	r.images, err = r.run.Images.Of(ctx, r.parcel.Ext, r.source.Settings, r.run.Examiner.Images, r.notify)
	if err != nil || r.images == nil {
		return err
	}
	unlooked, wrong := r.examine(ctx, r.images.Exist(r.run.Examiner.Examine))
	return cmp.Or(unlooked, ctx.Err(), wrong)
}

// copiesStep sees what would be copied to mirrors.
func copiesStep(ctx context.Context, _ *planning, r *release) error {
	if r.images == nil {
		return nil
	}
	planned, message, err := r.images.Plan(ctx)
	r.change(func() { r.result.Images = planned })
	if message != "" {
		r.notify(message)
	}
	return err
}

// mirrorStep copies images to mirrors.
func mirrorStep(ctx context.Context, _ *applying, r *release) error {
	if r.images == nil {
		return nil
	}
	copied, err := r.images.Copy(ctx)
	r.change(func() { r.result.Images = copied })
	return err
}
