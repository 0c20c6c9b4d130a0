package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"promfleet"
	"promfleet/internal/fleet"
)

// recorder keeps the text of queries.
type recorder struct{ queries []string }

func (r *recorder) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	r.queries = append(r.queries, e.Query)
	return ctx
}
func (r *recorder) AfterQuery(context.Context, *bun.QueryEvent) {}

// plan gives the steps of SQLite's plan for a query.
func plan(t *testing.T, s *Store, query string) (steps []string) {
	t.Helper()
	rows, err := s.writer.DB.Query("EXPLAIN QUERY PLAN " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestSQLitePlans: what is asked at every edit and by every page goes by an index,
// and no row is sorted for it.
func TestSQLitePlans(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	job := seedNode(t, s)
	insertMany(t, s, job, 1000)
	rec := &recorder{}
	s.reader, s.writer = s.reader.WithQueryHook(rec), s.writer.WithQueryHook(rec)
	check := func(name string, err error) {
		t.Helper()
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			t.Fatalf("%s: %v", name, err)
		}
		planned := 0
		for _, query := range rec.queries {
			verb, _, _ := strings.Cut(query, " ")
			if verb == "BEGIN" || verb == "COMMIT" || verb == "ROLLBACK" || verb == "INSERT" || query == s.pin {
				continue
			}
			planned++
			for _, step := range plan(t, s, query) {
				// The rows that a statement brings along are no table's.
				given := strings.HasPrefix(step, "SCAN _data") || strings.HasSuffix(step, "VALUES CLAUSE") || strings.Contains(step, "CONSTANT ROW")
				if strings.HasPrefix(step, "SCAN") && !given || strings.Contains(step, "TEMP B-TREE") && !strings.Contains(step, "LAST TERM") {
					t.Errorf("%s: %s: %.300s", name, step, query)
				}
			}
		}
		if planned == 0 {
			t.Errorf("%s asked nothing", name)
		}
		rec.queries = nil
	}
	for name, ask := range reads(job) {
		check(name, s.View(t.Context(), func(tx fleet.Tx) error { return ask(t.Context(), tx) }))
	}
	for name, write := range writes(job) {
		check(name, s.Update(t.Context(), func(tx fleet.Tx) error { return write(t.Context(), tx) }))
	}
}

// TestSecretsNotRead: what only one purpose needs is read for that alone.
func TestSecretsNotRead(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	rec := &recorder{}
	s.reader = s.reader.WithQueryHook(rec)
	q := fleet.ListQuery{Limit: 10}
	err := s.View(t.Context(), func(tx fleet.Tx) error {
		_, errs := tx.User(t.Context(), 1)
		_, err := tx.UserByName(t.Context(), "x")
		if !errors.Is(errs, fleet.ErrNotFound) || !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("a user: %v, %v", errs, err)
		}
		_, errs = tx.ListUsers(t.Context(), q)
		_, err = tx.ListEvents(t.Context(), fleet.EventQuery{ListQuery: q})
		errs = errors.Join(errs, err)
		_, err = tx.EventsAbove(t.Context(), "x", 0, 10)
		return errors.Join(errs, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range rec.queries {
		query = strings.ReplaceAll(query, hasPassword, "") // and nothing more of it
		if strings.Contains(query, "password") || strings.Contains(query, "sealed_before") {
			t.Errorf("it reads too much: %s", query)
		}
	}
}

type queries = map[string]func(context.Context, fleet.Tx) error

func reads(job int64) queries {
	var first string
	q := fleet.ListQuery{Limit: 10}
	return queries{
		"Node": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Node(ctx, testNode); return err },
		"NodeByCredential": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.NodeByCredential(ctx, []byte("x"))
			return err
		},
		"JobByKey":      func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobByKey(ctx, testNode, "k"); return err },
		"JobsOfNode":    func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobsOfNode(ctx, testNode); return err },
		"Target":        func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Target(ctx, 1); return err },
		"TargetsByID":   func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TargetsByID(ctx, []int64{1, 2}); return err },
		"TargetsByAddr": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TargetsByAddr(ctx, job, "a"); return err },
		"TargetsOfJobs": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.TargetsOfJobs(ctx, []int64{job, job + 1})
			return err
		},
		"NodesByHostname": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.NodesByHostname(ctx, "host")
			return err
		},
		"NodesWithTag": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.NodesWithTag(ctx, 1); return err },
		"TargetsInRange": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.TargetsInRange(ctx, job, fleet.SplitKey{}, fleet.SplitKey{9})
			return err
		},
		"PieceAt": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.PieceAt(ctx, job, fleet.SplitKey{})
			return err
		},
		"JobByName": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobByName(ctx, testNode, "k"); return err },
		"TargetsAfter": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.TargetsAfter(ctx, job, "10.0.1.1:9100", "", 100)
			return err
		},
		"LabelNames": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.LabelNames(ctx, job); return err },
		"TargetsMatching a tag": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.TargetsMatching(ctx, fleet.TargetQuery{Tags: []string{"线上"}}, 100, 100)
			return err
		},
		"ListTargets by tags": func(ctx context.Context, tx fleet.Tx) error {
			return list(ctx, tx, fleet.TargetQuery{ListQuery: q, Tags: []string{"线上", "北京"}}, &first)
		},
		"JobsWithTag": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.JobsWithTag(ctx, 1); return err },
		"TagByName":   func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TagByName(ctx, "线上"); return err },
		"UserByName":  func(ctx context.Context, tx fleet.Tx) error { _, err := tx.UserByName(ctx, "北京"); return err },
		"Password":    func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Password(ctx, 1); return err },
		"ListContacts of a user": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.ListContacts(ctx, fleet.ContactQuery{ListQuery: q, User: 1})
			return err
		},
		"ListContacts of a node": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.ListContacts(ctx, fleet.ContactQuery{ListQuery: q, Node: testNode})
			return err
		},
		"LiveContacts": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.LiveContacts(ctx, []int64{1, 2})
			return err
		},
		"Session":       func(ctx context.Context, tx fleet.Tx) error { _, err := tx.Session(ctx, "x", testTime); return err },
		"LoginFailures": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.LoginFailures(ctx, "x"); return err },
		"RevisionsOf": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.RevisionsOf(ctx, []string{testNode, "x"})
			return err
		},
		"ListRevisions": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.ListRevisions(ctx, testNode, q); return err },
		"HistoryAt":     func(ctx context.Context, tx fleet.Tx) error { _, err := tx.HistoryAt(ctx, testNode, 1); return err },
		"HasHistory":    func(ctx context.Context, tx fleet.Tx) error { _, err := tx.HasHistory(ctx, testNode); return err },
		"EventsAbove": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.EventsAbove(ctx, "job/1", 1, 1)
			return err
		},
		"TokenByHash": func(ctx context.Context, tx fleet.Tx) error { _, err := tx.TokenByHash(ctx, []byte("x")); return err },
		"ListTargets by addr": func(ctx context.Context, tx fleet.Tx) error {
			return list(ctx, tx, fleet.TargetQuery{ListQuery: q, Addr: "10.0.1.1:9100"}, &first)
		},
		"OpenQuestions": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.OpenQuestions(ctx, testNode, testTime, 10)
			return err
		},
		"AnsweredQuestions": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.AnsweredQuestions(ctx, []int64{1, 2})
			return err
		},
		"ListTargets": func(ctx context.Context, tx fleet.Tx) error {
			return list(ctx, tx, fleet.TargetQuery{ListQuery: q, Job: job}, &first)
		},
		"ListTargets 2": func(ctx context.Context, tx fleet.Tx) error {
			var cursor string
			if err := list(ctx, tx, fleet.TargetQuery{ListQuery: q, Job: job}, &cursor); err != nil {
				return err
			}
			next := q
			next.Cursor = cursor
			return list(ctx, tx, fleet.TargetQuery{ListQuery: next, Job: job}, &first)
		},
		"ListEvents": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: q, Node: testNode})
			return err
		},
	}
}

