package practice

import (
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// chats are services that take messages by a webhook, by what their addresses have in them.
var chats = []struct{ mark, kind string }{
	{"feishu", "feishu"}, {"larksuite", "feishu"}, {"lark", "feishu"}, {"dingtalk", "dingtalk"}, {"weixin", "wecom"}, {"wecom", "wecom"}, {"wechat", "wecom"}, {"slack", "slack"},
}

// hook finds an address, or the name of a variable, of a webhook.
var hook = lazyregexp.New(`(?i)web_?hook|/hooks?/|hooks\.|robot/send|_hook\b|\bhook\b`)

// ofAnnouncements knows messages to chats and other services.
func ofAnnouncements(s subject) (Use, bool) {
	use := Use{ID: "announcement", Cover: Covered, By: "announce in .ksrelease.yaml"}
	switch s.Name() {
	case "curl", "wget", "http":
		text := strings.ToLower(s.Text + "\n" + s.Origin)
		kind := kindOfChat(text)
		if kind == "" && !hook.MatchString(text) {
			return Use{}, false
		}
		use.describe(kind)
	default:
		return Use{}, false
	}
	use.Wrong = []string{"it announces what was there before, too, and breaks on quotation marks in notes"}
	if !has(s.Text, " -f", "--fail", "-sf", "-Sf", "-fsS") {
		use.Wrong = append(use.Wrong, "whether the message arrived is not looked at")
	}
	return use, true
}

func kindOfChat(text string) string {
	for _, chat := range chats {
		if strings.Contains(text, chat.mark) {
			return chat.kind
		}
	}
	return ""
}

// describe says what an announcement is, and what takes its place.
func (u *Use) describe(kind string) {
	u.Does = "announces something in a chat or another service"
	if kind == "" {
		kind = "webhook"
	}
	u.Note = "kind: " + kind + "; its address comes from a variable of the job, such as ${RELEASE_WEBHOOK}"
}
