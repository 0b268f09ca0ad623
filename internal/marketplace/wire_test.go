package marketplace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// exchange is one request of a recording and the answer it got.
type exchange struct {
	method, path, userAgent, authorization, contentType string
	parts                                               []wirePart
	body                                                string
	status                                              int
	answer                                              string
}

type wirePart struct {
	disposition, contentType string
	data                     []byte
	unrecorded               bool // only the length is known
	length                   int
}

// The requests of a stock ksbuilder v0.4.5, as recorded, in short.
const ksbuilderRequests = `
GET /apis/user/v1/user
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
answer 200 {"user_id":"usr-0001"}

GET /apis/extension/v1/users/usr-0001/files/usage
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
answer 200 {"dir":"/files/usr-0001"}

POST /apis/extension/v1/users/usr-0001/files
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
  Content-Type: multipart/form-data; boundary=e89b23323335fe549a27ee22776e30679a2079e742dbd0d46fa847e7d7c4
  part Content-Disposition: form-data; name="file1"; filename="one.png" | Content-Type: application/octet-stream
    P1
  part Content-Disposition: form-data; name="file1_path"
    /files/usr-0001/alc/1.0.0/one.png
  part Content-Disposition: form-data; name="file2"; filename="two.png" | Content-Type: application/octet-stream
    P22
  part Content-Disposition: form-data; name="file2_path"
    /files/usr-0001/alc/1.0.0/two.png
answer 200 {"files":[{"url":"http://HOST/files/usr-0001/alc/1.0.0/one.png"},{"url":"http://HOST/files/usr-0001/alc/1.0.0/two.png"}]}

POST /apis/extension/v1/users/usr-0001/extensions/alc/package?force=true&create_extension=true
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
  Content-Type: multipart/form-data; boundary=84825f449431747ca3ca3a2b41e09115221e2bb62084e981d339a6813748
  part Content-Disposition: form-data; name="extension_package"; filename="alc-1.0.0.tgz" | Content-Type: application/octet-stream
    (500 bytes)
answer 200 {"snapshot":{"snapshot_id":"516955082294610002","metadata":{"version":"1.0.0"},"status":"draft","updated_at":"2026-11-22T08:17:12.207152895Z"}}

POST /apis/extension/v1/users/usr-0001/snapshots/516955082294610002/action:submit
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
  Content-Type: application/json
  body {"message": "2026-11-22T08:17:12Z submit for review"}
answer 200 {}

POST /apis/extension/v1/extensions/search
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
  Content-Type: application/json
  body {"developer_ids": ["usr-0001"], "statuses": ["*"]}
answer 200 {"extensions":[{"extension_id":"516955082294610001","latest_version":{"version":""},"name":"alc","status":"draft"}]}

GET /apis/extension/v1/extensions/alc/summary
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
answer 200 {"extension_id":"516955082294610001","latest_version":{"version":""},"name":"alc","status":"draft"}

GET /apis/extension/v1/extensions/alc/snapshots
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
answer 200 [{"snapshot_id":"516955082294610002","metadata":{"version":"1.0.0"},"status":"submitted","updated_at":"2026-11-22T08:17:12.252664635Z"}]

POST /apis/extension/v1/users/usr-0001/snapshots/516955082294610002/action:cancel-submit
  Authorization: Bearer kck-11111111-2222-3333-4444-555555555555
  Content-Type: application/json
  body {"message": "cancel submit"}
answer 200 {}
`

// parseWire reads a recording.
func parseWire(t *testing.T, text string) []exchange {
	t.Helper()
	var all []exchange
	var current *exchange
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch rest, ok := "", false; {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "GET ") || strings.HasPrefix(line, "POST "):
			all = append(all, exchange{})
			current = &all[len(all)-1]
			current.method, current.path, _ = strings.Cut(line, " ")
		case cut(line, "  User-Agent: ", &rest, &ok):
			current.userAgent = rest
		case cut(line, "  Authorization: ", &rest, &ok):
			current.authorization = rest
		case cut(line, "  Content-Type: ", &rest, &ok):
			current.contentType = rest
		case cut(line, "  Content-Length: ", &rest, &ok):
			// Follows from the body.
		case cut(line, "  part Content-Disposition: ", &rest, &ok):
			disposition, contentType, _ := strings.Cut(rest, " | Content-Type: ")
			current.parts = append(current.parts, wirePart{disposition: disposition, contentType: contentType})
		case cut(line, "    ", &rest, &ok):
			part := &current.parts[len(current.parts)-1]
			if n, err := fmt.Sscanf(rest, "(%d bytes)", &part.length); n == 1 && err == nil {
				part.unrecorded = true
			} else {
				part.data = []byte(rest)
			}
		case cut(line, "  body ", &rest, &ok):
			current.body = rest
		case cut(line, "answer ", &rest, &ok):
			status, answer, _ := strings.Cut(rest, " ")
			current.status, _ = strconv.Atoi(status)
			current.answer = answer
		default:
			t.Fatalf("the recording has a line that is not understood: %q", line)
		}
	}
	return all
}

