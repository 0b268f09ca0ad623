package language

import "testing"

// TestMessagesOfRuns: messages as a run makes them, from several parts, with the program's own catalog.
func TestMessagesOfRuns(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"a request", "reading the index of the Helm repository: connection refused (GET http://127.0.0.1:1/index.yaml, 5 attempts)",
			"读取 Helm 仓库的索引: 连接被拒绝（GET http://127.0.0.1:1/index.yaml，共尝试 5 次）"},
		{"what was done, in another order, and why it failed", "the marketplace refused the API key: asking for version 1.0.0 of alc: 401 Unauthorized: the key has expired (GET http://x.y/versions/1.0.0)",
			"扩展市场拒绝了令牌: 查询 alc 的版本 1.0.0: 401 Unauthorized: the key has expired（GET http://x.y/versions/1.0.0）"},
		{"an addition", "museum: reading the index of the Helm repository: 502 Bad Gateway, trying again in 100ms, 2 of 5",
			"museum: 读取 Helm 仓库的索引: 502 Bad Gateway，将在 100ms 后重试，第 2 次，共 5 次"},
		{"a list of short messages", "1.2.0 is there with other content (a.yaml: name differs, b.yaml is new, c.yaml is new, and 11 more): bump version in extension.yaml, by ksrelease bump alc --patch",
			"1.2.0 已存在，但内容不同 (a.yaml: name 不同, b.yaml 是新增的, c.yaml 是新增的，以及另外 11 个)：用 ksrelease bump alc --patch 升级 extension.yaml 中的版本号"},
		{"a cause in a list", "1.2.0 is there with other content (which files differ is not known: the command says no more of it): bump version in extension.yaml, by ksrelease bump alc --patch",
			"1.2.0 已存在，但内容不同 (无法得知哪些文件不同: 命令没有提供更多信息)：用 ksrelease bump alc --patch 升级 extension.yaml 中的版本号"},
		{"a field in quotes", `"version" is 2, but the only version of the config so far is 1`, `"version" 的值是 2，但目前配置文件的唯一版本是 1`},
		{"a flag in front", `--shards: it must be a whole number from 1 to 256, not "0"`, `--shards: 必须是 1 到 256 的整数，不能是 "0"`},
		{"types", `"category" must be a string, not a list (schema/invalid-value)`, `"category" 须为字符串，而不是列表 (schema/invalid-value)`},
		{"an octal number", "/x/c.json holds an API key and can be read by others (mode 0644): run `chmod 600 /x/c.json`", "/x/c.json 含有令牌，且其他人可以读取（权限 0644）：运行 `chmod 600 /x/c.json`"},
	}
	for _, test := range tests {
		if got := Chinese.Text(test.message); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, got, test.want)
		}
	}
}
