package main

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// list is what the list commands of all resources take.
type list struct {
	limit           int
	limitGiven      bool
	cursor, q, sort string
	deleted, all    bool
	filters         map[string]*string
	tags            *[]string
}

func listFlags(cmd *kingpin.CmdClause) *list {
	l := &list{filters: map[string]*string{}}
	cmd.Flag("limit", "How many at the most; with --all, a page.").Default("100").IsSetByUser(&l.limitGiven).IntVar(&l.limit)
	cmd.Flag("cursor", "next_cursor of the page before.").StringVar(&l.cursor)
	cmd.Flag("q", "Substring to look for.").StringVar(&l.q)
	cmd.Flag("sort", "Field to sort by; descending: --sort=-FIELD.").StringVar(&l.sort)
	cmd.Flag("all", "All pages.").BoolVar(&l.all)
	return l
}

func (l *list) deletedFlag(cmd *kingpin.CmdClause, help string) {
	cmd.Flag("deleted", help).BoolVar(&l.deleted)
}

func (l *list) filter(cmd *kingpin.CmdClause, name, help string) {
	l.filters[name] = cmd.Flag(name, help).String()
}

func (l *list) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(l.limit)}}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("cursor", l.cursor)
	set("q", l.q)
	set("sort", l.sort)
	if l.deleted {
		q.Set("deleted", "true")
	}
	for name, value := range l.filters {
		set(name, *value)
	}
	if l.tags != nil {
		q["tag"] = *l.tags
	}
	return q
}

// pages gets one page, or all of them as one.
func pages[T, In any](c *command, r client.Resource[T, In], l *list) (*promfleet.Page[T], error) {
	q := l.query()
	if l.all && !l.limitGiven {
		q.Set("limit", "1000") // the most a page may have
	}
	page, err := r.List(c.ctx, q)
	for err == nil && l.all && page.NextCursor != "" {
		q.Set("cursor", page.NextCursor)
		var next *promfleet.Page[T]
		if next, err = r.List(c.ctx, q); err == nil {
			page.Items = append(page.Items, next.Items...)
			page.NextCursor = next.NextCursor
		}
	}
	return page, err
}

// printPage writes a page, as a table with a word on what is not in it.
func printPage[T any](c *command, o *output, t table[T], p *promfleet.Page[T]) error {
	if o.format != "table" {
		return o.encode(p)
	}
	if err := t.write(o.to, p.Items); err != nil {
		return err
	}
	if p.NextCursor != "" {
		fmt.Fprintf(c.stderr, "%d of %d shown; more with --all or --cursor %s\n", len(p.Items), p.Total, p.NextCursor)
	}
	return nil
}