func list(ctx context.Context, tx fleet.Tx, q fleet.TargetQuery, cursor *string) error {
	page, err := tx.ListTargets(ctx, q)
	*cursor = page.NextCursor
	return err
}

func writes(job int64) queries {
	history := fleet.PartHistory{Node: testNode, Name: "base", From: 3}
	return queries{
		"AddRevision": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.AddRevision(ctx, testNode, promfleet.Revision{At: testTime})
			return err
		},
		"UpdateNode": func(ctx context.Context, tx fleet.Tx) error {
			n, err := tx.Node(ctx, testNode)
			if err != nil {
				return err
			}
			n.Tags = []string{"开发"}
			return tx.UpdateNode(ctx, n)
		},
		"UpdateTargets": func(ctx context.Context, tx fleet.Tx) error {
			recs, err := tx.TargetsAfter(ctx, job, "", "", 700)
			var targets []*fleet.TargetRecord
			for i := range recs {
				recs[i].Tags = []string{"测试"}
				targets = append(targets, &recs[i])
			}
			if err == nil {
				err = tx.UpdateTargets(ctx, targets)
			}
			for _, r := range targets {
				r.Tags = []string{"上海"}
			}
			return errors.Join(err, tx.UpdateTargets(ctx, targets))
		},
		"TouchTagged":  func(ctx context.Context, tx fleet.Tx) error { return tx.TouchTagged(ctx, 1) },
		"TouchContact": func(ctx context.Context, tx fleet.Tx) error { return tx.TouchContact(ctx, 1) },
		"TouchUser":    func(ctx context.Context, tx fleet.Tx) error { return tx.TouchUser(ctx, 1) },
		"SetHistory":   func(ctx context.Context, tx fleet.Tx) error { return tx.SetHistory(ctx, history) },
		"EndHistory":   func(ctx context.Context, tx fleet.Tx) error { return tx.EndHistory(ctx, testNode, "base", 4) },
		"PruneHistory": func(ctx context.Context, tx fleet.Tx) error {
			return tx.PruneHistory(ctx, testNode, 2)
		},
		"AnswerQuestion": func(ctx context.Context, tx fleet.Tx) error {
			return tx.AnswerQuestion(ctx, testNode, 1, []byte("{}"), testTime)
		},
		"DeleteQuestions": func(ctx context.Context, tx fleet.Tx) error { return tx.DeleteQuestions(ctx, []int64{1, 2}) },
		"DeleteSession":   func(ctx context.Context, tx fleet.Tx) error { return tx.DeleteSession(ctx, "x") },
		"DeleteExpired": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.DeleteExpired(ctx, testTime, testTime, 10)
			return err
		},
		"DeleteEvents": func(ctx context.Context, tx fleet.Tx) error {
			_, err := tx.DeleteEvents(ctx, testTime, 10)
			return err
		},
	}
}

