#!/usr/bin/env bash
# Helm 3.22.0. A chart folder with a symbolic link to a file of its own: `helm template
# FOLDER` reads the file behind the link, and the same folder packed with tar and loaded as
# an archive has an empty file there, without a warning. `helm package` writes the content.
# Seen: folder "hello", tar "", helm package "hello".
set -euo pipefail
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
GOBIN=$tmp go install helm.sh/helm/v3/cmd/helm@v3.22.0
mkdir -p l/templates
printf 'apiVersion: v2\nname: l\nversion: 1.0.0\n' >l/Chart.yaml
printf 'hello' >l/real.txt
ln -s real.txt l/link.txt
printf 'link: {{ .Files.Get "link.txt" | quote }}\n' >l/templates/a.yaml
tar czf l.tgz l
./helm package l >/dev/null 2>&1
expect() { ./helm template "$1" 2>/dev/null | grep -qx "link: \"$2\"" || { echo "changed: $1"; ./helm template "$1"; exit 1; }; }
expect l hello
expect l.tgz ''
expect l-1.0.0.tgz hello
echo "as described"
