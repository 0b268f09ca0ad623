#!/usr/bin/env bash
# github.com/docker/distribution 2.8.3 with its file system driver, as in Debian's
# docker-registry. Several who push the same chart at the same time, the same bytes under the same
# tag, do not all succeed: each upload writes the link of its blob again, in place, and who pushes
# the manifest meanwhile reads an empty link. The registry answers 400 DIGEST_INVALID ("provided
# digest did not match uploaded content") for bytes that are right, and the chart is there in the
# end. So 400 is no verdict on a push. (Version 3.1.2 writes another file and renames it.)
# Seen: of 200 charts, each pushed by eight at once, some pushes of manifests are refused with
# 400, none fails in another way, and all charts are there.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
cat >go.mod <<'M'
module probe

go 1.26

require github.com/docker/distribution v2.8.3+incompatible
M
cat >main.go <<'G'
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/docker/distribution/configuration"
	"github.com/docker/distribution/registry/handlers"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem"
)

const mediaType = "application/vnd.oci.image.manifest.v1+json"

func put(address, contentType string, body []byte) int {
	request, err := http.NewRequest("PUT", address, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// upload pushes a blob.
func upload(server, digest string, data []byte) {
	answer, err := http.Post(server+"/v2/charts/web/blobs/uploads/", "", nil)
	if err != nil {
		panic(err)
	}
	answer.Body.Close()
	place, err := answer.Location()
	if err != nil {
		panic(err)
	}
	query := place.Query()
	query.Set("digest", digest)
	place.RawQuery = query.Encode()
	if got := put(place.String(), "application/octet-stream", data); got != 201 {
		panic(got)
	}
}

func main() {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 8
	settings := &configuration.Configuration{Storage: configuration.Storage{"filesystem": configuration.Parameters{"rootdirectory": os.Args[1]}}}
	settings.HTTP.Secret = "for this run"
	server := httptest.NewServer(handlers.NewApp(context.Background(), settings))
	defer server.Close()
	seen, there := map[int]int{}, true
	var mu sync.Mutex
	for i := range 200 {
		config := []byte(fmt.Sprintf(`{"version":"1.0.%d"}`, i))
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(config))
		manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":%q,"size":%d},"layers":[]}`, mediaType, digest, len(config)))
		address := fmt.Sprintf("%s/v2/charts/web/manifests/1.0.%d", server.URL, i)
		var group sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				<-begin
				upload(server.URL, digest, config)
				got := put(address, mediaType, manifest)
				mu.Lock()
				seen[got]++
				mu.Unlock()
			}()
		}
		close(begin)
		group.Wait()
		request, _ := http.NewRequest("GET", address, nil)
		request.Header.Set("Accept", mediaType)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		got, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		there = there && bytes.Equal(got, manifest)
	}
	fmt.Println("refused:", seen[400] > 0, "otherwise:", seen[201]+seen[400] != 1600, "there:", there)
	fmt.Fprintln(os.Stderr, seen)
}
G
seen=$(go run -mod=mod . "$tmp/data" 2>said) || { tail -5 said; exit 1; }
want='refused: true otherwise: false there: true'
[ "$seen" = "$want" ] || { echo "changed: $seen"; exit 1; }
echo "as described"
