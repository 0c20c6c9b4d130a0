package storetest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/fleet"
)

// A list is any of the lists, by the ids of its items.
type list struct {
	name  string
	sorts []string
	noQ   bool
	page  func(context.Context, fleet.Tx, fleet.ListQuery) (ids []string, next string, total int64, err error)
}

func idsOf[R any](p promfleet.Page[R], err error, id func(R) string) ([]string, string, int64, error) {
	var ids []string
	for _, r := range p.Items {
		ids = append(ids, id(r))
	}
	return ids, p.NextCursor, p.Total, err
}

var lists = []list{
	{"nodes", []string{"", "uuid", "hostname", "addr", "created_at", "updated_at", "last_seen_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: q})
			return idsOf(p, err, func(r fleet.NodeRecord) string { return r.UUID })
		}},
	{"jobs", []string{"", "id", "key", "job_name", "created_at", "updated_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListJobs(ctx, fleet.JobQuery{ListQuery: q})
			return idsOf(p, err, func(r fleet.JobRecord) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"targets", []string{"", "id", "name", "addr", "created_at", "updated_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: q})
			return idsOf(p, err, func(r fleet.TargetRecord) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"tokens", []string{"", "id", "name", "created_at", "expires_at", "last_used_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListTokens(ctx, q)
			return idsOf(p, err, func(r fleet.TokenRecord) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"join tokens", []string{"", "id", "name", "created_at", "expires_at", "last_used_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListJoinTokens(ctx, fleet.JoinTokenQuery{ListQuery: q})
			return idsOf(p, err, func(r fleet.JoinTokenRecord) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"tags", []string{"", "id", "name", "created_at", "updated_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListTags(ctx, q)
			return idsOf(p, err, func(r promfleet.Tag) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"users", []string{"", "id", "name", "created_at", "updated_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListUsers(ctx, q)
			return idsOf(p, err, func(r fleet.UserRecord) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"contacts", []string{"", "id", "addr", "tel", "created_at", "updated_at"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListContacts(ctx, fleet.ContactQuery{ListQuery: q})
			return idsOf(p, err, func(r promfleet.Contact) string { return fmt.Sprintf("%09d", r.ID) })
		}},
	{"revisions", []string{"", "number"}, true,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListRevisions(ctx, uuidOf(1), q)
			return idsOf(p, err, func(r promfleet.Revision) string { return fmt.Sprintf("%09d", r.Number) })
		}},
	{"events", []string{"", "id"}, false,
		func(ctx context.Context, tx fleet.Tx, q fleet.ListQuery) ([]string, string, int64, error) {
			p, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: q})
			return idsOf(p, err, func(r promfleet.Event) string { return fmt.Sprintf("%09d", r.ID) })
		}},
}

const listed = 23

// seedLists fills every list with 23 rows in which every sort value is shared by
// several and, where it can be, missing in some.
func seedLists(t *testing.T, s fleet.Store) {
	names := []string{"", "a", "A", "b", "é", "北京", "~", "'"}
	at := func(i int) time.Time { return t0.Add(time.Duration(i*7%5) * 100 * time.Microsecond) }
	maybe := func(i int) *time.Time {
		if i%3 == 0 {
			return nil
		}
		return deletedAt(at(i))
	}
	update(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for i := range listed {
			n := newNode(i*7%listed + 1)
			n.Hostname, n.Addr = names[i%len(names)], names[i*3%5]
			n.CreatedAt, n.UpdatedAt, n.Report.LastSeenAt = at(i), at(i+1), maybe(i)
			j := newJob(n.UUID, "k"+fmt.Sprint(i%4))
			j.JobName = names[i%len(names)]
			j.CreatedAt, j.UpdatedAt = at(i), at(i+1)
			tok := &fleet.TokenRecord{Token: promfleet.Token{Name: names[i%3], CreatedAt: at(i), ExpiresAt: maybe(i), LastUsedAt: maybe(i + 1)}, Hash: hashOf(fmt.Sprint(i))}
			join := &fleet.JoinTokenRecord{JoinToken: promfleet.JoinToken{Name: names[i%3], CreatedAt: at(i), ExpiresAt: at(i + 1), LastUsedAt: maybe(i)}, Hash: tok.Hash}
			err := errors.Join(tx.InsertNode(ctx, n), tx.InsertJob(ctx, j), tx.InsertToken(ctx, tok), tx.InsertJoinToken(ctx, join),
				tx.InsertEvent(ctx, &fleet.EventRecord{Event: promfleet.Event{At: at(i), Actor: "a", Action: "create", Object: "o"}}))
			if err != nil {
				return err
			}
			tag, u := newTag(names[i%len(names)]+fmt.Sprint(i)), newUser(names[i%len(names)]+fmt.Sprint(i))
			tag.CreatedAt, tag.UpdatedAt, u.CreatedAt, u.UpdatedAt = at(i), at(i+1), at(i), at(i+1)
			if err := errors.Join(tx.InsertTag(ctx, tag), tx.InsertUser(ctx, u)); err != nil {
				return err
			}
			c := newContact(u.ID, names[i%len(names)])
			c.Tel, c.CreatedAt, c.UpdatedAt = names[i*3%5], at(i), at(i+1)
			if err := tx.InsertContact(ctx, c); err != nil {
				return err
			}
			r := newTarget(j.ID, "addr"+fmt.Sprint(i%4))
			r.Name = names[i%len(names)]
			r.CreatedAt, r.UpdatedAt = at(i), at(i+1)
			if err := tx.InsertTargets(ctx, []*fleet.TargetRecord{r}); err != nil {
				return err
			}
		}
		for i := range listed {
			if _, err := tx.AddRevision(ctx, uuidOf(1), promfleet.Revision{At: at(i)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// walk follows a list to its end and gives all ids.
func walk(ctx context.Context, t *testing.T, tx fleet.Tx, l list, q fleet.ListQuery, want int64) ([]string, error) {
	var all []string
	for pages := 0; ; pages++ {
		ids, next, total, err := l.page(ctx, tx, q)
		if err != nil {
			return nil, err
		}
		if total != want {
			t.Errorf("%s by %q: total %d, want %d", l.name, q.Sort, total, want)
		}
		if next != "" && len(ids) != q.Limit {
			t.Errorf("%s by %q: a page of %d with a next one, limit %d", l.name, q.Sort, len(ids), q.Limit)
		}
		all = append(all, ids...)
		if q.Cursor = next; next == "" {
			return all, nil
		}
		if pages > 100 {
			t.Fatalf("%s by %q: it does not end", l.name, q.Sort)
		}
	}
}

// jump begins a list anywhere: at an offset stands what a walk from the first row
// has there, behind the end nothing, and each page can be gone on from.
func jump(ctx context.Context, t *testing.T, tx fleet.Tx, l list, q fleet.ListQuery, all []string) error {
	for _, offset := range []int{0, 1, 7, len(all) - 1, len(all), len(all) + 1, fleet.MaxOffset} {
		q.Offset = offset
		ids, next, total, err := l.page(ctx, tx, q)
		if err != nil {
			return err
		}
		begin := min(offset, len(all))
		end := min(begin+q.Limit, len(all))
		if !slices.Equal(ids, all[begin:end]) || total != int64(len(all)) || (next != "") != (end < len(all)) {
			t.Errorf("%s by %q, %d from %d on: got %v of %d (next %q), want %v", l.name, q.Sort, q.Limit, offset, ids, total, next, all[begin:end])
		}
		if next == "" {
			continue
		}
		on := q
		on.Offset, on.Cursor = 0, next
		rest, err := walk(ctx, t, tx, l, on, int64(len(all)))
		if err != nil {
			return err
		}
		if !slices.Equal(rest, all[end:]) {
			t.Errorf("%s by %q, behind %d from %d on: got %v, want %v", l.name, q.Sort, q.Limit, offset, rest, all[end:])
		}
	}
	return nil
}

// testLists: over every sort, up and down, in pages of any size, each record
// comes exactly once, and the order is the same whatever the pages are.
func testLists(t *testing.T, s fleet.Store) {
	seedLists(t, s)
	for _, l := range lists {
		for _, sort := range l.sorts {
			view(t, s, func(ctx context.Context, tx fleet.Tx) error {
				q := fleet.ListQuery{Limit: 1000, Sort: sort}
				up, err := walk(ctx, t, tx, l, q, listed)
				if err != nil {
					return err
				}
				if once := slices.Compact(slices.Sorted(slices.Values(up))); len(up) != listed || len(once) != listed {
					t.Errorf("%s by %q: %d records, %d different, want %d", l.name, sort, len(up), len(once), listed)
				}
				for _, limit := range []int{1, 2, 5, listed - 1, listed, listed + 1} {
					q.Limit = limit
					got, err := walk(ctx, t, tx, l, q, listed)
					if err != nil {
						return err
					}
					if !slices.Equal(got, up) {
						t.Errorf("%s by %q in pages of %d: another order\n got %v\nwant %v", l.name, sort, limit, got, up)
					}
					if err := jump(ctx, t, tx, l, q, up); err != nil {
						return err
					}
					if sort == "" {
						continue
					}
					q.Sort = "-" + sort
					got, err = walk(ctx, t, tx, l, q, listed)
					q.Sort = sort
					if err != nil {
						return err
					}
					slices.Reverse(got)
					if !slices.Equal(got, up) {
						t.Errorf("%s by -%s in pages of %d is not the reverse of %s", l.name, sort, limit, sort)
					}
				}
				return nil
			})
		}
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error { return checkOrders(ctx, t, tx) })
}

// checkOrders checks that the values do rise: text bytewise, times by time, and
// what is missing first.
func checkOrders(ctx context.Context, t *testing.T, tx fleet.Tx) error {
	by := func(sort string) ([]fleet.NodeRecord, error) {
		p, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 100, Sort: sort}})
		return p.Items, err
	}
	unix := func(at *time.Time) int64 {
		if at == nil {
			return 0
		}
		return at.UnixMicro()
	}
	for sort, compare := range map[string]func(a, b fleet.NodeRecord) int{
		"uuid":         func(a, b fleet.NodeRecord) int { return strings.Compare(a.UUID, b.UUID) },
		"hostname":     func(a, b fleet.NodeRecord) int { return strings.Compare(a.Hostname, b.Hostname) },
		"":             func(a, b fleet.NodeRecord) int { return strings.Compare(a.Hostname, b.Hostname) },
		"addr":         func(a, b fleet.NodeRecord) int { return strings.Compare(a.Addr, b.Addr) },
		"created_at":   func(a, b fleet.NodeRecord) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at":   func(a, b fleet.NodeRecord) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"last_seen_at": func(a, b fleet.NodeRecord) int { return int(unix(a.Report.LastSeenAt) - unix(b.Report.LastSeenAt)) },
	} {
		rows, err := by(sort)
		if err != nil {
			return err
		}
		if !slices.IsSortedFunc(rows, compare) {
			t.Errorf("nodes by %q are not in order", sort)
		}
	}
	return nil
}

// testListsUnderWrites: what is there throughout comes once, whatever else comes and goes between pages.
func testListsUnderWrites(t *testing.T, s fleet.Store) {
	seedLists(t, s)
	for _, sort := range []string{"hostname", "-hostname", "last_seen_at", "-last_seen_at"} {
		seen := map[string]int{}
		q := fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 2, Sort: sort}}
		for extra := 1000; ; extra++ {
			var page promfleet.Page[fleet.NodeRecord]
			view(t, s, func(ctx context.Context, tx fleet.Tx) (err error) {
				page, err = tx.ListNodes(ctx, q)
				return err
			})
			for _, n := range page.Items {
				seen[n.UUID]++
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
			update(t, s, func(ctx context.Context, tx fleet.Tx) error {
				last := page.Items[len(page.Items)-1]
				if last.UUID >= uuidOf(1000) { // never one of the 23
					last.DeletedAt = deletedAt(t0)
					return tx.UpdateNode(ctx, &last)
				}
				n := newNode(extra + 1000*len(seen)*len(sort))
				n.Hostname, n.Report.LastSeenAt = last.Hostname, last.Report.LastSeenAt
				return tx.InsertNode(ctx, n)
			})
		}
		for i := range listed {
			if got := seen[uuidOf(i+1)]; got != 1 {
				t.Errorf("by %s: node %d came %d times", sort, i+1, got)
			}
		}
		// Leave the 23 alone for the next sort.
		update(t, s, func(ctx context.Context, tx fleet.Tx) error {
			page, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 1000, Sort: "-uuid"}})
			for _, n := range page.Items {
				if n.UUID < uuidOf(1000) {
					break
				}
				n.DeletedAt = deletedAt(t0)
				err = errors.Join(err, tx.UpdateNode(ctx, &n))
			}
			return err
		})
	}
}

func testListErrors(t *testing.T, s fleet.Store) {
	seedLists(t, s)
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		for _, l := range lists {
			bad := func(location string, q fleet.ListQuery) {
				t.Helper()
				_, _, _, err := l.page(ctx, tx, q)
				var e *promfleet.Error
				if !errors.As(err, &e) || e.Code != promfleet.Invalid || len(e.Fields) != 1 || e.Fields[0].Location != location {
					t.Errorf("%s %+v: got %v, want an invalid %s", l.name, q, err, location)
				}
			}
			for _, limit := range []int{-1, 0, 1001} {
				bad("query.limit", fleet.ListQuery{Limit: limit})
			}
			for _, offset := range []int{-1, fleet.MaxOffset + 1} {
				bad("query.offset", fleet.ListQuery{Limit: 1, Offset: offset})
			}
			for _, sort := range []string{"x", "--id", "-", " id", "id desc", "search", "hash", "deleted_at", "1", "id;DROP TABLE nodes"} {
				bad("query.sort", fleet.ListQuery{Limit: 1, Sort: sort})
			}
			if !l.noQ {
				bad("query.q", fleet.ListQuery{Limit: 1, Q: "\x00"})
				bad("query.q", fleet.ListQuery{Limit: 1, Q: "\xff"})
				bad("query.q", fleet.ListQuery{Limit: 1, Q: strings.Repeat("x", 1001)})
			}

			sort := l.sorts[1]
			_, next, _, err := l.page(ctx, tx, fleet.ListQuery{Limit: 1, Sort: sort})
			if err != nil {
				return err
			}
			bad("query.offset", fleet.ListQuery{Limit: 1, Sort: sort, Cursor: next, Offset: 1})
			good, err := base64.RawURLEncoding.DecodeString(next)
			if err != nil {
				return err
			}
			for _, c := range []string{"x", "!", next[:len(next)-3], next + "=", encode("null"), encode("{}"), encode("[]"),
				encode(fmt.Sprintf(`{"s":%q}`, sort)), encode(fmt.Sprintf(`{"s":%q,"v":null,"i":null}`, sort)),
				encode(fmt.Sprintf(`{"s":%q,"v":[],"i":{}}`, sort)), encode(fmt.Sprintf(`{"s":%q,"v":true,"i":1.5}`, sort)),
				encode(strings.Replace(string(good), sort, "nothing", 1)), encode("\xff" + string(good))} {
				bad("query.cursor", fleet.ListQuery{Limit: 1, Sort: sort, Cursor: c})
			}
			// A cursor serves the sort that it came from, and no other.
			bad("query.cursor", fleet.ListQuery{Limit: 1, Sort: "-" + sort, Cursor: next})
			if len(l.sorts) > 2 {
				bad("query.cursor", fleet.ListQuery{Limit: 1, Sort: l.sorts[2], Cursor: next})
			}
		}
		return nil
	})
}

func testQ(t *testing.T, s fleet.Store) {
	job := seedJob(t, s)
	for i, remark := range []string{"100%", "100 percent", "a_b", "aXb", `back\slash`, "bang!", "Größe", "ΣΊΣΥΦΟΣ", "北京 Node", "it's"} {
		r := newTarget(job, fmt.Sprintf("h%d:1", i))
		r.Name, r.Remark = fmt.Sprintf("name-%d", i), remark
		insertTargets(t, s, r)
	}
	for q, want := range map[string][]string{
		"%": {"100%"}, "100": {"100%", "100 percent"}, "0%": {"100%"}, "_": {"a_b"}, "a_b": {"a_b"}, "axb": {"aXb"},
		`\`: {`back\slash`}, `k\S`: {`back\slash`}, "!": {"bang!"}, "g!": {"bang!"}, "GRÖSSE": nil, "GRÖ": {"Größe"}, "größe": {"Größe"},
		"σίσυφος": {"ΣΊΣΥΦΟΣ"}, "北京": {"北京 Node"}, "京 nODE": {"北京 Node"}, "'": {"it's"}, "NAME-3": {"aXb"}, "H4:1": {`back\slash`},
		"nothing": nil, "31": nil, "a%b": nil,
	} {
		view(t, s, func(ctx context.Context, tx fleet.Tx) error {
			page, err := tx.ListTargets(ctx, fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 100, Q: q}})
			var got []string
			for _, r := range page.Items {
				got = append(got, r.Remark)
			}
			equal(t, fmt.Sprintf("targets with %q", q), got, want)
			return err
		})
	}
	view(t, s, func(ctx context.Context, tx fleet.Tx) error {
		nodes, err := tx.ListNodes(ctx, fleet.NodeQuery{ListQuery: fleet.ListQuery{Limit: 100, Q: "HOST-1:"}})
		jobs, err2 := tx.ListJobs(ctx, fleet.JobQuery{ListQuery: fleet.ListQuery{Limit: 100, Q: "NOD"}, Key: "node", Node: uuidOf(1)})
		if nodes.Total != 1 || jobs.Total != 1 {
			t.Errorf("q found %d nodes and %d jobs, want one each", nodes.Total, jobs.Total)
		}
		return errors.Join(err, err2)
	})
}
