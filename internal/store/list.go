package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

// A column is something that a list can be sorted by.
type column struct {
	expr     string // of the query; part of the program, never of the input
	typ      colType
	nullable bool
}

type colType int

const (
	typText colType = iota
	typInt
	typTime
)

// A listing is what is particular to one list: the model M of its rows, which
// become records R.
type listing[M, R any] struct {
	table   string            // the alias of M
	sorts   map[string]column // by the name that a caller may give
	byDef   string            // the sort if none is given
	id      column            // breaks ties
	deleted bool              // rows of M can be deleted
	// narrow: rows are found and put in order by their ids alone, and only those of
	// the page are read. What is sorted, or passed over, else carries all its columns.
	narrow bool
	// load says what is loaded with the rows, or left out; nil: their own columns.
	load func(*bun.SelectQuery) *bun.SelectQuery
	// size is how many bytes a row may be large by; nil: its rows are small.
	size   func(*M) int
	record func(*M) (R, error)
	values func(*M) map[string]any // of a row, by the names of the sorts
	idOf   func(*M) any
}

// maxPage is what the large columns of a page come to before it ends early, in
// bytes, and sizedRows how many large rows are read at a time.
const (
	maxPage   = 8 << 20
	sizedRows = 20
)

// maxQ keeps a pattern below SQLite's limit for LIKE.
const maxQ = 1000

// page answers a list query. Rows come in the order of (sort value, id), which
// no two share, and a cursor is the last pair of a page: pages neither skip nor
// repeat a row, whatever is written between them. A page at an offset is where it
// would be if nothing were written: it is for who jumps. NULL sorts before all values.
func (l *listing[M, R]) page(ctx context.Context, t *tx, q fleet.ListQuery, filter func(*bun.SelectQuery) *bun.SelectQuery) (promfleet.Page[R], error) {
	none := promfleet.Page[R]{Items: []R{}}
	if q.Limit < 1 || q.Limit > 1000 {
		return none, promfleet.BadField("query.limit", "must be 1 to 1000")
	}
	if q.Offset < 0 || q.Offset > fleet.MaxOffset {
		return none, promfleet.BadField("query.offset", "must be 0 to %d", fleet.MaxOffset)
	}
	if q.Offset > 0 && q.Cursor != "" {
		return none, promfleet.BadField("query.offset", "cannot be given together with cursor: either of them says where the page begins")
	}
	if err := checkQ(q.Q); err != nil {
		return none, err
	}
	sort, name, col, desc, err := l.sorting(q)
	if err != nil {
		return none, err
	}
	if q.Deleted && !l.deleted {
		return none, nil
	}
	var at *position
	if q.Cursor != "" {
		var ok bool
		if at, ok = parseCursor(q.Cursor, sort, col, l.id); !ok {
			return none, promfleet.BadField("query.cursor", "is not a next_cursor of this list sorted by %s: start again without one", sort)
		}
	}

	selected := l.selected(q, filter)
	read := func(limit int) (rows []*M, err error) {
		sel := t.db.NewSelect().Model(&rows)
		found := sel
		if l.narrow {
			found = t.db.NewSelect().Model((*M)(nil)).ColumnExpr(l.id.expr)
		}
		found = found.Apply(selected)
		if at != nil {
			found = after(found, at, col, l.id, desc)
		} else if q.Offset > 0 {
			found = found.Offset(int64(q.Offset))
		}
		found = order(found, col, l.id, desc).Limit(int64(limit))
		if l.narrow {
			sel = order(sel.Where(l.id.expr+" IN (?)", found).WhereAllWithDeleted(), col, l.id, desc)
		}
		if l.load != nil {
			sel = sel.Apply(l.load)
		}
		return rows, t.fail(sel.Scan(ctx), "list %ss", l.table)
	}
	cursorAt := func(row *M) (string, error) { return formatCursor(sort, l.values(row)[name], l.idOf(row)) }
	// One row more says whether there is another page.
	limit := q.Limit
	rows, err := read(l.readAtOnce(limit + 1))
	for size := 0; err == nil && l.size != nil && len(rows) > 0 && len(rows)%sizedRows == 0 && len(rows) <= limit; {
		for _, row := range rows[len(rows)-sizedRows:] {
			size += l.size(row)
		}
		if size > maxPage {
			limit = len(rows) - 1
			break
		}
		var position string
		if position, err = cursorAt(rows[len(rows)-1]); err != nil {
			return none, err
		}
		at, _ = parseCursor(position, sort, col, l.id)
		var more []*M
		if more, err = read(l.readAtOnce(limit + 1 - len(rows))); len(more) == 0 {
			break
		}
		rows = append(rows, more...)
	}
	if err != nil {
		return none, err
	}

	page := promfleet.Page[R]{Items: make([]R, 0, min(len(rows), limit))}
	if len(rows) > limit {
		rows = rows[:limit]
		if page.NextCursor, err = cursorAt(rows[limit-1]); err != nil {
			return none, err
		}
	}
	for _, row := range rows {
		r, err := l.record(row)
		if err != nil {
			return none, err
		}
		page.Items = append(page.Items, r)
	}
	// The last page of those that begin at the first row says how many there are.
	if q.Cursor == "" && page.NextCursor == "" && (q.Offset == 0 || len(page.Items) > 0) {
		page.Total = int64(q.Offset + len(page.Items))
		return page, nil
	}
	total, err := t.db.NewSelect().Model((*M)(nil)).Apply(selected).Count(ctx)
	if err != nil {
		return none, t.fail(err, "count %ss", l.table)
	}
	page.Total = total
	return page, nil
}

