package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// Save writes the new files below root. One that is there with other content is left as it is,
// and nothing is written at all, unless overwrite is set; a config is never replaced. Nothing is
// written outside of root, whatever links there are.
func (r *Report) Save(root string, overwrite bool) error {
	for _, w := range r.Writes {
		if w.State == stateDiffers && !overwrite {
			return failure.WithHint(fmt.Errorf("%s is there already with other content; nothing was written", w.Path), "look at the difference without --write; --overwrite replaces it")
		}
	}
	in, err := os.OpenRoot(root)
	if err != nil {
		return failure.WithoutPath(err)
	}
	defer in.Close()
	for _, w := range r.Writes {
		if w.State != stateNew && w.State != stateDiffers {
			continue
		}
		if err := write(in, w); err != nil {
			return fmt.Errorf("writing %s: %w", w.Path, failure.WithoutPath(err))
		}
		w.State = stateWritten
	}
	return nil
}

func write(in *os.Root, w *Write) error {
	if folder := path.Dir(w.Path); folder != "." {
		if err := in.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	at := w.Path
	if w.State == stateDiffers {
		// A new file that takes the place of the old one: nobody sees half of it.
		at += ".ksrelease-new"
	}
	file, err := in.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(w.Text)
	if err = errors.Join(err, file.Close()); err == nil && at != w.Path {
		var info fs.FileInfo
		if info, err = in.Lstat(w.Path); err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is a link, and no regular file")
		}
		if err == nil {
			err = in.Rename(at, w.Path)
		}
	}
	if err != nil {
		_ = in.Remove(at) // ours, and of no use
	}
	return err
}
