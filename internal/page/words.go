package page

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/ksrelease/ksrelease/internal/page/readme"
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
func against(label string) template.HTML {
	for english, chinese := range map[string]string{"the published version ": "已发布版本 ", "the package ": "安装包 "} {
		if rest, ok := strings.CutPrefix(label, english); ok {
			return both(label, chinese+rest)
		}
	}
	return both(label, label)
}

// words are the names that results have, in Chinese.
var words = map[string]string{
	"released": "已发布", "planned": "计划发布", "linted": "已检查", "packed": "已打包", "exists": "已存在", "drift": "内容不一致", "blocked": "被阻止",
	"failed": "失败", "unverified": "未验证", "not-reached": "未执行", "left-out": "不适用",
	"lint": "检查", "package": "打包", "upload": "上传", "size": "大小", "push": "推送", "verify": "验证", "before": "前置", "after": "后置",
	"ok": "完成", "started": "未完成", "skipped": "跳过",
	"error": "错误", "warning": "警告", "info": "提示",
	"added": "新增", "removed": "删除", "changed": "修改", "line-ends": "换行符",
	"API definitions": "API 定义（CRD）", "Objects": "资源对象", "Rights (permissions.yaml)": "权限（permissions.yaml）", "Images": "镜像", "Values": "配置默认值", "Dependencies": "依赖", "Listing (extension.yaml)": "展示信息（extension.yaml）", "Size of the package": "安装包大小",
}

func chinese(word string) string {
	if known, ok := words[word]; ok {
		return known
	}
	return word
}

// omitted says why a piece of a README is not seen.
var omitted = map[readme.Kind][2]string{
	readme.HTML:    {"HTML", "HTML 标签"},
	readme.Picture: {"a picture without an http(s) address", "图片不是 http(s) 地址"},
	readme.Link:    {"a link that leads nowhere in the console", "链接在控制台中无法打开"},
}
