package announce

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// service is how one service is written to.
type service struct {
	// body makes the request of a message with a title and a text.
	body func(title, text string) []byte
	// text makes what the service shows of the notes, which are Markdown.
	text style
	// largest is how many bytes the body may have; of largestText, the text.
	largest, largestText int
	// document makes the body in place of all this, for a service that reads data.
	document func(run *results.Document, items []Item) []byte
	// sign adds the signature of a request.
	sign func(request *transport.Request, secret string, now time.Time) error
	// check says why a service has not taken a message although its status is that of success.
	check func(answer []byte) error
}

var services = map[config.AnnouncementKind]service{
	// Data for a program, in the form of Payload.
	config.AnnounceWebhook: {document: payloadOf, sign: signWebhook, check: func([]byte) error { return nil }},

	// Feishu and Lark: "Custom bot usage guide"
	// (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot): at most 20 KB; a card
	// with Markdown, in which < begins a tag such as <at>; code is 0 in the answer.
	config.AnnounceFeishu: {
		body: func(title, text string) []byte {
			return encode(feishuMessage{MessageType: "interactive", Card: feishuCard{
				Config:   map[string]bool{"wide_screen_mode": true},
				Header:   feishuHeader{Title: feishuText{"plain_text", title}, Template: "green"},
				Elements: []feishuText{{"markdown", text}},
			}})
		},
		text: style{bold: "**", bullet: "- ", less: "&#60;", greater: "&#62;"}, largest: 20_000,
		sign: signFeishu, check: checkCode("code", "msg"),
	},

	// DingTalk: "Custom robots send group messages" and its page on security settings
	// (https://open.dingtalk.com/document/orgapp/custom-bots-send-group-messages,
	// https://open.dingtalk.com/document/orgapp/customize-robot-security-settings): at most
	// 20,000 bytes; errcode is 0 in the answer.
	config.AnnounceDingTalk: {
		body: func(title, text string) []byte {
			return encode(map[string]any{"msgtype": "markdown", "markdown": map[string]string{"title": title, "text": "### " + title + "\n\n" + text}})
		},
		text: style{bold: "**", bullet: "- ", less: "&lt;", greater: "&gt;", hardBreaks: true}, largest: 20_000,
		sign: signDingTalk, check: checkCode("errcode", "errmsg"),
	},

	// WeCom: "Configuration of group robots" (https://developer.work.weixin.qq.com/document/path/91770):
	// at most 4,096 bytes of content, in which <@userid> calls somebody; errcode is 0 in the answer.
	config.AnnounceWeCom: {
		body: func(title, text string) []byte {
			return encode(map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": "### " + title + "\n" + text}})
		},
		text: style{bold: "**", bullet: "- ", less: "＜", greater: "＞"}, largest: 64 << 10, largestText: 4096 - 256,
		sign: noSignature, check: checkCode("errcode", "errmsg"),
	},

	// Slack: "Sending messages using incoming webhooks"
	// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks) and "Formatting
	// message text" (https://docs.slack.dev/messaging/formatting-message-text): &, < and > are
	// escaped, <!channel> would call everybody; a text should have 4,000 characters at most
	// ("chat.postMessage", https://docs.slack.dev/reference/methods/chat.postMessage).
	config.AnnounceSlack: {
		body: func(title, text string) []byte {
			return encode(map[string]string{"text": "*" + slackText.escape(title) + "*\n" + text})
		},
		text: slackText, largest: 64 << 10, largestText: 3500,
		sign: noSignature, check: func(answer []byte) error {
			if strings.TrimSpace(string(answer)) != "ok" {
				return errors.New("the service answered something else than ok")
			}
			return nil
		},
	},
}

// slackText is how Slack shows text.
var slackText = style{bold: "*", bullet: "• ", less: "&lt;", greater: "&gt;", ampersand: "&amp;", slackLinks: true}

type feishuMessage struct {
	Timestamp   string     `json:"timestamp,omitempty"`
	Sign        string     `json:"sign,omitempty"`
	MessageType string     `json:"msg_type"`
	Card        feishuCard `json:"card"`
}

type feishuCard struct {
	Config   map[string]bool `json:"config"`
	Header   feishuHeader    `json:"header"`
	Elements []feishuText    `json:"elements"`
}

type feishuHeader struct {
	Title    feishuText `json:"title"`
	Template string     `json:"template"`
}

type feishuText struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

// Payload is what the kind webhook sends, as JSON.
type Payload struct {
	SchemaVersion int              `json:"schema_version"` // 1
	Event         string           `json:"event"`          // "released"
	Tool          results.Tool     `json:"tool"`
	Revision      string           `json:"revision,omitempty"` // the git commit
	Extensions    []PayloadRelease `json:"extensions"`
}

// PayloadRelease is one released version in a Payload.
type PayloadRelease struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Notes   string `json:"notes,omitempty"` // Markdown
	Links   []Link `json:"links,omitempty"`
}

