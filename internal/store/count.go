package store

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
)

// rowCounter counts the rows that queries scan into results. It hangs on bun, so
// that no query can forget to be counted.
type rowCounter struct{ rows *prometheus.CounterVec }

func newRowCounter(r prometheus.Registerer) (*rowCounter, error) {
	c := &rowCounter{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "promfleet_store_rows_read_total",
		Help: "Rows read from the database, by table.",
	}, []string{"table"})}
	if err := r.Register(c.rows); err != nil {
		return nil, fmt.Errorf("metrics of the store: %w", err)
	}
	return c, nil
}

func (c *rowCounter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (c *rowCounter) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if e.IQuery == nil || e.Result == nil || e.Err != nil || e.IQuery.Operation() != "SELECT" {
		return
	}
	if n, err := e.Result.RowsAffected(); err == nil && n > 0 {
		c.rows.WithLabelValues(e.IQuery.GetTableName()).Add(float64(n))
	}
}
