// Package announce sends to chats and other services what a run has released: one message for a
// run, in the form of each service, by an address that is as secret as a password.
package announce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Limits of one announcement.
const (
	// deadline is how long one may take, with all its messages.
	deadline = time.Minute
	// answerTime is how long a service may take for an answer.
	answerTime = 15 * time.Second
	// mostMessages is how many messages one announcement is divided into. DingTalk and WeCom
	// take 20 in a minute, from all who use the address.
	mostMessages = 5
	// answerLimit is how much of an answer is read, in bytes.
	answerLimit = 64 << 10
)

// Announcer sends announcements.
type Announcer struct {
	// Client sends the requests.
	Client *transport.Client
	// Items looks up what there is to say of a released version, in a language.
	Items func(ctx context.Context, x results.Extension, language string) Item
	// Now is the time, for signatures; nil is that of the system.
	Now func() time.Time
}

// Item is a released version, as it is announced.
type Item struct {
	Name, Version string
	// Notes are its section of the CHANGELOG, in Markdown; empty where there is none.
	Notes string
	Links []Link
}

// Link is an address on the web.
type Link struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// title is the item in a word.
func (i Item) title() string { return i.Name + " " + i.Version }

// Send announces what a run has released, to all that are configured; a dry run sends nothing,
// and says what would be sent. No announcement is a failure of the run: its Error says what went
// wrong, without the address.
func (a *Announcer) Send(ctx context.Context, all []config.Announcement, run *results.Document) (done []results.Announcement) {
	for i, to := range all {
		chosen := chosenFor(to, run)
		if len(chosen) == 0 {
			continue
		}
		announcement := results.Announcement{Kind: string(to.Kind), Setting: fmt.Sprintf("announce[%d]", i), Status: results.AnnouncementPlanned}
		for _, x := range chosen {
			announcement.Extensions = append(announcement.Extensions, x.Name+" "+x.Version)
		}
		if !run.DryRun {
			announcement.Status = results.AnnouncementSent
			if err := a.send(ctx, to, run, chosen); err != nil {
				announcement.Status, announcement.Error = results.AnnouncementFailed, withoutSecrets(to, err)
			}
		}
		done = append(done, announcement)
	}
	return done
}

// chosenFor are the extensions that are announced: those that were released, or would be.
func chosenFor(to config.Announcement, run *results.Document) (chosen []results.Extension) {
	wanted := results.Released
	if run.DryRun {
		wanted = results.Planned
	}
	for _, x := range run.Extensions {
		if x.Outcome == wanted && (len(to.Only) == 0 || slices.Contains(to.Only, x.Name)) {
			chosen = append(chosen, x)
		}
	}
	return chosen
}

func (a *Announcer) send(ctx context.Context, to config.Announcement, run *results.Document, chosen []results.Extension) error {
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("it took longer than %s", deadline))
	defer cancel()
	var items []Item
	for _, x := range chosen {
		items = append(items, a.Items(ctx, x, to.Language))
	}
	service := services[to.Kind]
	messages := divide(service, titleOf(items, to.Language), items)
	if service.document != nil {
		messages = []message{{body: service.document(run, items)}}
	}
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	for i, m := range messages {
		request := transport.Request{
			Op: "announcing by " + string(to.Kind), Method: http.MethodPost, URL: to.URL, Body: m.body, ContentType: "application/json; charset=utf-8",
			Header: http.Header{}, Describe: true, Timeout: answerTime, Limit: answerLimit,
			Check: func(answer *transport.Response) error { return service.check(answer.Body) },
		}
		if to.Secret != "" {
			if err := service.sign(&request, to.Secret, now()); err != nil {
				return err
			}
		}
		if _, err := a.Client.Do(ctx, request); err != nil {
			if len(messages) > 1 {
				return fmt.Errorf("message %d of %d: %w", i+1, len(messages), err)
			}
			return err
		}
	}
	return nil
}

// withoutSecrets is what went wrong, without the address: whoever has it can write to the chat.
func withoutSecrets(to config.Announcement, err error) string {
	text := err.Error()
	if failed, ok := transport.As(err); ok {
		text = failed.Summary()
		if failed.Message != "" {
			text += ": " + failed.Message
		}
	}
	for _, secret := range append([]string{to.URL, to.Secret}, Secrets(to)...) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return text
}

// Secrets are the parts of an address, and the key for signatures, that prove who somebody is.
// The host, and words of the path, are none: they would be taken out of other texts, too.
func Secrets(to config.Announcement) (secrets []string) {
	const least = 8 // characters of a key: what is shorter is a word
	address, err := url.Parse(to.URL)
	if err != nil {
		return []string{to.URL, to.Secret}
	}
	for part := range strings.SplitSeq(address.EscapedPath(), "/") {
		if len(part) >= least && strings.ContainsAny(part, "0123456789") {
			secrets = append(secrets, part)
		}
	}
	for _, values := range address.Query() {
		for _, value := range values {
			if len(value) >= least {
				secrets = append(secrets, value)
			}
		}
	}
	if to.Secret != "" {
		secrets = append(secrets, to.Secret)
	}
	return secrets
}

// titleOf says what was released, in one line.
func titleOf(items []Item, language string) string {
	chinese := strings.HasPrefix(strings.ToLower(language), "zh")
	switch {
	case len(items) == 1 && chinese:
		return "已发布 " + items[0].title()
	case len(items) == 1:
		return "Released " + items[0].title()
	case chinese:
		return fmt.Sprintf("已发布 %d 个扩展组件", len(items))
	}
	return fmt.Sprintf("Released %d extensions", len(items))
}

// errNoSignature is for services that have none; the config refuses a secret for them.
var errNoSignature = errors.New("this service has no signatures")
