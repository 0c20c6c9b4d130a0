package main

import (
	"context"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// resource adds the commands that all resources have.
type resource[T, In any] struct {
	c    *command
	noun *kingpin.CmdClause
	of   func(*client.Client) client.Resource[T, In]
	// within adds the flags that say which records they are, where of cannot tell.
	within func(*kingpin.CmdClause) func(*client.Client) (client.Resource[T, In], error)
	t      table[T]
	name   string
	dryRun bool // writes can be dry runs
	// listed writes what list gets; nil: as it is.
	listed func(listing[T]) error
	// beats: records change without an event.
	beats bool
}

// verb is one command of a resource.
type verb[T, In any] struct {
	resource[T, In]
	cmd  *kingpin.CmdClause
	conn *connection
	out  *output
	find func(*client.Client) (client.Resource[T, In], error)
	dry  bool
}

func (r resource[T, In]) verb(name, help string) *verb[T, In] {
	cmd := r.noun.Command(name, help)
	v := &verb[T, In]{resource: r, cmd: cmd, conn: r.c.connection(cmd), out: r.c.output(cmd)}
	v.find = func(cl *client.Client) (client.Resource[T, In], error) { return r.of(cl), nil }
	if r.within != nil {
		v.find = r.within(cmd)
	}
	return v
}

// writes is a verb that can be a dry run, if the resource's can.
func (r resource[T, In]) writes(name, help string) *verb[T, In] {
	v := r.verb(name, help)
	if r.dryRun {
		dryRunFlag(v.cmd, &v.dry)
	}
	return v
}

// calls says what the command does.
func (v *verb[T, In]) calls(do func(*client.Client, client.Resource[T, In]) error) {
	v.c.calls(v.cmd, v.conn, func(cl *client.Client) error {
		res, err := v.find(cl)
		if err != nil {
			return err
		}
		return do(cl, res)
	})
}

func (v *verb[T, In]) id() *string {
	return v.cmd.Arg("id", "Its id; of a node, its uuid.").Required().String()
}

// print writes a record that a call gave.
func (v *verb[T, In]) print(record T, err error) error {
	if err != nil {
		return err
	}
	return printOne(v.out, v.t, record)
}

func (r resource[T, In]) list(filters func(*kingpin.CmdClause, *list)) {
	v := r.verb("list", "List "+r.name+"s.")
	l := listFlags(v.cmd)
	filters(v.cmd, l)
	v.calls(func(cl *client.Client, res client.Resource[T, In]) error {
		return v.list(cl, res, l)
	})
}

// list lists, once the flags are known.
func (v *verb[T, In]) list(cl *client.Client, res client.Resource[T, In], l *list) error {
	g := listing[T]{c: v.c, out: v.out, t: v.t, l: l,
		page: func(ctx context.Context) (*promfleet.Page[T], error) { return pages(ctx, cl, res, l) }}
	if !v.beats {
		g.changes = byEvents(cl)
	}
	if v.listed != nil {
		return v.listed(g)
	}
	return g.run()
}

func (r resource[T, In]) get() {
	v := r.verb("get", "Get one "+r.name+"; its etag is told on standard error.")
	id := v.id()
	v.calls(func(_ *client.Client, res client.Resource[T, In]) error {
		record, etag, err := res.Get(r.c.ctx, *id)
		if err != nil {
			return err
		}
		r.c.tellETag(etag)
		return v.print(record, nil)
	})
}

// create adds a command that makes a record.
func (r resource[T, In]) create(flags func(*kingpin.CmdClause) func(*client.Client) (In, error)) {
	v := r.writes("create", "Create a "+r.name+".")
	fields := flags(v.cmd)
	v.calls(func(cl *client.Client, res client.Resource[T, In]) error {
		in, err := fields(cl)
		if err != nil {
			return err
		}
		if v.dry {
			return v.out.preview(res.Preview().Create(r.c.ctx, in))
		}
		return v.print(res.Create(r.c.ctx, in))
	})
}

// update adds a command that patches the fields whose flags were given.
func (r resource[T, In]) update(flags func(*kingpin.CmdClause) func() (map[string]any, error)) {
	v := r.writes("update", "Change the given fields of a "+r.name+".")
	id, match := v.id(), ifMatchFlag(v.cmd)
	fields := flags(v.cmd)
	v.calls(func(_ *client.Client, res client.Resource[T, In]) error {
		patch, err := fields()
		if err != nil {
			return err
		}
		return v.patch(res, *id, match.etag(), patch)
	})
}

func (v *verb[T, In]) patch(res client.Resource[T, In], id, etag string, patch map[string]any) error {
	if len(patch) == 0 {
		return errorf("%s %s: nothing to change is given; hint: promfleet %s update --help shows what can be", noun(v.name), id, v.name)
	}
	if v.dry {
		return v.out.preview(res.Preview().Patch(v.c.ctx, id, etag, patch))
	}
	return v.print(res.Patch(v.c.ctx, id, etag, patch))
}

// remove adds a delete that --if-match can hold back.
func (r resource[T, In]) remove(help string) {
	v := r.writes("delete", help)
	id, match := v.id(), ifMatchFlag(v.cmd)
	v.calls(func(_ *client.Client, res client.Resource[T, In]) error {
		if v.dry {
			return v.out.preview(res.Preview().Delete(r.c.ctx, *id, match.etag()))
		}
		if err := res.Delete(r.c.ctx, *id, match.etag()); err != nil {
			return err
		}
		r.c.say("%s %s is deleted; promfleet %s restore undoes it", r.c.lang.of(r.name), *id, r.name)
		return nil
	})
}

// revoke adds a delete that cannot be undone.
func (r resource[T, In]) revoke(help string) {
	v := r.verb("delete", help)
	id := v.id()
	v.calls(func(_ *client.Client, res client.Resource[T, In]) error {
		if err := res.Delete(r.c.ctx, *id, ""); err != nil {
			return err
		}
		r.c.say("%s %s is revoked", r.c.lang.of(r.name), *id)
		return nil
	})
}

func (r resource[T, In]) restore() {
	v := r.writes("restore", "Undo the deletion of a "+r.name+".")
	id := v.id()
	v.calls(func(_ *client.Client, res client.Resource[T, In]) error {
		if v.dry {
			return v.out.preview(res.Preview().Restore(r.c.ctx, *id))
		}
		return v.print(res.Restore(r.c.ctx, *id))
	})
}

// tellETag tells the etag of what was read.
func (c *command) tellETag(etag string) {
	c.say("etag %s", strings.Trim(etag, `"`))
}

// ifMatch is the flag --if-match.
type ifMatch struct{ given string }

func ifMatchFlag(cmd *kingpin.CmdClause) *ifMatch {
	m := &ifMatch{}
	cmd.Flag("if-match", "Only if it has this etag, which is told when it is read.").StringVar(&m.given)
	return m
}

// etag gives the ETag as HTTP wants it, also where the shell took its quotes.
func (m *ifMatch) etag() string {
	if m.given == "" || m.given == "*" || strings.HasPrefix(m.given, `"`) {
		return m.given
	}
	return `"` + m.given + `"`
}
