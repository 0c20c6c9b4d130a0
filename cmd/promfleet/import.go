package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/alecthomas/kingpin/v2"
	config "github.com/prometheus/common/config"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/reload"
)

// importing is the command import.
type importing struct {
	c                *command
	path, from, http *string
}

func (c *command) addImport(app *kingpin.Application) {
	cmd := app.Command("import", "Take a prometheus.yml apart into base config, jobs and targets of a node, all or nothing. Jobs that it does not have stay.")
	conn, out := c.connection(cmd), c.output(cmd)
	i := importing{
		c:    c,
		path: cmd.Arg("file", "The prometheus.yml, - for standard input.").String(),
		from: cmd.Flag("from-prometheus", "URL of a running Prometheus whose configuration to take, instead of a file; it does not show its secrets.").PlaceHolder("URL").String(),
		http: cmd.Flag("prometheus.http-config-file", "Prometheus http_config (TLS, proxy, basic auth) for the calls to that Prometheus.").PlaceHolder("FILE").String(),
	}
	node := cmd.Flag("node", "UUID of the node, or its hostname where one node alone has it.").Required().PlaceHolder("UUID|HOSTNAME").String()
	var how client.ImportHow
	dryRunFlag(cmd, &how.DryRun)
	allowRemovalFlag(cmd, &how.AllowRemoval)
	c.calls(cmd, conn, func(cl *client.Client) error {
		if (*i.path == "") == (*i.from == "") {
			return &usageError{err: errorf("give either a file or --from-prometheus"), command: "promfleet import"}
		}
		yml, err := i.read()
		if err != nil {
			return err
		}
		uuid, err := c.nodeUUID(cl, *node)
		if err != nil {
			return err
		}
		change, err := cl.Import(c.ctx, uuid, yml, how)
		if *i.from != "" {
			err = i.hidden(yml, *node, err)
		}
		if err != nil {
			return err
		}
		return c.printChange(out, change, how.DryRun)
	})
}

func (i importing) read() ([]byte, error) {
	if *i.from != "" {
		return i.running()
	}
	yml, err := i.c.input(*i.path)
	if err != nil {
		return nil, errorf("read the prometheus.yml: %w", err)
	}
	return yml, nil
}

// running reads the configuration of a running Prometheus.
func (i importing) running() ([]byte, error) {
	if u, err := url.Parse(*i.from); err != nil || u.Host == "" {
		return nil, errorf("--from-prometheus %q is not a URL; hint: it looks like http://127.0.0.1:9090", *i.from)
	}
	hc := http.DefaultClient
	if *i.http != "" {
		cfg, _, err := config.LoadHTTPConfigFile(*i.http)
		if err == nil {
			hc, err = config.NewClientFromConfig(*cfg, "promfleet")
		}
		if err != nil {
			return nil, fmt.Errorf("--prometheus.http-config-file %s: %w", *i.http, err)
		}
	}
	p, err := reload.NewPrometheus(*i.from, hc, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("--from-prometheus: %w", err)
	}
	yml, err := p.Config(i.c.ctx)
	if err != nil {
		return nil, errorf("--from-prometheus: %w; hint: is the URL right, with its path? --prometheus.http-config-file has credentials", err)
	}
	return yml, nil
}

// hidden tells which secrets a running Prometheus has not shown. Without them the
// server takes nothing, unless the node has them.
func (i importing) hidden(yml []byte, node string, failed error) error {
	secrets, err := maskedInConfig(yml)
	if err != nil || len(secrets) == 0 {
		return failed
	}
	for _, s := range secrets {
		if failed != nil {
			i.c.say("%s: not shown by Prometheus", plain(s))
		} else {
			i.c.say("%s: kept as node %s has it", plain(s), plain(node))
		}
	}
	if failed == nil || promfleet.ErrorCode(failed) != promfleet.Invalid {
		return failed
	}
	return errorf("%w; hint: a running Prometheus does not show its secrets, and the node has not all of them: import its prometheus.yml instead (promfleet import FILE --node %s)", failed, node)
}
