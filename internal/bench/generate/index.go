package generate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// Index is the index.yaml of a Helm repository to be made.
type Index struct {
	Seed     uint64
	Names    int
	Versions int // of each name
	// Monorepo is the folder of a monorepo of the same seed. The present versions of its extensions
	// have the digests of their content there, so that a run finds that they exist. Without
	// it, and for names that it does not have, digests are made up.
	Monorepo string
	// Unreleased leaves out every extension whose number is divisible by it, so that there is something
	// to release; 0 for none.
	Unreleased int
}

// Write writes the index in the layout of `helm repo index`: names in order, versions from the
// highest down, keys sorted. The digests of packages are made up, as there are no packages.
func (x Index) Write(ctx context.Context, w io.Writer) error {
	if x.Names < 1 || x.Versions < 1 || x.Versions >= past {
		return fmt.Errorf("an index of %d names with %d versions each cannot be made: at least 1 of both, and at most %d versions", x.Names, x.Versions, past-1)
	}
	digests, err := x.digests(ctx)
	if err != nil {
		return err
	}
	profiles := make([]profile, x.Names)
	for number := range profiles {
		profiles[number] = profileOf(x.Seed, number)
	}
	slices.SortFunc(profiles, func(a, b profile) int { return strings.Compare(a.name, b.name) })
	out := bufio.NewWriterSize(w, 1<<20)
	out.WriteString("apiVersion: v1\nentries:\n")
	for _, p := range profiles {
		if x.Unreleased > 0 && p.number%x.Unreleased == 0 {
			continue
		}
		t := source(x.Seed, p.number, ofIndex)
		fmt.Fprintf(out, "  %s:\n", p.name)
		for before := range x.Versions {
			digest := "v2:" + t.hex(64)
			if before == 0 && digests[p.number] != "" {
				digest = digests[p.number]
			}
			out.WriteString(t.entry(p, before, digest))
		}
	}
	fmt.Fprintf(out, "generated: %q\n", began.Add(past*day).Format(time.RFC3339Nano))
	return out.Flush()
}

const day = 24 * time.Hour

// began is when the first versions were made.
var began = time.Date(2025, 3, 1, 8, 0, 0, 123456789, time.UTC)

// entry is one version as Helm writes it.
func (t text) entry(p profile, before int, digest string) string {
	var b strings.Builder
	version := p.version(before)
	fmt.Fprintf(&b, "  - annotations:\n      ksrelease.dev/content-digest: %s\n    apiVersion: v2\n    created: %q\n    dependencies:\n",
		digest, began.Add(time.Duration(past-before)*day).Format(time.RFC3339Nano))
	for _, c := range p.subcharts {
		fmt.Fprintf(&b, "    - name: %s\n      repository: \"\"\n", c.name)
	}
	fmt.Fprintf(&b, "%s    digest: %s\n    home: https://lakeside.example/extensions/%s\n", folded("    description: "+p.description), t.hex(64), p.name)
	fmt.Fprintf(&b, "    icon: https://files.lakeside.example/%s/%s/icon-%s.svg\n    keywords:\n", p.name, version, t.hex(12))
	for _, k := range p.keywords {
		fmt.Fprintf(&b, "    - %s\n", k)
	}
	fmt.Fprintf(&b, "    kubeVersion: '>=1.24.0-0'\n    maintainers:\n    - email: platform@lakeside.example\n      name: Lakeside Platform Team\n    name: %[1]s\n"+
		"    sources:\n    - https://github.com/lakeside/%[1]s\n    urls:\n    - charts/%[1]s-%[2]s.tgz\n    version: %[2]s\n", p.name, version)
	return b.String()
}

// folded breaks a line as the YAML library does: at the first space beyond 80 characters.
func folded(line string) string {
	var b strings.Builder
	column := 0
	for _, c := range line {
		if c == ' ' && column > 80 {
			b.WriteString("\n      ")
			column = 6
			continue
		}
		b.WriteRune(c)
		column++
	}
	b.WriteByte('\n')
	return b.String()
}

// digests are those of the content of the monorepo's extensions, by their numbers.
func (x Index) digests(ctx context.Context) ([]string, error) {
	digests := make([]string, x.Names)
	if x.Monorepo == "" {
		return digests, nil
	}
	return digests, each(ctx, x.Names, func(number int) error {
		dir := filepath.Join(x.Monorepo, "extensions", profileOf(x.Seed, number).name)
		if !exists(dir) {
			return nil // the index has more names than the monorepo
		}
		e, err := extension.Load(dir, extension.Options{})
		if err != nil {
			return fmt.Errorf("reading %s: %w", dir, err)
		}
		digests[number] = e.ContentDigest()
		return nil
	})
}
