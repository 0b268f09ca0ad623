package generate

import (
	"math/rand/v2"
	"strings"
)

// words are what texts are made of, the frequent ones first.
var words = strings.Fields(`the a of and to in is for that are with by it as be on or not this which
each pod node cluster service when value values if set name names namespace image default used
extension version container request status controller resource resources volume key time label
labels object policy config secret field list address port server host client log metrics label
from one all may must has have only will can its at new than more after before until no other such
where into under over same between without within every any number of seconds minutes replicas
update create delete watch schedule storage network ingress gateway route backend frontend agent
collector exporter operator webhook certificate issuer token account role binding rule selector
annotation template chart release rollout probe liveness readiness memory limit cpu disk size rate
interval timeout retry backoff queue buffer batch stream topic partition consumer producer broker
index shard replica primary snapshot backup restore archive retention expiry rotation level format
encoding compression checksum digest signature encryption cipher protocol version compatibility
upgrade migration schema table column row query filter sort order aggregate window dashboard panel
alert threshold severity channel receiver notification silence inhibit group tenant quota project
workspace user identity provider session audit event trace span context propagation sampling
latency throughput saturation error budget objective indicator availability region zone topology
affinity toleration taint eviction preemption priority class runtime kernel driver device plugin
proxy mesh sidecar mutual plaintext listener upstream downstream cookie header body path prefix
suffix exact regular expression match rewrite redirect mirror canary weight blue green experiment
feature flag parameter argument option environment variable mount claim access mode reclaim binding
immediate consumer bare metal virtual machine hypervisor accelerator graphics inference model
training dataset notebook pipeline stage step task job cron history cleanup garbage collection
finalizer owner reference generation revision condition reason message transition heartbeat lease
leader election candidate follower quorum consensus journal checkpoint offset commit rollback
transaction isolation lock deadlock starvation throttle burst token bucket sliding fixed`)

// phrases are what Chinese texts are made of.
var phrases = strings.Fields(`集群 节点 服务 配置 命名空间 容器 镜像 扩展组件 日志 监控 告警 存储 网络 网关 路由
证书 密钥 策略 升级 备份 恢复 调度 资源 限制 默认 管理员 租户 项目 工作空间 可以 需要 用于 支持 自动 手动 安装 卸载 查看
指标 采集 查询 控制台 工作负载 弹性伸缩 健康检查 审计 事件 版本 兼容 参数 说明 示例 之后 之前 如果 没有 所有 每个`)

// text is what one extension is written with: its own source of numbers.
type text struct{ *rand.Rand }

// word is one of the frequent words more often than one of the others.
func (t text) word() string {
	return words[min(t.IntN(len(words)), t.IntN(len(words)))]
}

// pick is one of several.
func pick[T any](t text, of []T) T { return of[t.IntN(len(of))] }

// sentence has from four to some twenty words.
func (t text) sentence() string {
	var b strings.Builder
	for i := range 4 + t.IntN(16) {
		w := t.word()
		if i == 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	b.WriteByte('.')
	return b.String()
}

// prose is sentences in lines of at most 96 characters, each behind a prefix, of about so many bytes.
func (t text) prose(size int, prefix string) string {
	var b strings.Builder
	line := prefix
	for b.Len() < size {
		for _, w := range strings.Fields(t.sentence()) {
			if len(line)+1+len(w) > 96 {
				b.WriteString(line + "\n")
				line = prefix
			}
			if line != prefix {
				line += " "
			}
			line += w
		}
	}
	b.WriteString(line + "\n")
	return b.String()
}

// chinese is prose in Chinese, of about so many bytes.
func (t text) chinese(size int) string {
	var b strings.Builder
	for b.Len() < size {
		for range 6 + t.IntN(12) {
			b.WriteString(pick(t, phrases))
		}
		b.WriteString("。")
		if t.IntN(3) == 0 {
			b.WriteByte('\n')
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// camel is the name of a field: two or three words.
func (t text) camel() string {
	name := t.word()
	for range 1 + t.IntN(2) {
		w := t.word()
		name += strings.ToUpper(w[:1]) + w[1:]
	}
	return name
}

// hex is so many hexadecimal digits.
func (t text) hex(digits int) string {
	const alphabet = "0123456789abcdef"
	b := make([]byte, digits)
	for i := range b {
		b[i] = alphabet[t.IntN(16)]
	}
	return string(b)
}
