package reload

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/url"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// values are those of Prometheus's own metrics that tell what it has loaded.
type values struct {
	lastReloadSuccessful bool
	lastReloadAt         float64            // Unix seconds of the last successful one, by Prometheus's clock
	poolsFailed          float64            // since its start
	watcherErrors        float64            // since its start
	active               map[string]int64   // by job: unique active targets
	syncs                map[string]float64 // by job: how often the pool took targets over
	syncFailures         map[string]float64 // by job: targets that could not be created
	mtimes               map[string]int64   // by file: Unix seconds, as last read by file_sd
}

const (
	metricLastReload    = "prometheus_config_last_reload_successful"
	metricLastReloadAt  = "prometheus_config_last_reload_success_timestamp_seconds"
	metricPoolsFailed   = "prometheus_target_scrape_pools_failed_total"
	metricWatcherErrors = "prometheus_sd_file_watcher_errors_total"
	metricPoolTargets   = "prometheus_target_scrape_pool_targets"
	metricPoolSyncs     = "prometheus_target_scrape_pool_sync_total"
	metricSyncFailed    = "prometheus_target_sync_failed_total"
	metricFileMtime     = "prometheus_sd_file_mtime_seconds"
)

var wantedMetrics = []string{metricLastReload, metricLastReloadAt, metricPoolsFailed, metricWatcherErrors,
	metricPoolTargets, metricPoolSyncs, metricSyncFailed, metricFileMtime}

// metrics reads Prometheus's own /metrics.
func (p *Prometheus) metrics(ctx context.Context) (*values, error) {
	var families map[string]*dto.MetricFamily
	err := p.get(ctx, "metrics", url.Values{}, maxMetrics, func(r io.Reader) error {
		text, err := onlyWanted(r)
		if err != nil {
			return err
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err = parser.TextToMetricFamilies(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := &values{
		lastReloadSuccessful: single(families[metricLastReload]) == 1,
		lastReloadAt:         single(families[metricLastReloadAt]),
		poolsFailed:          single(families[metricPoolsFailed]),
		watcherErrors:        single(families[metricWatcherErrors]),
		active:               map[string]int64{},
		syncs:                byLabel(families[metricPoolSyncs], "scrape_job"),
		syncFailures:         byLabel(families[metricSyncFailed], "scrape_job"),
		mtimes:               map[string]int64{},
	}
	for job, n := range byLabel(families[metricPoolTargets], "scrape_job") {
		v.active[job] = int64(n)
	}
	for file, t := range byLabel(families[metricFileMtime], "filename") {
		v.mtimes[file] = int64(t)
	}
	return v, nil
}

// LastReload gives when Prometheus last loaded its configuration with success, in
// Unix seconds by its own clock. As a clock may be set back, a newer load is told
// by another value, not by a greater one.
func (p *Prometheus) LastReload(ctx context.Context) (float64, error) {
	v, err := p.metrics(ctx)
	if err != nil {
		return 0, err
	}
	return v.lastReloadAt, nil
}

// onlyWanted keeps the lines of the wanted metrics: Prometheus has thousands of
// others, and they are not needed at each look.
func onlyWanted(r io.Reader) (io.Reader, error) {
	var kept bytes.Buffer
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		name, ok := strings.CutPrefix(line, "# TYPE ")
		if !ok {
			name = line
		}
		if i := strings.IndexAny(name, "{ "); i > 0 && slices.Contains(wantedMetrics, name[:i]) {
			kept.WriteString(line)
			kept.WriteByte('\n')
		}
	}
	return &kept, lines.Err()
}

// single gives the value of a metric without labels, 0 if it is not there.
func single(f *dto.MetricFamily) float64 {
	for _, m := range f.GetMetric() {
		return value(m)
	}
	return 0
}

func byLabel(f *dto.MetricFamily, label string) map[string]float64 {
	by := make(map[string]float64, len(f.GetMetric()))
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == label {
				by[l.GetValue()] = value(m)
			}
		}
	}
	return by
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Counter != nil:
		return m.Counter.GetValue()
	default:
		return m.Untyped.GetValue()
	}
}
