package main

// zhTalk has what is said on standard error of what was done, and the hints.
var zhTalk = language{
	"%d man pages are in %s":         "%d 个手册页已写入 %s",
	"token %d of user %s is revoked": "用户的令牌 %d（用户 %s）已吊销",
	"node":                           "节点",
	"job":                            "作业",
	"target":                         "目标",
	"tag":                            "标签",
	"user":                           "用户",
	"contact":                        "联系方式",
	"token":                          "令牌",
	"join-token":                     "加入令牌",

	"%s %s is deleted; promfleet %s restore undoes it": "%s %s 已删除；promfleet %s restore 可撤销删除",
	"%s %s is revoked":   "%s %s 已吊销",
	"etag %s":            "etag %s",
	"event %d is undone": "事件 %d 已撤销",
	"note: %s":           "注意：%s",
	"%d of %d shown; more with --all or --cursor %s":                           "显示了 %d 条，共 %d 条；用 --all 或 --cursor %s 查看更多",
	"no nodes; hint: promfleet join-token create, then start an agent with it": "还没有节点；提示：先运行 promfleet join-token create，再用该令牌启动 agent",

	"token %d (%s) for role %s; it is shown this once":                                                        "令牌 %d（%s），角色 %s；仅显示这一次",
	"user %s has a new password; the sessions of before have ended":                                           "用户 %s 已有新密码；之前的会话已结束",
	"copied %s to %s (%d bytes); it is of use only with the secret key: keep a copy of %s too, apart from it": "已把 %s 复制到 %s（%d 字节）；没有密钥就无法使用它：请另外保存一份 %s，与它分开存放",
	"wrote %s (%d bytes), which has the secrets of node %s in it":                                             "已写入 %s（%d 字节），其中含有节点 %s 的机密",
	"confirmed: %s; a running agent does it within a second or so, another at its next start":                 "已确认：%s；正在运行的 agent 会在一秒左右执行，未运行的会在下次启动时执行",

	"name: ":     "用户名：",
	"password: ": "密码：",
	"logged in to %s as %s (%s); the token is in %s": "已登录 %s，用户 %s（%s）；令牌保存在 %s",
	"logged out of %s; the token of %s is revoked":   "已退出 %s；%s 的令牌已吊销",

	"applying documents":  "正在应用文档",
	"comparing documents": "正在比较文档",
	"exporting nodes":     "正在导出节点",
	"reading files":       "正在读取文件",

	"%s is of no node that there is now: delete it if it was exported before": "%s 不属于现有的任何节点：如果是以前导出的，请删除它",
	"%d nodes are in %s: %d files written, %d said the same already":          "%d 个节点已导出到 %s：写入 %d 个文件，%d 个内容相同未重写",
	"%s is shown as <secret>":                           "%s 显示为 <secret>",
	"and %d secrets more":                               "以及另外 %d 个机密",
	"promfleet admin export, on the server, shows them": "在服务器上运行 promfleet admin export 可显示它们",
	"apply keeps what the server has for them; promfleet admin export, on the server, shows them": "apply 会保留服务器上已有的值；在服务器上运行 promfleet admin export 可显示它们",
	"%s is written":               "已写入 %s",
	"%s said the same already":    "%s 内容相同，未重写",
	"%s: not shown by Prometheus": "%s：Prometheus 没有显示",
	"%s: kept as node %s has it":  "%s：保留节点 %s 已有的值",

	"%s; still trying":               "%s；仍在重试",
	"the server answers again":       "服务器已恢复应答",
	"%s is not in the list any more": "%s 已不在列表中",
	"promfleet: interrupted":         "promfleet: 已中断",

	"; hint: %s":                    "；提示：%s",
	"%s --help shows what it takes": "%s --help 显示可用的选项和参数",
	"is it running? set PROMFLEET_URL or --server.url": "它在运行吗？请设置 PROMFLEET_URL 或 --server.url",
	"try again in %s": "请在 %s 后重试",
	"promfleet login, or set PROMFLEET_TOKEN, PROMFLEET_TOKEN_FILE or --server.token-file": "运行 promfleet login，或设置 PROMFLEET_TOKEN、PROMFLEET_TOKEN_FILE 或 --server.token-file",
	"use the token of a higher role":                          "请使用更高角色的令牌",
	"list shows what there is, list --deleted what there was": "list 显示现有的，list --deleted 显示已删除的",
	"get it again for its present etag":                       "请重新 get 以得到当前的 etag",
}
