package main

// zhErrors has the errors that the command line itself makes.
var zhErrors = language{
	"--scrape-config and --release are two steps; hint: release the job first": "--scrape-config 与 --release 需分两步进行；提示：先释放作业（--release）",
	"--%s %q: %w": "--%s %q：%w",

	// logging in, and the credentials
	"a name and a password are needed to log in; hint: give them on the terminal, or as two lines of standard input":          "登录需要用户名和密码；提示：在终端上输入，或以两行标准输入给出",
	"read name and password from standard input: %w":                                                                          "从标准输入读取用户名和密码：%w",
	"read the password from standard input: %w":                                                                               "从标准输入读取密码：%w",
	"nobody is logged in to %s from here":                                                                                     "这里没有人登录到 %s",
	"the token is kept, since it could not be revoked: %w":                                                                    "令牌未能吊销，因此予以保留：%w",
	"read the token: %w; hint: promfleet admin token create makes one":                                                        "读取令牌：%w；提示：用 promfleet admin token create 创建令牌",
	"token file %s is empty; hint: promfleet admin token create makes a token":                                                "令牌文件 %s 为空；提示：用 promfleet admin token create 创建令牌",
	"read the credentials: %w":                                                                                                "读取凭据：%w",
	"write the credentials: %w":                                                                                               "写入凭据：%w",
	"the credentials in %s are open to others (mode %04o); hint: chmod 600 %s, and log in again if others may have read them": "%s 中的凭据可被他人读取（权限 %04o）；提示：chmod 600 %s，若可能已被他人读取，请重新登录",
	"the credentials in %s cannot be read: %w; hint: delete the file and log in again":                                        "无法读取 %s 中的凭据：%w；提示：删除该文件并重新登录",
	"there is no place for the credentials; hint: set HOME or XDG_CONFIG_HOME":                                                "没有存放凭据的位置；提示：请设置 HOME 或 XDG_CONFIG_HOME",

	// what names a record
	"job %q is neither an id nor NODE-UUID/KEY; hint: promfleet job list shows both":             "作业 %q 既不是 id，也不是 NODE-UUID/KEY；提示：promfleet job list 会显示两者",
	"node %s has no job %s; hint: promfleet job list --node %s":                                  "节点 %s 没有作业 %s；提示：promfleet job list --node %s",
	"there is no node %q, neither by uuid nor by hostname; hint: promfleet node list shows both": "没有 uuid 或主机名为 %q 的节点；提示：promfleet node list 会显示两者",
	"%d nodes have the hostname %q: give the uuid of one, %s":                                    "有 %d 个节点的主机名为 %q：请给出其中一个的 uuid：%s",
	"%d nodes have the hostname %q: give the uuid of one, %s and %d more":                        "有 %d 个节点的主机名为 %q：请给出其中一个的 uuid：%s，另有 %d 个",
	"there is no user %q; hint: promfleet user list":                                             "没有用户 %q；提示：promfleet user list",

	// flags that do not go together, or say what cannot be
	"%s %s: nothing to change is given; hint: promfleet %s update --help shows what can be": "%s %s：没有给出要更改的内容；提示：promfleet %s update --help 显示可更改的内容",
	"label %s is to be set and to be removed; hint: give one of --label and --remove-label": "label %s 既要设置又要移除；提示：--label 和 --remove-label 只能给出其一",
	"label %q is not name=value; hint: --label env=prod":                                    "label %q 不是 name=value 的形式；提示：--label env=prod",
	"label %s is given twice":            "label %s 给出了两次",
	"neither --addr nor --file is given": "--addr 和 --file 都没有给出",
	"--format is for --file":             "--format 只能与 --file 同用",
	"--addr and --name are for one target; hint: leave them out, or --file":                                       "--addr 和 --name 只用于单个目标；提示：去掉它们，或去掉 --file",
	"--label, --tag and --remark go with addresses one a line; hint: put them into the %s":                        "--label、--tag 和 --remark 只用于每行一个地址的格式；提示：请把它们写进 %s",
	"this would change every target; hint: select some by --id, --job, --node, --tag, --addr or --q":              "这会更改所有目标；提示：请用 --id、--job、--node、--tag、--addr 或 --q 选择一部分",
	"--max-uses %d: a join token serves for 1 node at least":                                                      "--max-uses %d：加入令牌至少要能用于 1 个节点",
	"--wait must be whole seconds from 0s to 30s":                                                                 "--wait 必须是 0s 到 30s 之间的整秒数",
	"--watch-interval %s is too short; hint: %s at the least":                                                     "--watch-interval %s 太短；提示：至少为 %s",
	"give either --node or --all":                                                                                 "--node 和 --all 必须且只能给出其一",
	"--all writes fleet files; a prometheus.yml is of one node":                                                   "--all 输出机群文件；prometheus.yml 只属于单个节点",
	"--all needs a directory, --out":                                                                              "--all 需要用 --out 给出目录",
	"--from-prometheus: %w; hint: is the URL right, with its path? --prometheus.http-config-file has credentials": "--from-prometheus：%w；提示：URL 及其路径是否正确？凭据用 --prometheus.http-config-file 给出",
	"give either a file or --from-prometheus":                                                                     "文件和 --from-prometheus 必须且只能给出其一",
	"--from-prometheus %q is not a URL; hint: it looks like http://127.0.0.1:9090":                                "--from-prometheus %q 不是 URL；提示：形如 http://127.0.0.1:9090",
	"not a URL like https://monitoring.example.com/promfleet":                                                     "不是形如 https://monitoring.example.com/promfleet 的 URL",
	"a URL with a user, a query or a fragment":                                                                    "URL 中带有用户、查询参数或片段",
	"the path %q is not a plain one":                                                                              "路径 %q 不规范",
	"neither an address, as 10.0.0.7, nor a network, as 10.0.0.0/24":                                              "既不是地址（如 10.0.0.7），也不是网段（如 10.0.0.0/24）",

	// files
	"read the targets: %w":                                "读取目标：%w",
	"read the base config: %w":                            "读取基础配置：%w",
	"read the scrape config: %w":                          "读取抓取配置：%w",
	"scrape config %s: %w":                                "抓取配置 %s：%w",
	"scrape config %s: it is more than one YAML document": "抓取配置 %s：其中不止一个 YAML 文档",
	"read the prometheus.yml: %w":                         "读取 prometheus.yml：%w",
	"read the fleet files: %w":                            "读取机群文件：%w",
	"read the fleet files of %s: %w":                      "读取 %s 中的机群文件：%w",
	"there is no document in %d fleet files; hint: -f takes files, and directories with *.yml, *.yaml and *.json; docs/gitops.md has examples": "%d 个机群文件中没有任何文档；提示：-f 接受文件，以及含有 *.yml、*.yaml 和 *.json 的目录；示例见 docs/gitops.md",
	"there is no target in the input; hint: one address a line, or CSV, NDJSON or JSON":                                                        "输入中没有目标；提示：每行一个地址，或 CSV、NDJSON、JSON",
	"line %d: %q is not one address; hint: CSV begins with a header that has addr":                                                             "第 %d 行：%q 不是单个地址；提示：CSV 的首行须为含有 addr 的表头",
	"the format of %q is not known by its name; hint: give --format":                                                                           "无法从文件名判断 %q 的格式；提示：请给出 --format",
	"write %s: %w": "写入 %s：%w",
	"%s is there already; hint: choose another name, or remove it first":                                   "%s 已存在；提示：换一个文件名，或先删除它",
	"%s is a directory; hint: --out is a file, but with --all":                                             "%s 是目录；提示：--out 是文件，与 --all 同用时才是目录",
	"no database: %w; hint: say where it is with --storage.path or --storage.url":                          "没有数据库：%w；提示：用 --storage.path 或 --storage.url 指明其位置",
	"%s is backed up by PostgreSQL's own means, not by this command; hint: pg_dump, and keep a copy of %s": "%s 应使用 PostgreSQL 自己的工具备份，而不是此命令；提示：用 pg_dump，并保存一份 %s",

	// answers
	"it could not be found out how the targets of %s are scraped: %s": "无法得知 %s 的目标的抓取情况：%s",
	"%d targets of %s are down or missing":                            "有 %d 个目标 down 或缺失（节点 %s）",
	"%d of %d targets are down or missing":                            "%d 个目标 down 或缺失，共 %d 个",
	"of %d of %d targets it could not be found out":                   "%d 个目标无法得知，共 %d 个",
	"node %s: %w": "节点 %s：%w",
	"they differ: %d created, %d updated, %d deleted, %d unchanged": "有差异：新建 %d，更新 %d，删除 %d，不变 %d",
	"%d of %d checks fail; mend them before the agent is started":   "%d 项检查未通过，共 %d 项；请在启动 agent 之前修复",
	"%s is not scraped: %s":                               "%s 未被抓取：%s",
	"it could not be found out whether %s is scraped: %s": "无法得知 %s 是否被抓取：%s",
	"job %d has the target %s already, and nothing was created; hint: promfleet target import changes those that are there":                                           "作业 %d 已有目标 %s，因此什么都没有创建；提示：promfleet target import 会更改已有的目标",
	"%w; hint: a running Prometheus does not show its secrets, and the node has not all of them: import its prometheus.yml instead (promfleet import FILE --node %s)": "%w；提示：运行中的 Prometheus 不显示机密，而节点上没有全部机密：请改为导入它的 prometheus.yml（promfleet import FILE --node %s）",
}

// zhParsing has what the parser of the command line says.
var zhParsing = language{
	"unknown long flag '%s'":                 "未知的选项 '%s'",
	"unknown short flag '%s'":                "未知的短选项 '%s'",
	"expected argument for flag '%s'":        "选项 '%s' 需要一个值",
	"flag '%s' cannot be repeated":           "选项 '%s' 不能重复",
	"required flag(s) %s not provided":       "缺少必需的选项：%s",
	"required argument '%s' not provided":    "缺少必需的参数 '%s'",
	"expected command but got %q":            "不是命令：%q",
	"must select a subcommand of '%s'":       "必须选择 '%s' 的一个子命令",
	"unexpected %s":                          "多余的参数 %s",
	"enum value must be one of %s, got '%s'": "必须是 %s 之一，而不是 '%s'",
}
