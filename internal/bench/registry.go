package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
)

// pushes is how many packages are pushed to a distant registry.
const pushes = 100

// measureRegistry pushes the same packages to a registry that is far away: with ksrelease run,
// which looks before it pushes and verifies what it has pushed, and with a loop of helm push.
func measureRegistry(ctx context.Context, l *lab) ([]series, []claim, error) {
	const least = 6
	helm := found(l.helm(ctx))
	registry, err := registrytest.Run(ctx, l.folder("registry"), registrytest.Options{})
	if errors.Is(err, registrytest.ErrMissing) {
		return nil, []claim{faster(series{name: "ksrelease run"}, series{name: "helm push, in a loop", without: err.Error()}, least)}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer registry.Kill()
	far, err := newFarAway(registry.Host, roundTrip)
	if err != nil {
		return nil, nil, err
	}
	defer far.close()
	packages, err := makePackages(ctx, l.ksrelease, l.folder("packages"))
	if err != nil {
		return nil, nil, err
	}
	// Each round has a folder of its own in the registry, or all would be there.
	run := l.ours("ksrelease run", filepath.Dir(filepath.Dir(packages[0])), "run", "-f", "push.yaml")
	run.ready = func(_ context.Context, n int) (turn, error) {
		env, err := l.freshCache()
		return turn{env: []string{env, fmt.Sprintf("FOLDER=%s/ours%d", far.host, n)}}, err
	}
	loop := tool{name: "helm push, in a loop", without: helm.without, ready: func(_ context.Context, n int) (turn, error) {
		var t turn
		for _, file := range packages {
			t.commands = append(t.commands, []string{helm.file, "push", file, fmt.Sprintf("oci://%s/theirs%d", far.host, n), "--plain-http"})
		}
		return t, nil
	}}
	of, err := takeTurns(ctx, []tool{run, loop}, 0, min(l.rounds, 3))
	if err != nil {
		return nil, nil, err
	}
	return of, []claim{faster(of[0], of[1], least)}, nil
}

// makePackages packs small extensions, and writes a config that releases the packages.
func makePackages(ctx context.Context, ksrelease, dir string) ([]string, error) {
	for i := range pushes {
		name := fmt.Sprintf("e%03d", i)
		folder := filepath.Join(dir, "extensions", name)
		if err := os.MkdirAll(filepath.Join(folder, "templates"), 0o755); err != nil {
			return nil, err
		}
		for file, text := range map[string]string{
			"extension.yaml": fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: 1.0.0\ndisplayName: {en: %[1]s}\ndescription: {en: An extension}\n"+
				"category: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n", name),
			"values.yaml":           "name: " + name + "\n",
			"README.md":             "# " + name + "\n",
			"CHANGELOG.md":          "## 1.0.0\n",
			"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {level: info}\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
				return nil, err
			}
		}
	}
	for file, text := range map[string]string{
		".ksrelease.yaml": "version: 1\nextensions: [{path: extensions/*}]\npackage: {output: dist}\n",
		"push.yaml":       "version: 1\nextensions: [{path: 'dist/*.tgz'}]\ntargets: [{kind: oci, url: 'oci://${FOLDER}'}]\npackage: {output: out}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, ksrelease, "package")
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("packing %d extensions: %w\n%s", pushes, err, output)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "dist", "*.tgz"))
	if err == nil && len(packages) != pushes {
		err = fmt.Errorf("%d packages for %d extensions", len(packages), pushes)
	}
	return packages, err
}
