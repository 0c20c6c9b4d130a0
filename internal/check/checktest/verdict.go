package checktest

import (
	"log/slog"

	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/plugins" // every service discovery
)

// Verdict is what Prometheus's config package itself says of a prometheus.yml,
// with nothing of ours between.
func Verdict(yml []byte) error {
	_, err := config.Load(string(yml), slog.New(slog.DiscardHandler))
	return err
}
