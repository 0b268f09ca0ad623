package adopt

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/successor"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// First writes the file by which a CI system releases what no file has released so far, and
// reports what else has to be done so that it is used, a sentence each. A file that is there
// with other content is an error, and left as it is.
func First(system cifile.System, o Options) (*Write, []string, error) {
	file, ok := successor.Write(system, successor.Facts{By: "ksrelease init", Version: o.Version, Accepts: o.Accepts})
	if !ok {
		return nil, nil, fmt.Errorf("there is no file for %s", system)
	}
	r := &Report{}
	if err := r.add(o.Root, file); err != nil {
		return nil, nil, err
	}
	if r.Writes[0].State == stateDiffers {
		return nil, nil, failure.WithHint(fmt.Errorf("%s is there already with other content, and is left as it is", file.Path), "remove it, and repeat this; ksrelease adopt shows the difference from what releases today")
	}
	if err := r.Save(o.Root, false); err != nil {
		return nil, nil, err
	}
	var next []string
	if file.Use != "" {
		next = append(next, file.Use)
	}
	if secret := successor.DefaultSecret(system); secret != "" {
		next = append(next, fmt.Sprintf("make the secret %s with the API key of the marketplace (%s)", secret, system.Title()))
	}
	return r.Writes[0], next, nil
}

// InUse is the system whose files are in the folder root; empty: none is known there.
func InUse(root string) cifile.System {
	for _, known := range []struct {
		path   string
		system cifile.System
	}{
		{".github/workflows", cifile.GitHub}, {".gitlab-ci.yml", cifile.GitLab}, {"Jenkinsfile", cifile.Jenkins},
		{".github", cifile.GitHub}, {".gitlab", cifile.GitLab}, {"Makefile", cifile.Make}, {"makefile", cifile.Make}, {"GNUmakefile", cifile.Make},
	} {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(known.path))); err == nil {
			return known.system
		}
	}
	return ""
}
