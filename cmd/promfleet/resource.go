package main

import (
	"fmt"
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
	t    table[T]
	name string
	// printPage writes what list has got; nil: as a page of T.
	printPage func(*output, *promfleet.Page[T]) error
}

func (r resource[T, In]) list(filters func(*kingpin.CmdClause, *list)) {
	cmd := r.noun.Command("list", "List "+r.name+"s.")
	conn, out, l := r.c.connection(cmd), r.c.output(cmd), listFlags(cmd)
	filters(cmd, l)
	r.c.calls(cmd, conn, func(cl *client.Client) error {
		page, err := pages(r.c, r.of(cl), l)
		if err != nil {
			return err
		}
		if r.printPage != nil {
			return r.printPage(out, page)
		}
		return printPage(r.c, out, r.t, page)
	})
}

// one adds a command about one record, named by an argument. What do gives is
// printed; nil: done has been said.
func (r resource[T, In]) one(name, help string, do func(res client.Resource[T, In], id string) (*T, error)) *kingpin.CmdClause {
	cmd := r.noun.Command(name, help)
	conn, out := r.c.connection(cmd), r.c.output(cmd)
	id := cmd.Arg("id", "Its id; of a node, its uuid.").Required().String()
	r.c.calls(cmd, conn, func(cl *client.Client) error {
		v, err := do(r.of(cl), *id)
		if err != nil || v == nil {
			return err
		}
		return printOne(out, r.t, *v)
	})
	return cmd
}

// ifMatch is the flag --if-match.
type ifMatch struct{ given string }

func (m *ifMatch) flag(cmd *kingpin.CmdClause) {
	cmd.Flag("if-match", "Only if the record has this etag, which get tells.").StringVar(&m.given)
}

// etag gives the ETag as HTTP wants it, also where the shell took its quotes.
func (m *ifMatch) etag() string {
	if m.given == "" || m.given == "*" || strings.HasPrefix(m.given, `"`) {
		return m.given
	}
	return `"` + m.given + `"`
}

func (r resource[T, In]) get() {
	r.one("get", "Get one "+r.name+"; its etag is told on standard error.", func(res client.Resource[T, In], id string) (*T, error) {
		v, etag, err := res.Get(r.c.ctx, id)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(r.c.stderr, "etag %s\n", strings.Trim(etag, `"`))
		return &v, nil
	})
}

// remove adds a delete that --if-match can hold back.
func (r resource[T, In]) remove(help string) {
	var match ifMatch
	match.flag(r.one("delete", help, func(res client.Resource[T, In], id string) (*T, error) {
		if err := res.Delete(r.c.ctx, id, match.etag()); err != nil {
			return nil, err
		}
		fmt.Fprintf(r.c.stderr, "%s %s is deleted; promfleet %s restore undoes it\n", r.name, id, r.name)
		return nil, nil
	}))
}

// revoke adds a delete that cannot be undone.
func (r resource[T, In]) revoke(help string) {
	r.one("delete", help, func(res client.Resource[T, In], id string) (*T, error) {
		if err := res.Delete(r.c.ctx, id, ""); err != nil {
			return nil, err
		}
		fmt.Fprintf(r.c.stderr, "%s %s is revoked\n", r.name, id)
		return nil, nil
	})
}

func (r resource[T, In]) restore() {
	r.one("restore", "Undo the deletion of a "+r.name+".", func(res client.Resource[T, In], id string) (*T, error) {
		v, err := res.Restore(r.c.ctx, id)
		return &v, err
	})
}

// update adds a command that patches the fields whose flags were given.
func (r resource[T, In]) update(flags func(*kingpin.CmdClause) func() (map[string]any, error)) {
	var fields func() (map[string]any, error)
	var match ifMatch
	cmd := r.one("update", "Change the given fields of a "+r.name+".", func(res client.Resource[T, In], id string) (*T, error) {
		patch, err := fields()
		if err != nil {
			return nil, err
		}
		v, err := r.patch(res, id, match.etag(), patch)
		return &v, err
	})
	match.flag(cmd)
	fields = flags(cmd)
}

func (r resource[T, In]) patch(res client.Resource[T, In], id, etag string, patch map[string]any) (v T, err error) {
	if len(patch) == 0 {
		return v, fmt.Errorf("%s %s: nothing to change is given; hint: promfleet %s update --help shows what can be", r.name, id, r.name)
	}
	return res.Patch(r.c.ctx, id, etag, patch)
}

// create adds a command that makes a record.
func (r resource[T, In]) create(flags func(*kingpin.CmdClause) func(*client.Client) (In, error)) {
	cmd := r.noun.Command("create", "Create a "+r.name+".")
	conn, out := r.c.connection(cmd), r.c.output(cmd)
	fields := flags(cmd)
	r.c.calls(cmd, conn, func(cl *client.Client) error {
		in, err := fields(cl)
		if err != nil {
			return err
		}
		v, err := r.of(cl).Create(r.c.ctx, in)
		if err != nil {
			return err
		}
		return printOne(out, r.t, v)
	})
}

// given is a text flag that tells whether it stood on the command line: an empty
// value is a value.
type given struct {
	set   bool
	value string
}

func givenFlag(cmd *kingpin.CmdClause, name, help string) *given {
	g := &given{}
	cmd.Flag(name, help).IsSetByUser(&g.set).StringVar(&g.value)
	return g
}

// into puts the value into a patch, if it was given.
func (g *given) into(patch map[string]any, field string) {
	if g.set {
		patch[field] = g.value
	}
}

// or gives the value, or another if it was not given.
func (g *given) or(other string) string {
	if g.set {
		return g.value
	}
	return other
}
