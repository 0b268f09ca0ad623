package main

var rulesInChinese = ruleWords{
	introduction: rulesIntroductionZh, use: rulesUseZh, parity: rulesParityZh,
	codes: "| 问题代码 | 含义 |\n| --- | --- |\n",
	rules: "| 规则 | 默认级别 | 要求 |\n| --- | --- | --- |\n",
	rule:  "*%s*（默认：`%s`）\n\n**为什么。** %s\n\n**如何修正。** %s\n\n**依据。** %s\n\n**能发现的问题。**\n\n",
}

const rulesIntroductionZh = `<!-- Made by "go generate ./schema" from the rules of internal/lint and the catalog of internal/language; change it there, or in schema/generate/rules_zh.go. -->
# 规则

[English](rules.md)

` + "`ksrelease lint`" + ` 用这些规则检查扩展组件，` + "`ksrelease run`" + ` 对将要发布的扩展组件也这样检查：内容相同且已存在的版本不再检查。` + "`ksrelease lint --explain RULE`" + ` 会打印本页对某条规则的说明。

<a id="codes"></a>
## 问题代码

每个检查结果都有一个问题代码 ` + "`RULE/WHAT`" + `，例如 ` + "`images/unlisted`" + `。下一个版本可能换一种措辞，问题代码不变。问题代码出现在 ` + "`lint` 和 `check`" + ` 的文本输出、结果文档（` + "`findings[].code`" + `）、SARIF（` + "`properties.code`" + `，其中 ` + "`ruleId`" + ` 是规则）和基线中，注释也可以引用它们。下文每条规则都列出了自己的问题代码。此外，每条规则都有 ` + "`internal-error`" + `，表示 ksrelease 自身的故障。不由检查规则发现的问题也有代码：配置文件和基线中的错误见 [` + "`configuration`" + ` 的问题代码](configuration.zh.md#codes)，其余的见下表：

`

