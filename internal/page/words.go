package page

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/page/readme"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Both is a text in the two languages of a page, of which its style shows one.
func Both(english, chinese string) template.HTML { return both(english, chinese) }

// both is a text in the two languages of the page, of which its style shows one.
func both(english, chinese string) template.HTML {
	return template.HTML(`<span class="en" lang="en">` + template.HTMLEscapeString(english) + `</span><span class="zh" lang="zh-CN">` + template.HTMLEscapeString(chinese) + `</span>`)
}

// counted is a number with its noun: 1 finding, 2 findings.
func counted(n int, english, chinese string) template.HTML {
	noun := english
	if n != 1 {
		noun += "s"
	}
	return both(fmt.Sprintf("%d %s", n, noun), fmt.Sprintf("%d %s", n, chinese))
}

// filesDiffer says how many files differ.
func filesDiffer(n int) template.HTML {
	if n == 1 {
		return both("1 file differs", "1 个文件不同")
	}
	return both(fmt.Sprintf("%d files differ", n), fmt.Sprintf("%d 个文件不同", n))
}

// against is what an extension is compared with, by what package bases calls it.
func against(label string) template.HTML { return both(label, againstInChinese(label)) }

// heading is against where it stands alone, next to "This version".
func heading(label string) template.HTML {
	english := label
	if strings.HasPrefix(label, "the ") { // else it is a name, such as that of a branch
		english = "T" + label[1:]
	}
	return both(english, againstInChinese(label))
}

func againstInChinese(label string) string {
	for english, chinese := range map[string]string{"the published version ": "已发布版本 ", "the package ": "安装包 "} {
		if rest, ok := strings.CutPrefix(label, english); ok {
			return chinese + rest
		}
	}
	return label
}

// unreported counts findings that lint has and does not report, so that none is not taken for all well.
func unreported(x results.Extension) template.HTML {
	var english, chinese []string
	if x.Known > 0 {
		english, chinese = append(english, fmt.Sprintf("%d in the baseline", x.Known)), append(chinese, fmt.Sprintf("基线中 %d 项", x.Known))
	}
	if x.Silenced > 0 {
		english, chinese = append(english, fmt.Sprintf("%d silenced", x.Silenced)), append(chinese, fmt.Sprintf("已屏蔽 %d 项", x.Silenced))
	}
	return both("Not reported: "+strings.Join(english, ", "), "未报告："+strings.Join(chinese, "，"))
}

// Why no other version stands next to an extension.
const (
	SameAsPublished      = "The published version has the same content."
	PublishedUnknown     = "What is published could not be asked: %s"
	NotCompared          = "It could not be compared with the published version: %s"
	NoTimeToCompare      = "It is not compared: the time for that was over. `ksrelease preview` takes as long as it needs."
	EndedBeforeComparing = "It is not compared: the run ended before that."
	TooManyToCompare     = "It is not compared: there are too many extensions for a report. `ksrelease preview NAME` compares it."
)

// mostInBoth are how many messages of lint are in both languages: more of them take longer to translate than
// all else of a page.
const mostInBoth = 500

// speaker says messages of lint in both languages as long as there are not too many, and then in that of the page.
type speaker struct {
	in   language.Language
	said map[string]template.HTML
}

func (s *speaker) say(message string) template.HTML {
	if said, ok := s.said[message]; ok {
		return said
	}
	if len(s.said) >= mostInBoth {
		return template.HTML(template.HTMLEscapeString(s.in.Text(message)))
	}
	if s.said == nil {
		s.said = map[string]template.HTML{}
	}
	s.said[message] = inBoth(message)
	return s.said[message]
}

// inBoth is a message, in both languages where it is one of this program.
func inBoth(message string) template.HTML {
	chinese := language.Chinese.Text(message)
	if chinese == message {
		return template.HTML(template.HTMLEscapeString(message))
	}
	return both(message, chinese)
}

// omitted says why a piece of a README is not seen.
var omitted = map[readme.Kind][2]string{
	readme.HTML:    {"HTML", "HTML 标签"},
	readme.Picture: {"a picture without an http(s) address", "图片不是 http(s) 地址"},
	readme.Link:    {"a link that leads nowhere in the console", "链接在控制台中无法打开"},
}
