package announce

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
)

var now = time.UnixMilli(1700000000123)

// request is what a service was sent.
type request struct {
	path   string
	query  map[string][]string
	header http.Header
	body   string
}

// serve is a service that gives these answers, the last one again and again.
func serve(t *testing.T, answers ...func(http.ResponseWriter)) (address string, got *[]request) {
	t.Helper()
	got = &[]request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*got = append(*got, request{r.URL.Path, r.URL.Query(), r.Header, string(body)})
		answers[min(len(*got), len(answers))-1](w)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func announcer(t *testing.T, items map[string]Item) *Announcer {
	t.Helper()
	client := transport.New(transport.Options{Attempts: 3, FirstWait: time.Millisecond, Patience: 2 * time.Second})
	t.Cleanup(client.Close)
	return &Announcer{Client: client, Now: func() time.Time { return now }, Items: func(_ context.Context, x results.Extension, language string) Item {
		item := items[x.Name]
		item.Name, item.Version = x.Name, x.Version
		item.Notes = strings.ReplaceAll(item.Notes, "LANGUAGE", language)
		return item
	}}
}

func run(extensions ...results.Extension) *results.Document {
	return &results.Document{Tool: results.Tool{Name: "ksrelease", Version: "1.0.0"}, Revision: "4f0c1e", Extensions: extensions}
}

func released(name string) results.Extension {
	return results.Extension{Name: name, Version: "1.2.0", Outcome: results.Released}
}

var alc = map[string]Item{"alc": {Notes: "### New\n\n- a <at id=all></at> page, **really**, see [docs](https://example.com/a?b=1&c=2)", Links: []Link{{"home", "https://example.com"}}}}

func TestFormOfEachService(t *testing.T) {
	for _, c := range []struct {
		kind                 config.AnnouncementKind
		secret, answer, body string
		check                func(t *testing.T, r request)
	}{
		{
			config.AnnounceFeishu, "s3cret", `{"code":0,"msg":"success","data":{}}`,
			`{"timestamp":"1700000000","sign":"IX3eHI0/v/Td7jqJ0ynSEK3Dq5JY3HUZeoeMgVZeZGo=","msg_type":"interactive","card":{"config":{"wide_screen_mode":true},"header":{"title":{"tag":"plain_text","content":"Released alc 1.2.0"},"template":"green"},"elements":[{"tag":"markdown","content":"**alc 1.2.0**\n\n**New**\n\n- a &#60;at id=all&#62;&#60;/at&#62; page, **really**, see [docs](https://example.com/a?b=1&c=2)\n[home](https://example.com)"}]}}`, nil,
		},
		{
			config.AnnounceFeishu, "", `{"StatusCode":0,"StatusMessage":"success","code":0}`,
			`{"msg_type":"interactive","card":{"config":{"wide_screen_mode":true},"header":{"title":{"tag":"plain_text","content":"Released alc 1.2.0"},"template":"green"},"elements":[{"tag":"markdown","content":"**alc 1.2.0**\n\n**New**\n\n- a &#60;at id=all&#62;&#60;/at&#62; page, **really**, see [docs](https://example.com/a?b=1&c=2)\n[home](https://example.com)"}]}}`, nil,
		},
		{
			config.AnnounceDingTalk, "SEC123", `{"errcode":0,"errmsg":"ok"}`,
			`{"markdown":{"text":"### Released alc 1.2.0\n\n**alc 1.2.0**\n\n**New**  \n\n- a &lt;at id=all&gt;&lt;/at&gt; page, **really**, see [docs](https://example.com/a?b=1&c=2)  \n[home](https://example.com)","title":"Released alc 1.2.0"},"msgtype":"markdown"}`,
			func(t *testing.T, r request) {
				want := map[string][]string{"access_token": {"token0123"}, "timestamp": {"1700000000123"}, "sign": {dingTalkSign}}
				if diff := cmp.Diff(want, r.query); diff != "" {
					t.Error(diff)
				}
			},
		},
		{
			config.AnnounceWeCom, "", `{"errcode":0,"errmsg":"ok"}`,
			`{"markdown":{"content":"### Released alc 1.2.0\n**alc 1.2.0**\n\n**New**\n\n- a ＜at id=all＞＜/at＞ page, **really**, see [docs](https://example.com/a?b=1&c=2)\n[home](https://example.com)"},"msgtype":"markdown"}`, nil,
		},
		{
			config.AnnounceSlack, "", "ok",
			`{"text":"*Released alc 1.2.0*\n*alc 1.2.0*\n\n*New*\n\n• a &lt;at id=all&gt;&lt;/at&gt; page, *really*, see <https://example.com/a?b=1&amp;c=2|docs>\n<https://example.com|home>"}`, nil,
		},
		{
			config.AnnounceWebhook, "s3cret", "",
			`{"schema_version":1,"event":"released","tool":{"name":"ksrelease","version":"1.0.0"},"revision":"4f0c1e","extensions":[{"name":"alc","version":"1.2.0","notes":"### New\n\n- a <at id=all></at> page, **really**, see [docs](https://example.com/a?b=1&c=2)","links":[{"text":"home","url":"https://example.com"}]}]}`,
			func(t *testing.T, r request) {
				if got := r.header.Get("X-Ksrelease-Signature-256"); got != webhookSign {
					t.Errorf("signature %s", got)
				}
			},
		},
	} {
		t.Run(string(c.kind)+" "+c.secret, func(t *testing.T) {
			address, got := serve(t, says(200, c.answer))
			to := config.Announcement{Kind: c.kind, URL: address + "/hook?access_token=token0123", Secret: c.secret, Language: "en"}
			done := announcer(t, alc).Send(t.Context(), []config.Announcement{to}, run(released("alc"), results.Extension{Name: "bee", Outcome: results.Exists}))
			want := []results.Announcement{{Kind: string(c.kind), Setting: "announce[0]", Extensions: []string{"alc 1.2.0"}, Status: results.AnnouncementSent}}
			if diff := cmp.Diff(want, done); diff != "" {
				t.Error(diff)
			}
			if len(*got) != 1 {
				t.Fatalf("%d requests", len(*got))
			}
			r := (*got)[0]
			if diff := cmp.Diff(c.body, r.body); diff != "" {
				t.Error(diff)
			}
			if r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.path != "/hook" {
				t.Errorf("%s, %v", r.path, r.header)
			}
			if c.check != nil {
				c.check(t, r)
			}
		})
	}
}

// The signatures were computed with openssl as the pages of the services say:
//
//	printf '' | openssl dgst -sha256 -hmac "$(printf '1700000000\ns3cret')" -binary | base64
//	printf '1700000000123\nSEC123' | openssl dgst -sha256 -hmac SEC123 -binary | base64
//	openssl dgst -sha256 -hmac s3cret body.json
const (
	dingTalkSign = "FVgVLxEM+JweBRCq6YFMJ4KCCc7PFGREuLoDL/V5GSc="
	webhookSign  = "sha256=ff3fc7fcd9768bc2e182c0583a68519a49cdf36fa31ee7f8d088c524fa5a8ac8"
)

func TestWhatIsAnnounced(t *testing.T) {
	address, got := serve(t, says(200, "ok"))
	all := []config.Announcement{
		{Kind: config.AnnounceSlack, URL: address + "/one", Only: []string{"bee"}, Language: "zh"},
		{Kind: config.AnnounceSlack, URL: address + "/two", Only: []string{"cow"}},
		{Kind: config.AnnounceSlack, URL: address + "/three", Language: "zh"},
	}
	items := map[string]Item{"alc": {Notes: "LANGUAGE"}}
	document := run(released("alc"), released("bee"), results.Extension{Name: "cow", Version: "1", Outcome: results.Drift}, results.Extension{Name: "dog", Version: "1", Outcome: results.Unverified})
	done := announcer(t, items).Send(t.Context(), all, document)
	if len(done) != 2 || done[0].Setting != "announce[0]" || done[1].Setting != "announce[2]" || len(*got) != 2 {
		t.Fatalf("%+v, %d requests", done, len(*got))
	}
	if body := (*got)[0].body; body != `{"text":"*已发布 bee 1.2.0*\n*bee 1.2.0*"}` {
		t.Errorf("%s", body)
	}
	if body := (*got)[1].body; body != `{"text":"*已发布 2 个扩展组件*\n*alc 1.2.0*\n\nzh\n\n*bee 1.2.0*"}` {
		t.Errorf("%s", body)
	}
	// A dry run sends nothing.
	document.DryRun = true
	document.Extensions[0].Outcome = results.Planned
	done = announcer(t, items).Send(t.Context(), all, document)
	if len(done) != 1 || done[0].Status != results.AnnouncementPlanned || len(*got) != 2 {
		t.Errorf("%+v, %d requests", done, len(*got))
	}
	if done := announcer(t, items).Send(t.Context(), all, run()); len(done) > 0 {
		t.Errorf("nothing released: %+v", done)
	}
}

func TestFailures(t *testing.T) {
	const hook = "/services/T0123456/B0123456/abcdef0123456789abcdef?key=0a1b2c3d4e5f"
	for name, c := range map[string]struct {
		kind     config.AnnouncementKind
		answers  []func(http.ResponseWriter)
		want     string
		requests int
	}{
		"refused by code":    {config.AnnounceFeishu, []func(http.ResponseWriter){says(200, `{"code":19021,"msg":"sign match fail abcdef0123456789abcdef"}`)}, `the service refused it: code 19021, "sign match fail xxxxx"`, 1},
		"refused by errcode": {config.AnnounceWeCom, []func(http.ResponseWriter){says(200, `{"errcode":93000,"errmsg":"invalid webhook url"}`)}, `errcode 93000, "invalid webhook url"`, 1},
		"no code":            {config.AnnounceDingTalk, []func(http.ResponseWriter){says(200, `{}`)}, `errcode <nil>`, 1},
		"a page":             {config.AnnounceDingTalk, []func(http.ResponseWriter){says(200, `<html>`)}, `what is no JSON`, 1},
		"not ok":             {config.AnnounceSlack, []func(http.ResponseWriter){says(200, `invalid_token`)}, `something else than ok`, 1},
		"not found":          {config.AnnounceSlack, []func(http.ResponseWriter){says(404, `no_service`)}, `404 Not Found`, 1},
		"broken":             {config.AnnounceSlack, []func(http.ResponseWriter){says(500, ``)}, `500 Internal Server Error`, 1}, // it may have been taken
		"busy":               {config.AnnounceSlack, []func(http.ResponseWriter){says(429, ``), says(200, "ok")}, ``, 2},
		"elsewhere": {config.AnnounceSlack, []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://other.example.com/")
			w.WriteHeader(302)
		}}, `302 Found`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			address, got := serve(t, c.answers...)
			to := config.Announcement{Kind: c.kind, URL: address + hook, Language: "en"}
			done := announcer(t, nil).Send(t.Context(), []config.Announcement{to}, run(released("alc")))
			failed := done[0].Status == results.AnnouncementFailed
			if failed != (c.want != "") || !strings.Contains(done[0].Error, c.want) || len(*got) != c.requests {
				t.Errorf("%+v, %d requests", done, len(*got))
			}
			for _, secret := range []string{"abcdef0123456789abcdef", "0a1b2c3d4e5f", "T0123456"} {
				if strings.Contains(done[0].Error, secret) {
					t.Errorf("it shows %s: %s", secret, done[0].Error)
				}
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		done := announcer(t, nil).Send(t.Context(), []config.Announcement{{Kind: config.AnnounceSlack, URL: server.URL + hook}}, run(released("alc")))
		if done[0].Status != results.AnnouncementFailed || strings.Contains(done[0].Error, "abcdef0123456789") {
			t.Errorf("%+v", done)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		address, _ := serve(t, says(200, "ok"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := announcer(t, nil).Send(ctx, []config.Announcement{{Kind: config.AnnounceSlack, URL: address + hook}}, run(released("alc")))
		if done[0].Status != results.AnnouncementFailed {
			t.Errorf("%+v", done)
		}
	})
}

// Messages keep within the limits of each service, whatever is announced.
func TestLimits(t *testing.T) {
	long := strings.Repeat("- 很长的一行，有很多内容 & more <than> fits, see [docs](https://example.com/docs)\n", 400)
	for kind, most := range map[config.AnnouncementKind]int{config.AnnounceFeishu: 20_000, config.AnnounceDingTalk: 20_000, config.AnnounceWeCom: 4096, config.AnnounceSlack: 4000} {
		for name, items := range map[string][]Item{
			"one long":     {{Name: "alc", Version: "1.2.0", Notes: long, Links: []Link{{"home", "https://example.com"}}}},
			"one line":     {{Name: "alc", Version: "1.2.0", Notes: strings.Repeat("很长 ", 20_000)}},
			"few long":     {{Name: "a", Version: "1.0.0", Notes: long}, {Name: "b", Version: "1.0.0", Notes: long}, {Name: "c", Version: "1.0.0", Notes: "short"}},
			"many":         many(100, "- one line\n"),
			"many long":    many(100, long),
			"far too many": many(5000, long),
			"nothing":      {{Name: "alc", Version: "1.2.0"}},
		} {
			s := services[kind]
			messages := divide(s, "Released", items)
			if len(messages) == 0 || len(messages) > mostMessages {
				t.Errorf("%s, %s: %d messages", kind, name, len(messages))
			}
			for _, m := range messages {
				size := len(m.body)
				if kind == config.AnnounceWeCom || kind == config.AnnounceSlack {
					size = len(content(t, m.body))
				}
				if size > most || !utf8.Valid(m.body) {
					t.Errorf("%s, %s: %d bytes", kind, name, size)
				}
			}
			all := fmt.Sprintf("%s", messages)
			if !strings.Contains(all, items[0].Name+" "+items[0].Version) {
				t.Errorf("%s, %s: the first one is missing", kind, name)
			}
			if (name == "one long" || name == "far too many") && !strings.Contains(all, "…") {
				t.Errorf("%s, %s: nothing says that there is more", kind, name)
			}
			if name == "many" && !strings.Contains(all, items[99].Name) {
				t.Errorf("%s, %s: the last one is missing", kind, name)
			}
		}
	}
}

func many(n int, notes string) (items []Item) {
	for i := range n {
		items = append(items, Item{Name: fmt.Sprintf("extension-%d", i), Version: "1.0.0", Notes: notes})
	}
	return items
}

// content is the text of a message of WeCom or Slack.
func content(t *testing.T, body []byte) string {
	t.Helper()
	var m struct {
		Text     string
		Markdown struct{ Content string }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m.Text + m.Markdown.Content
}

func TestConvert(t *testing.T) {
	const markdown = "# Title #\n\nText with `code`, <https://example.com/x> and ![a picture](https://example.com/p.png \"title\").\n\n* one\n  + two [#7]\n\n```go\na < b // **not bold**\n## no heading\n```\n\n<!channel> @everyone <script>x</script> [bad](javascript:alert(1)) __bold__\n\n[#7]: https://example.com/7\n"
	want := "*Title*\n\nText with `code`, <https://example.com/x|https://example.com/x> and <https://example.com/p.png|a picture>.\n\n• one\n  • two <https://example.com/7|#7>\n\n```\na &lt; b // **not bold**\n## no heading\n```\n\n&lt;!channel&gt; @everyone &lt;script&gt;x&lt;/script&gt; [bad](javascript:alert(1)) *bold*"
	if diff := cmp.Diff(want, slackText.convert(markdown)); diff != "" {
		t.Error(diff)
	}
	// Code that is not closed is closed, and control characters are left out.
	if got := slackText.convert("```\na\x1b[2Jb\x00"); got != "```\na[2Jb\n```" {
		t.Errorf("%q", got)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add("# x\n\n- [a](https://b) <c> [d]\n\n[d]: https://e\n```\n")
	f.Fuzz(func(t *testing.T, markdown string) {
		for kind, s := range services {
			if s.document != nil {
				continue
			}
			got := s.text.convert(markdown)
			if kind == config.AnnounceSlack && strings.Contains(got, "<!") {
				t.Errorf("%q calls somebody: %q", markdown, got)
			}
			if kind == config.AnnounceWeCom && strings.Contains(got, "<@") || kind == config.AnnounceFeishu && strings.Contains(got, "<at") {
				t.Errorf("%q calls somebody: %q", markdown, got)
			}
		}
	})
}

func TestSecrets(t *testing.T) {
	got := Secrets(config.Announcement{URL: "https://hooks.example.com/services/T0123456/abcdef0123?key=0a1b2c3d&x=1", Secret: "s3cret"})
	if diff := cmp.Diff([]string{"T0123456", "abcdef0123", "0a1b2c3d", "s3cret"}, got); diff != "" {
		t.Error(diff)
	}
}