const rulesUseZh = `
<a id="how-much-a-finding-matters"></a>
## 检查结果的级别

每条规则都有一个级别：` + "`off`" + ` 不运行该规则，` + "`info` 和 `warning`" + ` 只报告，` + "`error`" + ` 则阻止该扩展组件发布。可以在配置文件中为全部或部分扩展组件逐条设置（见 [lint.rules](configuration.zh.md#lintrules)）：

` + "```yaml" + `
version: 1
extensions:
  - path: extensions/*
  - path: extensions/vector
    lint:
      rules:
        images: error
lint:
  rules:
    node-selector: "off"
` + "```" + `

` + "`ksrelease lint --strict`" + ` 不放过任何有警告的扩展组件。

<a id="many-findings"></a>
## 检查结果很多时

检查结果超过 20 个时，按问题代码分组，最严重的在前：错误先于警告，密钥先于一切，然后按数量排列。每个代码最多显示三个错误或一个警告，另有一行说明还有多少个、在哪些扩展组件中：

` + "```" + `
  … and 28 more of node-selector/not-obeyed: devops 15, cert-manager 5, opensearch 4, vector 2, metrics-server, oceanbase-dashboard
` + "```" + `

` + "```sh" + `
ksrelease lint --all         # 每个检查结果，按扩展组件的顺序
ksrelease lint --quiet       # 只有错误；一切正常时没有输出
` + "```" + `

报告和 ` + "`--output json`" + ` 包含每一个检查结果。

<a id="silence-a-finding"></a>
## 屏蔽检查结果

在问题所在行的末尾或紧挨着的上一行写一条注释，就会屏蔽某条规则在此处的检查结果。注释要写明原因：

` + "```yaml" + `
images:
  - docker.io/example/wrapper:1.0.0 # ksrelease:ignore images the operator starts it
` + "```" + `

- 多条规则用逗号分隔：` + "`# ksrelease:ignore images, image-registry the reason`" + `。
- 用问题代码代替规则，则只屏蔽该代码的检查结果：` + "`# ksrelease:ignore images/unused the reason`" + `。
- 在模板中也可以用不会被渲染的模板注释：` + "`{{/* ksrelease:ignore images the reason */}}`" + `。
- 写在文件最开头（其他内容之前）的注释，还会屏蔽该文件中没有行号的检查结果。写在 extension.yaml 最开头的注释，还会屏蔽无法写注释的文件中的检查结果：图片、打包的子 Chart、README.md。
- 没有写明原因的注释不起作用。这种注释、引用了不存在的规则的注释，以及什么也没有屏蔽的注释，都由规则 [` + "`ignore`" + `](#ignore) 报告。
- 被屏蔽的检查结果不出现在任何报告中；` + "`ksrelease lint`" + ` 会说明有多少个。
- 注释是扩展组件的一部分：给已发布的版本加注释就是内容不一致，与其他修改一样。下面的基线不修改任何扩展组件。

<a id="start-with-an-old-repository"></a>
## 从旧仓库开始

` + "`ksrelease lint --write-baseline`" + ` 把当前的所有检查结果视为已知，写入配置文件旁边的 ` + "`.ksrelease.baseline.yaml`" + `，请将其提交到仓库。此后 ` + "`lint`、`run`、`package`、`status` 和 `check`" + ` 都会读取它：其中的检查结果不再报告，也不会导致失败，不论级别；` + "`lint`" + ` 会给出它们的数量（` + "`12 in the baseline`" + `），结果文档也是如此。新的检查结果照常报告。

- 检查结果由扩展组件、问题代码、文件和对象确定，对象是所涉及的镜像、资源对象或字段的名称。其中没有行号，所以代码可以移动；也没有消息，所以新版本的 ksrelease 可以换用其他措辞。出现两次的检查结果会记录次数，第三个就是新的。
- 在有问题代码之前，该文件是版本 1，其中是消息。它仍可读取，其中的检查结果仍视为已知；` + "`lint --write-baseline`" + ` 会用问题代码重写它们。
- 检查结果修正之后，` + "`lint`" + ` 会说明有多少个已不存在。再次写入基线就会删除它们；带路径或 ` + "`--only`" + ` 时只重写这些扩展组件，其他的保持不变。如果一个也不剩，则删除该文件。
- 无法读取的扩展组件会掩盖自己的检查结果：此时不写入任何内容。
- 该文件中的错误与配置文件中的错误一样报告：给出位置，退出码为 2。

<a id="rules-at-a-glance"></a>
## 规则一览

`

const rulesParityZh = `
<a id="compared-to-ksbuilder-lint"></a>
## 与 ksbuilder lint 的比较

` + "`ksbuilder lint`" + ` v0.4.5 在六个真实的扩展组件上运行过，并有测试把 ksrelease 与其输出对照：它报告的关于名称、` + "`images`、`global.imageRegistry`" + ` 和 ` + "`global.nodeSelector`" + ` 的每个问题，这里也都会报告。没有哪个问题是它报告而 ksrelease 不报告的。

它自身的判断有误之处，ksrelease 不照做：

| ksbuilder v0.4.5 | ksrelease |
| --- | --- |
| 把镜像当作渲染结果文本的一部分来查找，因此会在 ` + "`nginx:1.10`" + ` 中找到 ` + "`nginx:1.1`" + ` | 比较解析后的镜像引用 |
| 报告已列出但未使用的镜像，不报告正在使用但未列出的镜像 | 两者都报告 |
| 只凭 kind 识别工作负载，遇到其他 API 组的 Job、没有镜像的容器、带 ` + "`generateName`" + ` 的资源对象会崩溃 | 识别 API 组，并报告无法读取的内容 |
| 打印 ERROR，退出码却是 0 | 错误就是错误：退出码为 1 |
| 只有 ` + "`helm test`" + ` 才会创建的内容、没有节点选择器的 DaemonSet、等待启用的镜像，与其他问题一样报告 | 前两者不报告；等待启用的镜像作为提示报告 |
| 用发布名称 ` + "`undefined`" + ` 渲染 | 用 KubeSphere 安装时的名称和命名空间渲染 |

<a id="the-rules"></a>
## 全部规则
`
