package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/internal/fleet"
	"promfleet/internal/server"
	"promfleet/internal/store"
)

// existing refuses a SQLite database that is not there: opening would create it.
func existing(o server.Options) error {
	if o.StorageURL != "" {
		return nil
	}
	if _, err := os.Stat(o.Database()); err != nil {
		return errorf("no database: %w; hint: say where it is with --storage.path or --storage.url", err)
	}
	return nil
}

func (c *command) adminDBCheck(cmd *kingpin.CmdClause) {
	o := &server.Options{}
	storageFlags(cmd, o)
	c.does(cmd, func() error {
		if err := existing(*o); err != nil {
			return err
		}
		err := withFleet(c, *o, func(f *fleet.Service, st *store.Store) error {
			fmt.Fprintf(c.stdout, "database %s: opened\nsecret key %s: it is the one that the database was made with\n", o.Database(), o.KeyFile())
			if o.StorageURL == "" {
				if err := st.CheckIntegrity(c.ctx); err != nil {
					return err
				}
				fmt.Fprintln(c.stdout, "integrity: ok")
			}
			nodes, jobs, err := openAll(c.ctx, f)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "configurations: those of %d nodes and %d jobs were opened, deleted ones too\n", nodes, jobs)
			return nil
		})
		if store.Damaged(err) || promfleet.ErrorCode(err) == promfleet.Conflict || errors.Is(err, fs.ErrNotExist) {
			return &answerNo{err}
		}
		return err
	})
}

// openAll opens every sealed configuration.
func openAll(ctx context.Context, f *fleet.Service) (nodes, jobs int, err error) {
	for _, deleted := range []bool{false, true} {
		all := fleet.ListQuery{Limit: 1000, Deleted: deleted}
		n, err := every(all, func(q fleet.ListQuery) (promfleet.Page[promfleet.Node], error) {
			return f.Nodes(ctx, fleet.NodeQuery{ListQuery: q})
		})
		if err != nil {
			return nodes, jobs, err
		}
		j, err := every(all, func(q fleet.ListQuery) (promfleet.Page[promfleet.Job], error) {
			return f.Jobs(ctx, fleet.JobQuery{ListQuery: q})
		})
		if err != nil {
			return nodes, jobs, err
		}
		nodes, jobs = nodes+n, jobs+j
	}
	return nodes, jobs, nil
}

// every reads a list to its end and counts.
func every[T any](q fleet.ListQuery, page func(fleet.ListQuery) (promfleet.Page[T], error)) (n int, err error) {
	for {
		p, err := page(q)
		if err != nil {
			return n, err
		}
		n += len(p.Items)
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			return n, nil
		}
	}
}

func (c *command) adminDBBackup(cmd *kingpin.CmdClause) {
	o := &server.Options{}
	storageFlags(cmd, o)
	to := cmd.Arg("file", "The copy; it must not be there yet.").Required().String()
	c.does(cmd, func() error {
		if o.StorageURL != "" {
			return errorf("%s is backed up by PostgreSQL's own means, not by this command; hint: pg_dump, and keep a copy of %s", o.Database(), o.KeyFile())
		}
		if err := existing(*o); err != nil {
			return err
		}
		return withFleet(c, *o, func(_ *fleet.Service, st *store.Store) error {
			size, err := st.Backup(c.ctx, *to)
			if err != nil {
				return err
			}
			c.say("copied %s to %s (%d bytes); it is of use only with the secret key: keep a copy of %s too, apart from it", o.Database(), *to, size, o.KeyFile())
			return nil
		})
	})
}
