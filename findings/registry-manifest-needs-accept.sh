#!/usr/bin/env bash
# github.com/distribution/distribution/v3 3.1.2 and the registry in go-containerregistry
# 0.22.1. In the first a chart that is there is 404 for whoever asks for its manifest without
# naming its media type: no Accept, */* and application/json are all "not found", so that a
# simple look whether a version exists says no, and the push goes over it. A push to a tag
# with the + of a version is 404, too. The second, which is often what tests of Go programs
# run with, refuses neither.
# Seen: distribution 404 404 404, named 200, tag with + 404; the other 200 200 200 200 201.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
cat >go.mod <<'M'
module probe

go 1.26

require (
	github.com/distribution/distribution/v3 v3.1.2
	github.com/google/go-containerregistry v0.22.1
)
M
cat >main.go <<'G'
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/google/go-containerregistry/pkg/registry"
)

const mediaType = "application/vnd.oci.image.manifest.v1+json"

// status asks a server, and answers the status alone.
func status(method, address, header, value string, body []byte) int {
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	if header != "" {
		request.Header.Set(header, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// try pushes a chart as Helm does, in its least form, and looks for it.
func try(name string, handler http.Handler) {
	server := httptest.NewServer(handler)
	defer server.Close()
	config := []byte("{}")
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(config))
	upload, err := http.Post(server.URL+"/v2/charts/web/blobs/uploads/", "", nil)
	if err != nil {
		panic(err)
	}
	place, err := upload.Location()
	if err != nil {
		panic(err)
	}
	query := place.Query()
	query.Set("digest", digest)
	place.RawQuery = query.Encode()
	if got := status("PUT", place.String(), "Content-Type", "application/octet-stream", config); got != http.StatusCreated {
		panic(got)
	}
	manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":%q,"size":2},"layers":[]}`, mediaType, digest))
	address := server.URL + "/v2/charts/web/manifests/1.0.0"
	if got := status("PUT", address, "Content-Type", mediaType, manifest); got != http.StatusCreated {
		panic(got)
	}
	fmt.Println(name, status("HEAD", address, "", "", nil), status("HEAD", address, "Accept", "*/*", nil),
		status("HEAD", address, "Accept", "application/json", nil), status("HEAD", address, "Accept", mediaType, nil),
		status("PUT", address+"%2Ba", "Content-Type", mediaType, manifest))
}

func main() {
	settings := &configuration.Configuration{Storage: configuration.Storage{"inmemory": configuration.Parameters{}}}
	settings.HTTP.Secret = "for this run"
	try("distribution", handlers.NewApp(context.Background(), settings))
	try("other", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
}
G
seen=$(go run -mod=mod . 2>said) || { tail -5 said; exit 1; }
want='distribution 404 404 404 200 404
other 200 200 200 200 201'
[ "$seen" = "$want" ] || { echo "changed: $seen"; exit 1; }
echo "as described"
