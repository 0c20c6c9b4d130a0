package sqlitedriver

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
)

// drivers by the name that they register.
var drivers = []struct{ name, sql string }{{"modernc", "sqlite"}, {"ncruces", "sqlite3"}}

// The tables are cut down from internal/store's, with the same keys and indexes.
const schema = `
CREATE TABLE targets (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL, name TEXT NOT NULL, remark TEXT NOT NULL,
    addr TEXT NOT NULL, labels TEXT NOT NULL, split BLOB NOT NULL, version INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted_at TEXT);
CREATE UNIQUE INDEX targets_addr ON targets (job_id, addr, name) WHERE deleted_at IS NULL;
CREATE INDEX targets_split ON targets (job_id, split) WHERE deleted_at IS NULL;
CREATE INDEX targets_job ON targets (job_id, id);
CREATE TABLE pieces (
    job_id INTEGER NOT NULL, lo BLOB NOT NULL, hash TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (job_id, lo)) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, object TEXT NOT NULL, before TEXT, after TEXT);
CREATE TABLE revisions (node_id TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (node_id, number)) WITHOUT ROWID;
`

type target struct {
	bun.BaseModel `bun:"table:targets,alias:target"`

	ID        int64      `bun:"id,pk,autoincrement"`
	JobID     int64      `bun:"job_id"`
	Name      string     `bun:"name"`
	Remark    string     `bun:"remark"`
	Addr      string     `bun:"addr"`
	Labels    string     `bun:"labels"`
	Split     []byte     `bun:"split"`
	Version   int64      `bun:"version"`
	CreatedAt time.Time  `bun:"created_at"`
	UpdatedAt time.Time  `bun:"updated_at"`
	DeletedAt *time.Time `bun:"deleted_at,soft_delete"`
}

const targets = 100_000

// span of split keys that holds about 800 of 100,000 targets: 1/128 of the first byte and a bit.
func span(n int) (lo, hi []byte) {
	first := byte(n * 37 % 254)
	lo, hi = make([]byte, 12), make([]byte, 12)
	lo[0], hi[0] = first, first+2
	return lo, hi
}

type db struct{ writer, reader *bun.DB }

