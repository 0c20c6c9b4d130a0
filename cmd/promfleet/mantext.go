package main

// manDescriptions are paragraphs that follow a command's own words on its page.
var manDescriptions = map[string][]string{
	"promfleet": {
		"promfleet server keeps what each Prometheus of a fleet should scrape, and serves it over an HTTP API and a web UI. promfleet agent runs beside one Prometheus, writes its prometheus.yml and target files, reloads it, and reports what it has loaded. The other commands talk to the server.",
		"Results go to standard output, all talk to standard error.",
	},
	"promfleet-server": {
		"The first start on an empty database creates the user admin and writes its password to standard error, once. SIGTERM ends the server.",
	},
	"promfleet-agent": {
		"promfleet agent with flags alone is promfleet agent run. The agent registers with a join token once; from then on its own credential in the data path serves. What it has applied it goes on with while the server is away.",
	},
	"promfleet-apply": {
		"A fleet file is YAML or JSON with any number of documents, each about one node (kind: node) or one job (kind: job). What files say is managed by them: others cannot change it until it is released, by promfleet node update --release or promfleet job update --release.",
	},
	"promfleet-diff": {
		"It exits with 0 if nothing would change, with 1 if something would, and with 2 if that cannot be told or apply would be refused.",
	},
	"promfleet-login": {
		"The token has the role of the user. A new password, a lower role, and the disabling or deletion of the user revoke it, and so does promfleet logout.",
	},
	"promfleet-completion": {
		"The script completes commands, flags and their values, and from the server the names of what there is.",
	},
}

// manNote is about a file or a variable.
type manNote struct {
	name, text string
	flags      []string // it concerns commands with one of these, or called so
}

var manEnvironment = []manNote{
	{"PROMFLEET_URL", "URL of the server, unless --server.url is given. Default: http://127.0.0.1:7090.", []string{"server.token-file", "login", "logout"}},
	{"PROMFLEET_TOKEN", "The API token, unless --server.token-file is given.", []string{"server.token-file"}},
	{"PROMFLEET_TOKEN_FILE", "File with the API token, if PROMFLEET_TOKEN is not set.", []string{"server.token-file"}},
	{"PROMFLEET_STORAGE_URL", "The PostgreSQL database, unless --storage.url is given. A password is better given here than on the command line, where all users of the host see it.", []string{"storage.url"}},
	{"XDG_CONFIG_HOME", "Where the tokens of logins are kept. Default: ~/.config.", []string{"server.token-file", "login", "logout"}},
	{"NO_COLOR", "Tables have no colours, if it is set and not empty.", []string{"output"}},
	{"TERM", "Tables have no colours, if it is dumb.", []string{"output"}},
}

var manFiles = []manNote{
	{"~/.config/promfleet/credentials.json", "The tokens of promfleet login, by server. It is refused if others may read it.", []string{"server.token-file", "login", "logout"}},
	{"promfleet.db", "In --storage.path: the SQLite database.", []string{"storage.path"}},
	{"secret.key", "In --storage.path, unless --storage.key-file is given: what secrets in the database are sealed with. A backup needs it too.", []string{"storage.path"}},
	{"/etc/prometheus/prometheus.yml", "What the agent writes, unless --prometheus.config-file is given, with the target files in targets.d beside it.", []string{"prometheus.config-file"}},
	{"uuid, credential, state.json", "In --data.path: who the node is, and what it has applied last.", []string{"data.path"}},
}

// manExample is a command line with what it is for.
type manExample struct{ text, lines string }

var manExamples = map[string][]manExample{
	"promfleet": {
		{"Start a server, make a token to call it, and one for an agent to join with:", `promfleet server --storage.path /var/lib/promfleet
promfleet admin token create --role admin --storage.path /var/lib/promfleet
promfleet join-token create --name alpha`},
		{"Show the fleet at a glance, and go on showing what changes:", "promfleet status --watch"},
	},
	"promfleet-server": {
		{"With SQLite, and behind a reverse proxy:", "promfleet server --storage.path /var/lib/promfleet --web.external-url https://monitoring.example.com/promfleet"},
		{"With PostgreSQL; servers of one database have one key:", "promfleet server --storage.url postgres://promfleet@db.example.com/promfleet --storage.key-file /etc/promfleet/secret.key"},
	},
	"promfleet-agent": {
		{"Join, and run:", "promfleet agent --server.url https://promfleet.example.com --join.token-file join-token --data.path /var/lib/promfleet-agent"},
		{"Let go the targets that it holds back:", "promfleet agent confirm --data.path /var/lib/promfleet-agent"},
	},
	"promfleet-doctor": {
		{"Before an agent is started, with its flags:", "promfleet doctor --server.url https://promfleet.example.com --join.token-file join-token"},
	},
	"promfleet-admin": {
		{"The first token, a lost password, a backup:", `promfleet admin token create --role admin --storage.path /var/lib/promfleet
promfleet admin user set-password admin --storage.path /var/lib/promfleet
promfleet admin db backup /backup/promfleet.db --storage.path /var/lib/promfleet`},
	},
	"promfleet-login":  {{"Log in to a server:", "promfleet login --server.url https://promfleet.example.com --user ada"}},
	"promfleet-status": {{"All nodes with a tag that have failed:", "promfleet status --tag production --state failed"}},
	"promfleet-explain": {
		{"Why is this address not scraped?", "promfleet explain 10.0.0.1:9100"},
	},
	"promfleet-node": {
		{"Give a node its tags and its base config, after a look at what that would change:", `promfleet node update 0b5cf5a5-35a5-4a59-9a38-6a6a2f1c2a01 --tag production --base-config base.yml --dry-run
promfleet node update 0b5cf5a5-35a5-4a59-9a38-6a6a2f1c2a01 --tag production --base-config base.yml`},
	},
	"promfleet-job": {
		{"A job, with its scrape_config from standard input:", "promfleet job create --node 0b5cf5a5-35a5-4a59-9a38-6a6a2f1c2a01 --key hosts --scrape-config -"},
	},
	"promfleet-target": {
		{"One target, and many from a file:", `promfleet target create --job 12 --addr 10.0.0.1:9100 --label env=prod
promfleet target create --job 12 --file hosts.csv`},
		{"Another label for all targets with a tag:", "promfleet target patch --tag production --label zone=b --dry-run"},
	},
	"promfleet-apply": {
		{"Make the fleet what the files of a directory say, and delete what they name no more:", "promfleet apply -f fleet --prune"},
	},
	"promfleet-diff": {
		{"Show what that would change:", "promfleet diff -f fleet --prune"},
	},
	"promfleet-import": {
		{"Take a prometheus.yml, after a look at what becomes of it:", `promfleet import /etc/prometheus/prometheus.yml --node alpha --dry-run
promfleet import /etc/prometheus/prometheus.yml --node alpha`},
	},
	"promfleet-export": {
		{"The prometheus.yml of a node, and fleet files of all nodes:", `promfleet export --node alpha --out prometheus.yml
promfleet export --all --out fleet`},
	},
	"promfleet-completion": {
		{"In ~/.bashrc, in ~/.zshrc behind compinit, and in ~/.config/fish/config.fish:", `source <(promfleet completion bash)
source <(promfleet completion zsh)
promfleet completion fish | source`},
	},
}