func cut(line, prefix string, rest *string, ok *bool) bool {
	*rest, *ok = strings.CutPrefix(line, prefix)
	return *ok
}

// encode is the body of the request, to the byte as it was but for what was not
// recorded.
func (x exchange) encode(t *testing.T, archive []byte) []byte {
	t.Helper()
	if len(x.parts) == 0 {
		return []byte(x.body)
	}
	_, boundary, ok := strings.Cut(x.contentType, "boundary=")
	if !ok {
		t.Fatalf("%s %s has parts but no boundary", x.method, x.path)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for _, part := range x.parts {
		header := textproto.MIMEHeader{"Content-Disposition": {part.disposition}}
		if part.contentType != "" {
			header.Set("Content-Type", part.contentType)
		}
		data := part.data
		if part.unrecorded {
			data = bytes.Repeat([]byte("x"), part.length)
			if strings.Contains(part.disposition, packagePart) {
				data = archive
			}
		}
		w, err := form.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	form.Close()
	return body.Bytes()
}

// replay sends a recording to a fresh marketplace and holds each answer to the recorded
// one: all it has must be there, with the same value, but for what is made up anew (the
// IDs and times). IDs of earlier answers are put into later requests.
func replay(t *testing.T, recording []exchange, archive []byte) {
	t.Helper()
	c := serve(t, open(t, t.TempDir(), Options{User: "usr-0001"}))
	host := strings.TrimPrefix(c.base, "http://")
	ids := map[string]string{}
	rename := func(text string) string {
		for recorded, ours := range ids {
			text = strings.ReplaceAll(text, recorded, ours)
		}
		return text
	}
	for i, x := range recording {
		request := c.request(x.method, rename(x.path), x.contentType, x.encode(t, archive))
		request.Header.Set("Authorization", x.authorization)
		if x.userAgent != "" {
			request.Header.Set("User-Agent", x.userAgent)
		}
		got, err := c.try(request)
		if err != nil {
			t.Fatal(err)
		}
		if got.status != x.status {
			t.Fatalf("request %d, %s %s: %d %s, recorded was %d", i+1, x.method, x.path, got.status, got.body, x.status)
		}
		learnIDs(string(got.body), x.answer, ids)
		var want, have any
		if err := json.Unmarshal([]byte(rename(strings.ReplaceAll(x.answer, "HOST", host))), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got.body, &have); err != nil {
			t.Fatal(err)
		}
		if missing := contained(want, have, ""); missing != "" {
			t.Errorf("request %d, %s %s: %s\nanswer   %s\nrecorded %s", i+1, x.method, x.path, missing, got.body, x.answer)
		}
	}
}

var idInJSON = regexp.MustCompile(`"(snapshot_id|extension_id)":"(\d+)"`)

// learnIDs pairs the IDs of an answer with those of the recorded one.
func learnIDs(got, recorded string, ids map[string]string) {
	ours := map[string]string{}
	for _, found := range idInJSON.FindAllStringSubmatch(got, -1) {
		ours[found[1]] = found[2]
	}
	for _, found := range idInJSON.FindAllStringSubmatch(recorded, -1) {
		if id := ours[found[1]]; id != "" && ids[found[2]] == "" {
			ids[found[2]] = id
		}
	}
}

// contained says what of want is not in have, "" when all of it is. Times need only be
// there, and so do keys that no client of the interface relies on.
func contained(want, have any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := have.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, ok := object[key]
			switch {
			case key == "quota" || key == "used": // of the recording's stand-in; the interface knows dir alone
			case !ok:
				return at + "." + key + " is missing"
			case key == "updated_at":
			default:
				if missing := contained(want[key], value, at+"."+key); missing != "" {
					return missing
				}
			}
		}
	case []any:
		list, ok := have.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s is no list of %d", at, len(want))
		}
		for i := range want {
			if missing := contained(want[i], list[i], fmt.Sprintf("%s[%d]", at, i)); missing != "" {
				return missing
			}
		}
	default:
		if want != have {
			return fmt.Sprintf("%s is %v, want %v", at, have, want)
		}
	}
	return ""
}

func TestStockKsbuilder(t *testing.T) {
	recording := parseWire(t, ksbuilderRequests)
	if len(recording) != 9 {
		t.Fatalf("%d requests were read, want 9", len(recording))
	}
	replay(t, recording, packed("alc", "1.0.0"))
}

func TestStockKsbuilderAsRecorded(t *testing.T) {
	text, err := os.ReadFile(testshared.Path(t, "reference/ksbuilder-wire.txt"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(testshared.Path(t, "reference/ksbuilder-push/metrics-server-0.7.1.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	recording := parseWire(t, string(text))
	writes := 0
	for _, x := range recording {
		if x.method == "POST" {
			writes++
		}
	}
	if len(recording) != 15 || writes != 6 {
		t.Fatalf("%d requests were read, %d of them POST; want 15 and 6", len(recording), writes)
	}
	replay(t, recording, archive)
}
