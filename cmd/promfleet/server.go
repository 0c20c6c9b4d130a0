package main

import (
	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"

	"promfleet/internal/server"
)

func (c *command) addServer(app *kingpin.Application) {
	cmd := app.Command("server", "Run the control plane.")
	o := server.Options{Version: version}
	cmd.Flag("web.listen-address", "Address to listen on; may be repeated.").Default("127.0.0.1:7090").StringsVar(&o.ListenAddresses)
	cmd.Flag("web.config.file", "TLS and authentication, in the format of Prometheus's exporter-toolkit.").StringVar(&o.WebConfigFile)
	cmd.Flag("storage.path", "Data directory, created if missing.").Default("./data").StringVar(&o.StoragePath)
	log := logFlags(cmd)
	c.does(cmd, func() error {
		logger := promslog.New(log)
		s, err := server.New(c.ctx, o, logger)
		if err != nil {
			return err
		}
		logger.Info("promfleet server", "version", version, "storage", o.StoragePath, "addresses", s.Addrs())
		return s.Run(c.ctx)
	})
}

// logFlags are --log.level and --log.format, as Prometheus has them.
func logFlags(cmd *kingpin.CmdClause) *promslog.Config {
	log := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat()}
	cmd.Flag(promslogflag.LevelFlagName, promslogflag.LevelFlagHelp).Default("info").SetValue(log.Level)
	cmd.Flag(promslogflag.FormatFlagName, promslogflag.FormatFlagHelp).Default("logfmt").SetValue(log.Format)
	return log
}