func open(b *testing.B, driver string) *db {
	b.Helper()
	if _, err := sqlite.Fdatasync(true); err != nil { // the other driver's default
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), driver+".db")
	connect := func(conns int, params url.Values) *bun.DB {
		dsn := (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
		sqldb, err := sql.Open(driver, dsn)
		if err != nil {
			b.Fatal(err)
		}
		sqldb.SetMaxOpenConns(conns)
		sqldb.SetMaxIdleConns(conns)
		b.Cleanup(func() { _ = sqldb.Close() })
		return bun.NewDB(sqldb, sqlitedialect.New())
	}
	d := &db{
		writer: connect(1, url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(1000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)", "temp_store(MEMORY)"}}),
		reader: connect(4, url.Values{"_txlock": {"deferred"}, "_pragma": {"busy_timeout(1000)", "cache_size(-16384)", "temp_store(MEMORY)"}}),
	}
	if _, err := d.writer.Exec(schema); err != nil {
		b.Fatal(err)
	}
	return d
}

func (d *db) insert(ctx context.Context, job int64) error {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	return d.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for i := 0; i < targets; i += 500 {
			rows := make([]*target, 500)
			for k := range rows {
				n := i + k
				r := &target{JobID: job, Addr: fmt.Sprintf("10.%d.%d.%d:9100", n>>16, n>>8&255, n&255),
					Labels: fmt.Sprintf(`{"env":"prod","rack":"r%d"}`, n%400), Version: 1, CreatedAt: at, UpdatedAt: at}
				sum := sha256.Sum256([]byte(r.Addr))
				r.Split = sum[:12]
				rows[k] = r
			}
			if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *db) readSpan(ctx context.Context, db bun.IDB, n int) (int, error) {
	lo, hi := span(n)
	var rows []*target
	err := db.NewSelect().Model(&rows).Where("job_id = 1").Where("split BETWEEN ? AND ?", lo, hi).Order("split", "id").Scan(ctx)
	return len(rows), err
}

// edit is what one edit of a target writes and reads, committed.
func (d *db) edit(ctx context.Context, n int) error {
	return d.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		r := &target{ID: int64(n*7919%targets + 1)}
		if err := tx.NewSelect().Model(r).WherePK().Scan(ctx); err != nil {
			return err
		}
		r.Remark = fmt.Sprintf("edit %d", n)
		r.Version++
		if _, err := tx.NewUpdate().Model(r).WherePK().Exec(ctx); err != nil {
			return err
		}
		if _, err := d.readSpan(ctx, tx, n); err != nil {
			return err
		}
		lo, _ := span(n)
		for _, q := range []*bun.RawQuery{
			tx.NewRaw("INSERT INTO pieces (job_id, lo, hash, revision) VALUES (1, ?, ?, ?) ON CONFLICT (job_id, lo) DO UPDATE SET hash = excluded.hash, revision = excluded.revision", lo, fmt.Sprintf("%064x", n), n),
			tx.NewRaw("INSERT INTO events (at, object, before, after) VALUES (?, ?, ?, ?)", r.UpdatedAt, "target/1", r.Labels, r.Labels),
			tx.NewRaw("INSERT INTO revisions (node_id, number, at) VALUES ('node', ?, ?)", n, r.UpdatedAt),
		} {
			if _, err := q.Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// compare runs the same work on both drivers in turn, b.N rounds, each first in
// every other one, and reports the median of each and of their ratios.
func compare(b *testing.B, unit string, dbs []*db, work func(d *db, round int) error) {
	took := make([][]float64, len(dbs))
	for round := range b.N {
		for i := range dbs {
			k := (i + round) % len(dbs)
			start := time.Now()
			if err := work(dbs[k], round); err != nil {
				b.Fatalf("%s: %v", drivers[k].name, err)
			}
			took[k] = append(took[k], time.Since(start).Seconds()*1000)
		}
	}
	ratios := make([]float64, b.N)
	for round := range ratios {
		ratios[round] = took[1][round] / took[0][round]
	}
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
	for k := range dbs {
		b.ReportMetric(median(took[k]), drivers[k].name+"-ms/"+unit)
	}
	b.ReportMetric(median(ratios), drivers[1].name+"/"+drivers[0].name)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func openAll(b *testing.B, filled bool) []*db {
	var dbs []*db
	for _, d := range drivers {
		opened := open(b, d.sql)
		if filled {
			if err := opened.insert(b.Context(), 1); err != nil {
				b.Fatal(err)
			}
		}
		dbs = append(dbs, opened)
	}
	return dbs
}

// BenchmarkEdit: durable single edits.
func BenchmarkEdit(b *testing.B) {
	dbs := openAll(b, true)
	b.ResetTimer()
	compare(b, "edit", dbs, func(d *db, round int) error { return d.edit(b.Context(), round+1) })
}

// BenchmarkInsert: 100,000 targets in one transaction.
func BenchmarkInsert(b *testing.B) {
	dbs := openAll(b, false)
	b.ResetTimer()
	compare(b, "100k", dbs, func(d *db, round int) error { return d.insert(b.Context(), int64(round+1)) })
}

// BenchmarkRead: ranges of 800 rows, 20 by each of 4 readers at once.
func BenchmarkRead(b *testing.B) {
	dbs := openAll(b, true)
	b.ResetTimer()
	compare(b, "80reads", dbs, func(d *db, round int) error {
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for reader := range errs {
			wg.Go(func() {
				for i := range 20 {
					if _, err := d.readSpan(b.Context(), d.reader, reader*20+i+round); err != nil {
						errs[reader] = err
						return
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	})
}
