package main

import (
	"context"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/promslog"

	"promfleet"
	"promfleet/internal/agent"
	"promfleet/internal/agent/doctor"
	"promfleet/internal/agent/reload"
)

func (c *command) addAgent(app *kingpin.Application) {
	parent := app.Command("agent", "What runs beside one Prometheus.")
	c.agentConfirm(parent.Command("confirm", "Confirm, on the agent's host, the removal of targets that waits for it; 1 if nothing waits."))
	cmd := parent.Command("run", "Run beside one Prometheus: register, get its configuration, write it, reload, report. `promfleet agent` alone does this.").Default()
	o := agentFlags(cmd)
	once := cmd.Flag("once", "Register, sync, apply, report, exit: for cron.").Bool()
	log := logFlags(cmd)
	c.does(cmd, func() error {
		reg := prometheus.NewRegistry()
		reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		o.Examine = func(ctx context.Context, tell func(promfleet.Finding)) (int, error) {
			return doctor.ExamineForServer(ctx, *o, tell)
		}
		a, err := agent.New(*o, promslog.New(log), reg)
		if err != nil {
			return err
		}
		if *once {
			return a.Once(c.ctx)
		}
		return a.Run(c.ctx)
	})
}

// agentFlags are those that doctor shares.
func agentFlags(cmd *kingpin.CmdClause) *agent.Options {
	o := &agent.Options{Version: version}
	cmd.Flag("server.url", "URL of the control plane.").Required().StringVar(&o.ServerURL)
	cmd.Flag("join.token-file", "File with a join token, for the first registration.").StringVar(&o.JoinTokenFile)
	cmd.Flag("data.path", "Directory for uuid, credential and state, created if missing.").Default("./agent-data").StringVar(&o.DataPath)
	cmd.Flag("node.addr", "Address to register, as https://host:port/; default: --prometheus.url.").StringVar(&o.NodeAddr)
	cmd.Flag("prometheus.url", "URL of the Prometheus beside it.").Default("http://127.0.0.1:9090").StringVar(&o.PrometheusURL)
	cmd.Flag("prometheus.config-file", "The prometheus.yml that the agent owns.").Default("/etc/prometheus/prometheus.yml").StringVar(&o.ConfigFile)
	cmd.Flag("prometheus.base-config", "prometheus.yml whose sections but scrape_configs are used when the node has no base_config on the server.").StringVar(&o.BaseConfig)
	cmd.Flag("prometheus.targets-dir", "Directory of the target files; default: targets.d beside the config file.").StringVar(&o.TargetsDir)
	cmd.Flag("prometheus.take-over", "What to do with somebody else's prometheus.yml that has scrape jobs: same (take it over only if what would be loaded is the same) or discard.").Default(agent.TakeOverSame).EnumVar(&o.TakeOver, agent.TakeOverSame, agent.TakeOverDiscard)
	cmd.Flag("reload.method", "How Prometheus is reloaded: "+strings.Join(reload.Methods(), ", ")+".").Default("http").EnumVar(&o.ReloadMethod, reload.Methods()...)
	cmd.Flag("reload.url", "URL to post to; default: PROMETHEUS_URL/-/reload.").StringVar(&o.ReloadURL)
	cmd.Flag("reload.unit", "systemd's unit of Prometheus, for --reload.method=systemd.").Default(reload.DefaultUnit).StringVar(&o.ReloadUnit)
	cmd.Flag("reload.pid-file", "File with Prometheus's process id, for --reload.method=signal.").StringVar(&o.ReloadPIDFile)
	cmd.Flag("reload.timeout", "How long a reload may take; longer than the largest scrape_timeout.").Default("90s").DurationVar(&o.ReloadTimeout)
	cmd.Flag("reload.http-config-file", "Prometheus http_config for the calls to Prometheus; read again when it changes.").StringVar(&o.ReloadHTTPConfigFile)
	cmd.Flag("sync.interval", "How often it syncs even if no change was announced.").Default("30s").DurationVar(&o.SyncInterval)
	cmd.Flag("web.listen-address", "Address of its own /metrics, /-/healthy and /-/ready.").Default("127.0.0.1:7091").StringVar(&o.ListenAddress)
	cmd.Flag("policy.file", "Local policy (YAML): what the server may have this host do; read at the start.").StringVar(&o.PolicyFile)
	return o
}

// agentRuns spells out that `promfleet agent --FLAGS` runs it, or its --help would
// show no flags.
func agentRuns(args []string) []string {
	if len(args) > 0 && args[0] == "agent" && (len(args) == 1 || strings.HasPrefix(args[1], "-")) {
		return slices.Insert(slices.Clone(args), 1, "run")
	}
	return args
}

func (c *command) agentConfirm(cmd *kingpin.CmdClause) {
	path := cmd.Flag("data.path", "The --data.path of the agent, which may be running.").Default("./agent-data").String()
	revision := cmd.Flag("revision", "Only if it is the removal of this revision that waits. Or a revision older than what is loaded, which the server came back with: take that one, once.").Int64()
	c.does(cmd, func() error {
		what, err := agent.Confirm(*path, *revision)
		if promfleet.ErrorCode(err) == promfleet.NotFound {
			return &answerNo{err}
		}
		if err != nil {
			return err
		}
		c.say("confirmed: %s; a running agent does it within a second or so, another at its next start", what)
		return nil
	})
}
