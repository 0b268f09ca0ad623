package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
)

// say is a text of the page in its language, with values in it.
func (p *printer) say(text string, values ...any) string {
	if p.chinese {
		text = p.inChinese(text)
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// rulesPage is the page on rules, in the language of this one.
func (p *printer) rulesPage() string {
	if p.chinese {
		return "rules.zh.md"
	}
	return "rules.md"
}

func (p *printer) inChinese(text string) string {
	if translated, ok := pageInChinese[text]; ok {
		p.used[text] = true
		return translated
	}
	if translated := language.Chinese.Word(text); translated != text {
		return translated
	}
	p.missing = append(p.missing, text)
	return text
}

// complete is an error that has the texts without a translation, and the translations of no text.
func (p *printer) complete() error {
	for text := range pageInChinese {
		if !p.used[text] {
			p.missing = append(p.missing, "(the page does not say this) "+text)
		}
	}
	if len(p.missing) == 0 {
		return nil
	}
	slices.Sort(p.missing)
	return fmt.Errorf("schema/generate/zh.go (for comments of internal/configfile) or the catalog of internal/language has to have in Chinese:\n%s", strings.Join(slices.Compact(p.missing), "\n"))
}

// pageInChinese are the texts of docs/configuration.md that the program does not print: comments of
// internal/configfile, and the words between them. What it prints has the catalog.
var pageInChinese = map[string]string{
	"| key | value | default |":             "| 键 | 值 | 默认值 |",
	", ":                                    "、",
	"each rule: %s":                         "每条规则：%s",
	"[each its own](#%s)":                   "[各不相同](#%s)",
	"- value: %s\n- default: %s":            "- 值：%s\n- 默认值：%s",
	"- value of each: %s":                   "- 每条规则的值：%s",
	"| rule | default | what it asks for |": "| 规则 | 默认级别 | 要求 |",
	"## Keys":                               "## 键",
	"## Codes\n":                            "<a id=\"codes\"></a>\n\n## 问题代码\n",
	"| code | what is wrong |":              "| 问题代码 | 问题 |",
	"string":                                "字符串",
	"boolean":                               "布尔值",
	"string or integer":                     "字符串或整数",
	"list of strings":                       "字符串列表",
	"list of commands, as in [`before`](#before)": "命令列表，写法同 [`before`](#before)",
	"whole number from %s to %s":                  "%s 到 %s 的整数",
	"none: it must be given":                      "无（必须设置）",
	"none":                                        "无",

	"Version of the config's format. A later ksrelease that reads another format still reads this one by its number.":             "配置文件格式的版本。以后的 ksrelease 如果读取另一种格式，仍会根据这个数字读取现在的格式。",
	"The marketplace that extensions are pushed to.":                                                                              "推送扩展组件的扩展市场。",
	"Address of the KubeSphere Cloud API. The API key never stands here: it comes from KSRELEASE_TOKEN, or from ksrelease login.": "KubeSphere Cloud API 的地址。令牌绝不写在这里：它来自 KSRELEASE_TOKEN 或 ksrelease login。",
	"A file with certificates of authorities (PEM) that may have signed the server's certificate, besides the authorities of the system; relative to the folder of the config. They are trusted for this server alone. An empty value names no file.": "存放证书颁发机构证书（PEM）的文件，除系统信任的颁发机构外，服务端证书也可以由它们签发；相对于配置文件所在的目录。只对该服务端信任它们。空值表示没有文件。",
	"The Helm repository in which releases appear.": "已发布的版本所在的 Helm 仓库。",
	"Address of the Helm repository; its index.yaml is asked which versions exist. A user and password, where it needs them, come from KSRELEASE_REPOSITORY_USERNAME and KSRELEASE_REPOSITORY_PASSWORD.":                                                                                                    "Helm 仓库的地址；有哪些版本，从它的 index.yaml 查询。需要用户名和密码时，取自 KSRELEASE_REPOSITORY_USERNAME 和 KSRELEASE_REPOSITORY_PASSWORD。",
	"As cloud.ca_file, for this server. Charts that extensions depend on are downloaded from it with these authorities, too.":                                                                                                                                                                               "同 cloud.ca_file，用于该服务端。下载扩展组件所依赖的 Chart 时，也使用这些颁发机构。",
	"What is to be released. An extension that several entries match takes the settings of the last of them.":                                                                                                                                                                                               "要发布的内容。扩展组件与多个条目匹配时，采用其中最后一个条目的设置。",
	"Where the extensions are: each directory with an extension.yaml and each package .tgz that matches. *, ?, [a-z], {a,b} and ** (any number of directories) may be used. A relative path starts at the folder of the config; absolute ones and .. are allowed. A path that matches nothing is an error.": "扩展组件的位置：匹配的每个带 extension.yaml 的目录和每个 .tgz 安装包。可以使用 *、?、[a-z]、{a,b} 和 **（任意多级目录）。相对路径从配置文件所在的目录开始；可以使用绝对路径和 ..。没有任何匹配的路径是错误。",
	"What to leave out of path, in the same form. A directory leaves out all below it. One that matches nothing is an error.":                                                                                                                                                                               "从 path 中排除的内容，写法相同。排除一个目录即排除其下全部内容。没有匹配任何内容的 exclude 是错误。",
	"Commands to run for each of these extensions before it is read, in its own folder, after those at the top of the file. A command that fails ends that extension.":                                                                                                                                      "读取这些扩展组件之前，在各自的目录中逐个执行的命令，排在文件顶层的命令之后。命令失败，该扩展组件即告结束。",
	"Commands to run for each of these extensions when all have ended, before those at the top of the file.":                                                                                                                                                                                                "全部扩展组件结束之后，为这些扩展组件逐个执行的命令，排在文件顶层的命令之前。",
	"Commands to run once before anything is read: to bring in an upstream chart, to generate files. What they write is part of the extensions. An item is the command alone, or a mapping with the keys below. Real runs and ksrelease package run them; everything else does only with --hooks, as they are commands of the repository. docs/monorepo.md says what they find in their environment. A command that fails ends the run before anything is sent.": "读取任何内容之前执行一次的命令：用于引入上游 Chart、生成文件。命令写出的内容属于扩展组件。每一项是命令本身，或使用下列键的映射。实际运行和 ksrelease package 会执行它们；其他命令只有加 --hooks 才会执行，因为它们是 Git 仓库里的命令。docs/monorepo.zh.md 说明命令可用的环境变量。命令失败，运行随即结束，此时没有发送任何内容。",
	"What the shell runs (sh -e -c). ${NAME} is left to the shell here.":                                                                                                                                                                 "shell 执行的命令（sh -e -c）。这里的 ${NAME} 留给 shell 处理。",
	"The folder to run it in, relative to that of the config; otherwise the folder of the extension, or at the top that of the config.":                                                                                                  "执行命令的目录，相对于配置文件所在的目录；不设置时是扩展组件的目录，顶层命令则是配置文件所在的目录。",
	"How long it may take. Then it is ended with all that it started, and has failed.":                                                                                                                                                   "最长可以执行多久。超时后，命令及其启动的全部进程都被终止，命令算失败。",
	"Variables of the environment that it gets, although they look like secrets, by their names; NAME=value sets one.":                                                                                                                   "按名称看像敏感信息、但仍传给命令的环境变量；NAME=value 则设置一个环境变量。",
	"Commands to run once when all extensions have ended, however they did: to clean up. One that fails is a warning. The items are those of before.":                                                                                    "全部扩展组件结束之后执行一次的命令，无论结果如何：用于清理。命令失败是警告。各项的写法与 before 相同。",
	"How extensions are checked before anything else happens.":                                                                                                                                                                           "在其他一切之前，怎样检查扩展组件。",
	"Severity of each rule: off does not run it, info and warning report, error keeps the extension from being released. Rules that are not named keep their default. docs/rules.md and ksrelease lint --explain RULE say more of each.": "每条规则的级别：off 不运行该规则，info 和 warning 只报告，error 使扩展组件不能发布。没有写出的规则保持默认级别。每条规则的详细说明见 docs/rules.zh.md 和 ksrelease lint --explain RULE。",
	"How long it may take to look at one extension: its templates are rendered for that. One that takes longer fails, with the template or rule that was at work, and the others go on.":                                                 "检查一个扩展组件最长用时：检查时会渲染它的模板。超时的扩展组件失败，并说明当时在处理哪个模板或规则；其他扩展组件继续。",
	"How much memory it may take to look at one extension, as a number of bytes or with a unit, as in size.limit; at least 64 MiB. One that takes more fails, as with timeout.":                                                          "检查一个扩展组件最多使用多少内存，写成字节数或带单位，与 size.limit 相同；至少 64 MiB。超出的扩展组件失败，与 timeout 相同。",
	"How packages are made.": "怎样打包。",
	"Folder for the packages that ksrelease package and run leave, relative to the folder of the config. It is never packed, and wildcards do not lead into it.": "存放 ksrelease package 和 run 生成的安装包的目录，相对于配置文件所在的目录。它不会打进安装包，通配符也不会进入其中。",
	"How large a package may be.": "安装包可以有多大。",
	"The largest package that may be pushed, as a number of bytes or with a unit: KiB, MiB and GiB are powers of 1024, KB, MB and GB powers of 1000. KubeSphere keeps packages in Kubernetes objects, which hold about 1 MiB.": "可以推送的最大安装包，写成字节数或带单位：KiB、MiB 和 GiB 是 1024 的幂，KB、MB 和 GB 是 1000 的幂。KubeSphere 把安装包保存在 Kubernetes 资源对象里，其上限约为 1 MiB。",
	"What happens where a version is in the marketplace already.":                                                                                                                                                "版本已在扩展市场中时怎样处理。",
	"A version that exists with the same content: skip it, or fail. Nothing is sent in either case.":                                                                                                             "已存在且内容相同的版本：跳过（skip），或失败（fail）。两种情况都不发送任何内容。",
	"A version that exists with other content: fail, or warn and exit with 0, which suits scheduled runs on a branch where work goes on. Nothing is sent in either case.":                                        "已存在但内容不同的版本：失败（fail），或警告并以 0 退出（warn），后者适合在仍在开发的分支上定时运行。两种情况都不发送任何内容。",
	"A package with files that are not as they were committed: changed, not added, or ignored by git. Fail, warn, or allow it. Where nothing is set it fails in a CI (the variable CI is true), and else warns.": "安装包中有文件与提交的内容不一致：有修改、没有加入 Git，或被 Git 忽略。可以失败（fail）、警告（warn）或允许（allow）。不设置时，在 CI 中（变量 CI 为 true）失败，其他情况下警告。",
	"What a release waits for.": "发布等待什么。",
	"What a release waits for: indexed, until the version can be downloaded from the Helm repository; active, until it has been reviewed besides.":                                              "发布等待什么：indexed，等到可以从 Helm 仓库下载该版本；active，还要等到审批完毕。",
	"How long to wait for it. What is not seen by then ends as unverified.":                                                                                                                     "最多等待多久。到时仍未看到的，结果为 unverified。",
	"What is asked of the images that extensions use, and where they are copied to.":                                                                                                            "对扩展组件使用的镜像有什么要求，以及把它们复制到哪里。",
	"Whether each image that an extension uses has to be in its registry: the severity of the rule image-exists in a run. off asks no registry. What lint.rules says of that rule counts more.": "扩展组件使用的每个镜像是否必须在其镜像仓库中：即运行时规则 image-exists 的级别。off 不询问任何镜像仓库。lint.rules 对该规则的设置优先。",
	"The platforms for which it has to be there, and which are mirrored. Without it, any platform suffices, and all are mirrored.":                                                              "镜像必须支持、并且会复制的平台。不设置时，有任意一个平台即可，复制则包含所有平台。",
	"Where images are copied to before an extension is released.":                                                                                                                               "发布扩展组件之前，把镜像复制到哪里。",
	"The registry, and the path below which images are copied to.":                                                                                                                              "镜像仓库，以及镜像复制到其中的哪个路径之下。",
	"The platforms to copy, in place of images.platforms.":                                                                                                                                      "要复制的平台，代替 images.platforms。",
	"What stands below to: {host} is the registry of an image, {path} its name there (library/nginx of nginx), {name} the last part of that.":                                                   "to 之下的名称：{host} 是镜像所在的镜像仓库，{path} 是镜像在那里的名称（nginx 是 library/nginx），{name} 是其最后一段。",
	"As cloud.ca_file, for this registry.":                                                                                                                                                      "同 cloud.ca_file，用于该镜像仓库。",
	"Ask it by http and not by https.":                                                                                                                                                          "以 http 而不是 https 访问。",
	"The places to release to. Each gets the same packages, and has an outcome of its own for each extension; without it, the marketplace alone. docs/targets.md has each kind.":                "要发布到的各处。各处得到同样的安装包，每个扩展组件在每一处各有结果；不设置时只有扩展市场。docs/targets.zh.md 说明每一种类型。",
	"What the place is. The other keys go by it.":                                                                                                                                               "发布目标的类型。其他的键取决于它。",
	"The name by which the target is known: to --target, in reports, and in the variables KSRELEASE_NAME_USERNAME, _PASSWORD and _TOKEN, which hold what it asks for (the name in capitals there, with _ in place of -). Without one it has that of its kind.": "发布目标的名称，用于 --target、报告，以及存放其登录凭据的变量 KSRELEASE_NAME_USERNAME、_PASSWORD 和 _TOKEN（其中的名称用大写，- 换成 _）。不设置时与类型同名。",
	"The marketplace and the Helm repository of cloud and repository: KubeSphere Cloud. There is one at most.":                                                                                                                                                 "cloud 和 repository 指定的扩展市场和 Helm 仓库：KubeSphere Cloud。最多一个。",
	"A folder as a static Helm repository: packages and index.yaml, for any web server, a mount of object storage, or a branch of git.":                                                                                                                        "作为静态 Helm 仓库的目录：安装包和 index.yaml，可用于任何 Web 服务器、对象存储的挂载点，或 Git 分支。",
	"The folder, relative to that of the config.": "目录，相对于配置文件所在的目录。",
	"The address at which others see the folder, or its path on their host (/charts), for the URLs of its index.yaml. Without it they are relative. Helm resolves those against the address of index.yaml, and KubeSphere against its host alone: a repository that is not at the top of its host needs the key.": "他人访问该目录的地址，或它在其主机上的路径（/charts），用于索引中的 URL。不设置时使用相对地址。Helm 相对于 index.yaml 的地址解析它们，KubeSphere 只相对于其主机解析：不在主机顶层的 Helm 仓库需要这个键。",
	"A branch of git that is the folder, in place of path: what is new is committed and pushed.": "代替 path，以 Git 分支作为目录：新内容会提交并推送。",
	"The branch. One that is not there yet begins without files.":                                "分支。尚不存在时，新分支从没有文件的状态开始。",
	"The name of a remote of the repository, or the address of another one.":                     "Git 仓库的远程名称，或另一个 Git 仓库的地址。",
	"The folder on the branch; without it, its top.":                                             "分支上的目录；不设置时为其顶层。",
	"The title of the commits. Without it, they name the versions.":                              "提交的标题。不设置时，标题写明版本。",
	"A ChartMuseum.": "ChartMuseum。",
	"Its address, with the names of its tenants where it has several (--depth).":                                                                                             "它的地址；有多个租户（--depth）时包含租户的名称。",
	"As cloud.ca_file, for this server.":                                                                                                                                     "同 cloud.ca_file，用于该服务端。",
	"How late its index.yaml may be, where the server keeps one (--cache-interval): verify asks no sooner.":                                                                  "服务端缓存 index.yaml（--cache-interval）时，它最多滞后多久：验证阶段不会更早询问。",
	"A registry, in which extensions are as helm push writes charts.":                                                                                                        "镜像仓库，扩展组件在其中的形式与 helm push 写入的 Chart 相同。",
	"The registry and the path below which each extension is a repository. User and password may also come from docker's config.json and credential helpers.":                "镜像仓库，以及一个路径，每个扩展组件是该路径之下的一个 repository。用户名和密码也可以来自 docker 的 config.json 和凭据助手（credential helper）。",
	"Ask by http and not by https. A registry on this machine (localhost, 127.0.0.1) needs no word of it.":                                                                   "以 http 而不是 https 访问。本机的镜像仓库（localhost、127.0.0.1）不需要设置。",
	"An image of a Helm repository with the packages inside, such as the one that KubeSphere runs on each cluster.":                                                          "含有安装包的 Helm 仓库镜像，例如 KubeSphere 在每个集群中运行的那个。",
	"Where the image is pushed to, each with a tag.":                                                                                                                         "镜像推送到哪里，每项都带标签。",
	"The image that it is built on, or scratch, where ksrelease itself serves the packages.":                                                                                 "构建时所用的基础镜像；或 scratch，此时由 ksrelease 自身提供安装包。",
	"For base: scratch, a folder with the program for platforms other than that of the ksrelease that runs, as ksrelease-linux-arm64; relative to the folder of the config.": "用于 base: scratch：一个目录，存放其他平台（与正在运行的 ksrelease 不同）的程序，例如 ksrelease-linux-arm64；相对于配置文件所在的目录。",
	"The platforms of the image.":                                                           "镜像的平台。",
	"Whether versions such as 1.2.0-rc.1 are in it.":                                        "是否包含 1.2.0-rc.1 这样的版本。",
	"As cloud.ca_file, for the registries of images and base.":                              "同 cloud.ca_file，用于 images 和 base 的镜像仓库。",
	"As with the kind oci, for the registries of images and base.":                          "与 oci 类型相同，用于 images 和 base 的镜像仓库。",
	"Manifests of Extension, ExtensionVersion and ConfigMap, for kubectl apply and GitOps.": "Extension、ExtensionVersion 和 ConfigMap 的资源清单，供 kubectl apply 和 GitOps 使用。",
	"A file for each extension, or one for all.":                                            "每个扩展组件一个文件（each），或全部写入一个文件（one）。",
	"A command of the project.":                                                             "项目自己的命令。",
	"What the shell runs (sh -e -c) for each request, in the folder of the config. ${NAME} is left to the shell here. docs/targets.md says what it gets and answers.": "shell 为每个请求执行的命令（sh -e -c），在配置文件所在的目录中执行。这里的 ${NAME} 留给 shell 处理。它得到什么、应答什么，见 docs/targets.zh.md。",
	"As before.env.":         "同 before.env。",
	"A service of your own.": "你自己的服务。",
	"The address that each request is sent to. It is never printed where it comes from a variable.": "每个请求发送到的地址。取自变量时，绝不打印。",
	"The key with which requests are signed, from a variable of the environment.":                   "为请求签名的密钥，取自环境变量。",
	"How long a request may take.": "一个请求最长用时。",
	"What packages are signed with. docs/proofs.md says what is published where, and how it is verified.": "为安装包签名所用的密钥。什么发布在哪里、怎样验证，见 docs/proofs.zh.md。",
	"A file with an OpenPGP private key, as gpg --export-secret-keys writes it, armored or not; relative to the folder of the config. Packages get provenance files (.prov), as helm package --sign makes them. A passphrase comes from KSRELEASE_PGP_PASSPHRASE. An empty value names no file.": "存放 OpenPGP 私钥的文件，由 gpg --export-secret-keys 写出，是否 armored 均可；相对于配置文件所在的目录。安装包会有来源证明文件（.prov），与 helm package --sign 生成的相同。口令来自 KSRELEASE_PGP_PASSPHRASE。空值表示没有文件。",
	"A file with a private key in PEM without a passphrase: ECDSA, Ed25519 or RSA, as openssl genpkey writes it. Packages get signatures (.sig), as cosign sign-blob makes them, and what is pushed to a registry those of cosign sign. An empty value names no file.":                           "存放 PEM 私钥的文件，没有口令：ECDSA、Ed25519 或 RSA，由 openssl genpkey 写出。安装包会有签名（.sig），与 cosign sign-blob 生成的相同；推送到镜像仓库的内容有 cosign sign 的签名。空值表示没有文件。",
	"How git tags mean versions of extensions.": "Git 标签怎样对应扩展组件的版本。",
	"The forms of tags, in place of those that are built in: {name}/v{version}, {name}/{version} and {name}-{version}. A tag may have any of them; the first is that of the tags that ksrelease tag makes. A pattern without {name} is for a project with one extension.": "标签的形式，代替内置的形式：{name}/v{version}、{name}/{version} 和 {name}-{version}。标签可以采用其中任意一种；第一种用于 ksrelease tag 创建的标签。不含 {name} 的形式用于只有一个扩展组件的项目。",
	"Where it is announced what a run has released.": "在哪里通知一次运行发布了什么。",
	"The service. webhook is sent data as JSON, the others a message in the form of the chat: docs/monorepo.md has both. Lark is feishu.":                                                      "服务的类型。向 webhook 发送 JSON 数据，向其他类型发送相应聊天软件格式的消息：两者都见 docs/monorepo.zh.md。Lark 用 feishu。",
	"Address of the webhook. Whoever has it can write to the chat: take it from a variable of the environment. It is never printed.":                                                           "webhook 的地址。得到它的人都能向该群聊发消息：请从环境变量中取。它绝不会打印出来。",
	"The key with which messages are signed, for webhook, feishu and dingtalk, from a variable of the environment.":                                                                            "为消息签名的密钥，用于 webhook、feishu 和 dingtalk，取自环境变量。",
	"The language of the CHANGELOG that is quoted, such as zh. Where there is none, English takes its place, as in KubeSphere.":                                                                "引用 CHANGELOG 时的语言，例如 zh。没有该语言时用英文代替，与 KubeSphere 相同。",
	"Names of the extensions whose releases are announced; without it, of all.":                                                                                                                "只通知这些扩展组件的发布，写名称；不设置时通知全部。",
	"What is kept of earlier commands, so that they need not find it out again. It changes no result. docs/performance.md says what is kept, and where.":                                       "为免重复查找而保留的、先前命令的结果。它不改变任何结果。保留什么、在哪里，见 docs/performance.zh.md。",
	"How much it takes on the disk, as a number of bytes or with a unit, as in size.limit; at least 1 MiB. What was not used for longest is removed first. KSRELEASE_CACHE_LIMIT counts more.": "最多占用多少磁盘空间，写成字节数或带单位，与 size.limit 相同；至少 1 MiB。最久未使用的先删除。KSRELEASE_CACHE_LIMIT 优先。",
	"A place that shares the cache with other machines: the absolute path of a folder outside of the project, such as a mount, or oci:// with a registry and a repository. It is only read, where KSRELEASE_CACHE_REMOTE_MODE is not write. Whoever may write to it is trusted with the results of lint. An empty value names none. KSRELEASE_CACHE_REMOTE counts more.": "与其他机器共享缓存的地方：项目之外某个目录（例如挂载点）的绝对路径，或 oci:// 加镜像仓库和 repository。除非 KSRELEASE_CACHE_REMOTE_MODE 为 write，否则只读。能写入它的人，其检查结果会被采信。空值表示不使用。KSRELEASE_CACHE_REMOTE 优先。",
	"How many extensions are worked on at once.": "同时处理多少个扩展组件。",
}

const introductionInChinese = `<!-- Made by "go generate ./schema" from internal/configfile, the rules of internal/lint and schema/generate/zh.go; change it there. -->
# 配置文件

[English](configuration.md)

` + "`.ksrelease.yaml`" + ` 位于 Git 仓库的顶层。ksrelease 在工作目录及其上级目录中查找它；` + "`--config FILE`" + ` 指定另一个文件。
在 Git 工作树中，查找不超出其顶层；在其他地方，位于工作目录之上的配置文件必须属于你本人或 root。
配置文件是不超过 8 MiB 的普通文件；如果是链接，必须指向工作树之内（没有工作树时，指向其自身所在的目录之内）。
其中的相对路径从它自身所在的目录开始；可以使用绝对路径和 ` + "`..`" + `。

最小的配置文件：

` + "```yaml" + `
version: 1
extensions:
  - path: extensions/*
` + "```" + `

- 字符串值中的 ` + "`${NAME}`" + ` 替换为环境变量 NAME 的值；变量没有设置则报错。` + "`${NAME:-default}`" + ` 在 NAME 没有设置或为空时采用默认值，
  ` + "`${NAME-default}`" + ` 只在没有设置时采用；默认值里可以有引用，花括号须成对，或写成 ` + "`\\}`" + `。` + "`$$`" + ` 表示一个美元符号；
  其他的 ` + "`$`" + ` 保持原样。键、数字和注释不作替换。
- 变量的值不会打印：信息中显示的是引用的原文。
- 令牌和密码绝不写在文件里，而是存放在 ` + "`KSRELEASE_TOKEN`、`KSRELEASE_REPOSITORY_USERNAME` 和 `KSRELEASE_REPOSITORY_PASSWORD`" + ` 中；
  发布目标 NAME 的存放在 ` + "`KSRELEASE_NAME_USERNAME`、`_PASSWORD` 和 `_TOKEN`" + ` 中。这些变量、代理的地址，
  以及与其中之一的值相同的变量，都不能引用。
- 未知的键、重复的键、第二个文档和类型不对的值都是错误，一次运行全部报告，附行号和列号。
- 扩展组件与多个条目匹配时，采用其中最后一个条目的设置。两个扩展组件的名称和版本都相同是错误；
  同一名称的多个版本（例如存放安装包的目录）依次发布，从最低的版本开始。
- 通配符不进入 ` + "`.git`、`node_modules`、`.ksrelease`" + `、输出目录和扩展组件的 ` + "`charts`" + `；路径中明确写出其中之一时，则按所写的处理。
  含有 ` + "`**`" + ` 的模式不跟随指向目录的链接。无权读取的目录是错误，除非已排除；
  模式略过的指向扩展组件的链接和没有检出的 Git 子模块是警告。
- 编辑器可以用它的 [JSON Schema](../schema/ksrelease.schema.json) 检查和补全，` + "`ksrelease schema`" + ` 会打印该 Schema：
  把 ` + "`# yaml-language-server: $schema=FILE-OR-URL`" + ` 写在文件的第一行。

` + "[.ksrelease.example.yaml](../.ksrelease.example.yaml)" + ` 列出除规则之外的所有键，规则只列出一部分。

## 概览
`

const closingInChinese = `## 单个条目的设置

` + "`lint`、`package`、`size`、`push`、`verify` 和 `images`" + ` 也可以写在 ` + "`extensions`" + ` 的某一项里，其下的键相同。
该条目的设置只对它的扩展组件有效；没有设置的取自文件顶层，逐个键合并，` + "`lint.rules`" + ` 则逐条规则合并：

` + "```yaml" + `
extensions:
  - path: extensions/*
  - path: extensions/vector
    lint:
      rules:
        images: "off"
    size:
      limit: 512KiB
` + "```" + `
`

const codesInChinese = "配置文件和基线中的每种错误都有问题代码。报错信息换了说法，问题代码也不变。报告中它是 `code`，报错信息中写在括号里。\n" +
	"在两者之外的文件中，同样的错误是 `yaml/syntax` 等。\n"