// TestSQLiteListOrders: the targets of all jobs are millions; the sorts that pages
// offer go along an index, so that a page costs what comes before it and no more.
func TestSQLiteListOrders(t *testing.T) {
	s := openSQLite(t, tempDB(t), Options{})
	job := seedNode(t, s)
	insertMany(t, s, job, 1000)
	rec := &recorder{}
	s.reader = s.reader.WithQueryHook(rec)
	for _, sort := range []string{"id", "-id", "name", "-name", "addr", "-addr", "updated_at", "-updated_at"} {
		rec.queries = nil
		q := fleet.TargetQuery{ListQuery: fleet.ListQuery{Limit: 10, Offset: 500, Sort: sort}}
		if err := s.View(t.Context(), func(tx fleet.Tx) error { _, err := tx.ListTargets(t.Context(), q); return err }); err != nil {
			t.Fatal(err)
		}
		looked := 0
		for _, query := range rec.queries {
			_, found, ok := strings.Cut(query, "IN (SELECT target.id ")
			if !ok {
				continue
			}
			looked++
			found, _, _ = strings.Cut(found, ")) ORDER BY")
			for _, step := range plan(t, s, "SELECT target.id "+found) {
				if strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("by %s: %s: %s", sort, step, found)
				}
			}
		}
		if looked != 1 {
			t.Errorf("by %s: %d queries for a page, want 1: %q", sort, looked, rec.queries)
		}
	}
}