// sorting says what a query is sorted by: as a cursor has it, the name and the
// column of it, and whether it goes down.
func (l *listing[M, R]) sorting(q fleet.ListQuery) (sort, name string, col column, desc bool, err error) {
	sort = q.Sort
	if sort == "" {
		sort = l.byDef
	}
	name, desc = strings.CutPrefix(sort, "-")
	col, ok := l.sorts[name]
	if !ok {
		err = promfleet.BadField("query.sort", "cannot sort by %q", q.Sort)
	}
	return sort, name, col, desc, err
}

func (l *listing[M, R]) readAtOnce(limit int) int {
	if l.size == nil {
		return limit
	}
	return min(limit, sizedRows)
}

func checkQ(q string) error {
	if len(q) > maxQ || !utf8.ValidString(q) || strings.ContainsAny(q, "\x00\x1f") {
		return promfleet.BadField("query.q", "must be text of at most %d bytes, without control characters", maxQ)
	}
	return nil
}

// selected keeps the rows that a query asks for, on whatever page they are.
func (l *listing[M, R]) selected(q fleet.ListQuery, filter func(*bun.SelectQuery) *bun.SelectQuery) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(sel *bun.SelectQuery) *bun.SelectQuery {
		if q.Deleted {
			sel = sel.WhereDeleted()
		}
		if q.Q != "" {
			sel = sel.Where("?.search LIKE ? ESCAPE '!'", bun.Ident(l.table), "%"+likeEscaper.Replace(fold(q.Q))+"%")
		}
		return sel.Apply(filter)
	}
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func order(sel *bun.SelectQuery, col, id column, desc bool) *bun.SelectQuery {
	dir, nulls := " ASC", " NULLS FIRST"
	if desc {
		dir, nulls = " DESC", " NULLS LAST"
	}
	if col.expr != id.expr {
		if !col.nullable {
			nulls = ""
		}
		sel = sel.OrderExpr(col.expr + dir + nulls)
	}
	return sel.OrderExpr(id.expr + dir)
}

// after keeps the rows behind a position.
func after(sel *bun.SelectQuery, at *position, col, id column, desc bool) *bun.SelectQuery {
	op := " > "
	if desc {
		op = " < "
	}
	switch {
	case col.expr == id.expr:
		return sel.Where(id.expr+op+"?", at.id)
	case !col.nullable:
		return sel.Where("("+col.expr+", "+id.expr+")"+op+"(?, ?)", at.value, at.id)
	case at.value == nil && desc:
		return sel.Where(col.expr+" IS NULL AND "+id.expr+op+"?", at.id)
	case at.value == nil:
		return sel.Where("("+col.expr+" IS NOT NULL OR "+id.expr+op+"?)", at.id)
	case desc:
		return sel.Where("(("+col.expr+", "+id.expr+")"+op+"(?, ?) OR "+col.expr+" IS NULL)", at.value, at.id)
	default:
		return sel.Where("("+col.expr+", "+id.expr+")"+op+"(?, ?)", at.value, at.id)
	}
}

// position is where a page ended.
type position struct{ value, id any }

// cursor is a position as callers carry it.
type cursor struct {
	Sort  string          `json:"s"`
	Value json.RawMessage `json:"v"`
	ID    json.RawMessage `json:"i"`
}

func formatCursor(sort string, value, id any) (string, error) {
	v, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	i, err := json.Marshal(id)
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	b, err := json.Marshal(cursor{sort, v, i})
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func parseCursor(s, sort string, col, id column) (*position, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return nil, false
	}
	var c cursor
	if json.Unmarshal(b, &c) != nil || c.Sort != sort {
		return nil, false
	}
	at := &position{}
	var ok1, ok2 bool
	at.value, ok1 = parseValue(c.Value, col)
	at.id, ok2 = parseValue(c.ID, id)
	return at, ok1 && ok2
}

func parseValue(b json.RawMessage, col column) (any, bool) {
	if string(b) == "null" {
		return nil, col.nullable
	}
	switch col.typ {
	case typInt:
		var n int64
		err := json.Unmarshal(b, &n)
		return n, err == nil
	case typTime:
		var t time.Time
		err := json.Unmarshal(b, &t)
		t = t.UTC()
		return t, err == nil && t.Year() >= 1 && t.Year() <= 9999
	default:
		var s string
		err := json.Unmarshal(b, &s)
		return s, err == nil && !strings.Contains(s, "\x00")
	}
}