// longestNotes is how many bytes of the notes of a version a Payload has.
const longestNotes = 64 << 10

func payloadOf(run *results.Document, items []Item) []byte {
	p := Payload{SchemaVersion: 1, Event: "released", Tool: run.Tool, Revision: run.Revision}
	for _, item := range items {
		p.Extensions = append(p.Extensions, PayloadRelease{item.Name, item.Version, cutLines(item.Notes, func(text string) bool { return len(text) <= longestNotes }), item.Links})
	}
	return encode(p)
}

// encode is a value as JSON, in which <, > and & stand as they are.
func encode(value any) []byte {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	if err := to.Encode(value); err != nil {
		panic(err) // strings and maps of them
	}
	return bytes.TrimSpace(b.Bytes())
}

func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signWebhook signs the body in a header, as many services do.
func signWebhook(request *transport.Request, secret string, _ time.Time) error {
	request.Header.Set("X-Ksrelease-Signature-256", "sha256="+hex.EncodeToString(mac(secret, string(request.Body))))
	return nil
}

// signFeishu puts time and signature into the body: the key is the time in seconds, a line break
// and the secret, and what is signed is empty.
func signFeishu(request *transport.Request, secret string, now time.Time) error {
	var message feishuMessage
	if err := json.Unmarshal(request.Body, &message); err != nil {
		return fmt.Errorf("signing the message: %w", err)
	}
	message.Timestamp = strconv.FormatInt(now.Unix(), 10)
	message.Sign = base64.StdEncoding.EncodeToString(mac(message.Timestamp+"\n"+secret, ""))
	request.Body = encode(message)
	return nil
}

// signDingTalk puts time and signature into the address: what is signed is the time in
// milliseconds, a line break and the secret.
func signDingTalk(request *transport.Request, secret string, now time.Time) error {
	address, err := url.Parse(request.URL)
	if err != nil {
		return fmt.Errorf("signing the message: %w", err)
	}
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	query := address.Query()
	query.Set("timestamp", timestamp)
	query.Set("sign", base64.StdEncoding.EncodeToString(mac(secret, timestamp+"\n"+secret)))
	address.RawQuery = query.Encode()
	request.URL = address.String()
	return nil
}

func noSignature(*transport.Request, string, time.Time) error { return errNoSignature }

// checkCode reads an answer with a number that is 0 where all is well, and a message.
func checkCode(code, message string) func([]byte) error {
	return func(answer []byte) error {
		var fields map[string]any
		if err := json.Unmarshal(answer, &fields); err != nil {
			return errors.New("the service answered what is no JSON")
		}
		number, ok := fields[code].(float64)
		if ok && number == 0 {
			return nil
		}
		said, _ := fields[message].(string)
		return fmt.Errorf("the service refused it: %s %v, %q", code, fields[code], cut(said))
	}
}

// cut keeps the words of a server short.
func cut(text string) string {
	const enough = 200
	if runes := []rune(text); len(runes) > enough {
		return string(runes[:enough]) + "…"
	}
	return text
}
