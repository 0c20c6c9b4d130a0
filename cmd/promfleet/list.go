package main

import (
	"context"
	"net/url"
	"strconv"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

// filter says what a list or a bulk edit is about.
type filter struct {
	values map[string]func(*client.Client) (string, error)
	tags   *[]string
	ids    *[]string
	idName string // of the parameter
}

// flag adds a filter whose value goes as it is given.
func (f *filter) flag(cmd *kingpin.CmdClause, name, help string) {
	value := cmd.Flag(name, help).String()
	f.add(name, func(*client.Client) (string, error) { return *value, nil })
}

// managedFlag adds the filter by who manages a record.
func (f *filter) managedFlag(cmd *kingpin.CmdClause, help string) {
	value := cmd.Flag("managed-by", help).String()
	f.add("managed_by", func(*client.Client) (string, error) { return *value, nil })
}

// ref adds a filter by the id of a record that may be named otherwise.
func (f *filter) ref(cmd *kingpin.CmdClause, name, help string, id func(*client.Client, string) (int64, error)) {
	value := cmd.Flag(name, help).String()
	f.add(name, func(cl *client.Client) (string, error) {
		if *value == "" {
			return "", nil
		}
		n, err := id(cl, *value)
		return strconv.FormatInt(n, 10), err
	})
}

func (f *filter) tagFlag(cmd *kingpin.CmdClause, help string) {
	f.tags = cmd.Flag("tag", help+" with this tag; several: with all of them.").Strings()
}

// idsFlag adds a filter that selects any of several.
func (f *filter) idsFlag(cmd *kingpin.CmdClause, name, help string) {
	f.ids, f.idName = cmd.Flag(name, help).Strings(), name
}

func (f *filter) qFlag(cmd *kingpin.CmdClause) {
	value := cmd.Flag("q", "Substring to look for.").Short('q').String()
	f.add("q", func(*client.Client) (string, error) { return *value, nil })
}

func (f *filter) add(name string, value func(*client.Client) (string, error)) {
	if f.values == nil {
		f.values = map[string]func(*client.Client) (string, error){}
	}
	f.values[name] = value
}

func (f *filter) query(cl *client.Client) (url.Values, error) {
	q := url.Values{}
	for name, value := range f.values {
		v, err := value(cl)
		if err != nil {
			return nil, err
		}
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.tags != nil && len(*f.tags) > 0 {
		q["tag"] = *f.tags
	}
	if f.ids != nil && len(*f.ids) > 0 {
		q[f.idName] = *f.ids
	}
	return q, nil
}

// list is what the list commands of all resources take.
type list struct {
	filter
	limit        int
	offset       int
	limitGiven   bool
	cursor, sort string
	deleted, all bool
	watch        watching
}

func listFlags(cmd *kingpin.CmdClause) *list {
	l := pageFlags(cmd)
	l.qFlag(cmd)
	return l
}

func pageFlags(cmd *kingpin.CmdClause) *list {
	l := &list{}
	cmd.Flag("limit", "How many at the most; with --all, a page.").Default("100").IsSetByUser(&l.limitGiven).IntVar(&l.limit)
	cmd.Flag("cursor", "next_cursor of the page before.").StringVar(&l.cursor)
	cmd.Flag("offset", "How many come before the page, to begin anywhere; not together with --cursor.").IntVar(&l.offset)
	cmd.Flag("sort", "Field to sort by; descending: --sort=-FIELD.").StringVar(&l.sort)
	cmd.Flag("all", "All pages.").BoolVar(&l.all)
	watchFlags(cmd, &l.watch)
	return l
}

func (l *list) deletedFlag(cmd *kingpin.CmdClause, help string) {
	cmd.Flag("deleted", help).BoolVar(&l.deleted)
}

func (l *list) query(cl *client.Client) (url.Values, error) {
	q, err := l.filter.query(cl)
	if err != nil {
		return nil, err
	}
	q.Set("limit", strconv.Itoa(l.limit))
	if l.all && !l.limitGiven {
		q.Set("limit", "1000") // the most a page may have
	}
	if l.cursor != "" {
		q.Set("cursor", l.cursor)
	}
	if l.offset != 0 {
		q.Set("offset", strconv.Itoa(l.offset))
	}
	if l.sort != "" {
		q.Set("sort", l.sort)
	}
	if l.deleted {
		q.Set("deleted", "true")
	}
	return q, nil
}

// pages gets one page, or all of them as one.
func pages[T, In any](ctx context.Context, cl *client.Client, r client.Resource[T, In], l *list) (*promfleet.Page[T], error) {
	q, err := l.query(cl)
	if err != nil {
		return nil, err
	}
	page, err := r.List(ctx, q)
	for err == nil && l.all && page.NextCursor != "" {
		q.Set("cursor", page.NextCursor)
		q.Del("offset")
		var next *promfleet.Page[T]
		if next, err = r.List(ctx, q); err == nil {
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
	if err := t.write(o, p.Items); err != nil {
		return err
	}
	if p.NextCursor != "" {
		c.say("%d of %d shown; more with --all or --cursor %s", len(p.Items), p.Total, p.NextCursor)
	}
	return nil
}
