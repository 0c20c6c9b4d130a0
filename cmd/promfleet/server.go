package main

import (
	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"

	"promfleet/internal/server"
)

func (c *command) addServer(app *kingpin.Application) {
	cmd := app.Command("server", "Run the control plane.")
	o := server.Options{Version: version, Notices: c.stderr}
	cmd.Flag("web.listen-address", "Address to listen on; may be repeated.").Default("127.0.0.1:7090").StringsVar(&o.ListenAddresses)
	cmd.Flag("web.config.file", "TLS and authentication, in the format of Prometheus's exporter-toolkit.").StringVar(&o.WebConfigFile)
	cmd.Flag("web.external-url", "URL that users reach the server under, if it is behind a reverse proxy; all is served below its path.").SetValue(externalURL{&o.ExternalURL})
	cmd.Flag("web.trusted-proxy", "Address or network (CIDR) of a reverse proxy whose X-Forwarded-For is believed; may be repeated.").SetValue(networks{&o.TrustedProxies})
	storageFlags(cmd, &o)
	cmd.Flag("events.retention", "How long events are kept, as 90d or 1y; 0: for ever.").Default("1y").SetValue((*model.Duration)(&o.EventsRetention))
	log := logFlags(cmd)
	c.does(cmd, func() error {
		logger := promslog.New(log)
		s, err := server.New(c.ctx, o, logger)
		if err != nil {
			return err
		}
		logger.Info("promfleet server", "version", version, "database", o.Database(), "addresses", s.Addrs())
		return s.Run(c.ctx)
	})
}

// storageFlags are those that say where a server keeps its data.
func storageFlags(cmd *kingpin.CmdClause, o *server.Options) {
	cmd.Flag("storage.path", "Data directory for the SQLite database and the secret key, created if missing.").Default("./data").StringVar(&o.StoragePath)
	cmd.Flag("storage.url", "PostgreSQL database instead of SQLite, as postgres://USER@HOST/DATABASE; several servers may share it. A password is better given in the environment or in ~/.pgpass than here, where all users of the host see it.").Envar("PROMFLEET_STORAGE_URL").StringVar(&o.StorageURL)
	cmd.Flag("storage.key-file", "Secret key, the same for all servers of a database; default: secret.key in the data directory.").StringVar(&o.StorageKeyFile)
}

// logFlags are --log.level and --log.format, as Prometheus has them.
func logFlags(cmd *kingpin.CmdClause) *promslog.Config {
	log := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat()}
	cmd.Flag(promslogflag.LevelFlagName, promslogflag.LevelFlagHelp).Default("info").SetValue(log.Level)
	cmd.Flag(promslogflag.FormatFlagName, promslogflag.FormatFlagHelp).Default("logfmt").SetValue(log.Format)
	return log
}
