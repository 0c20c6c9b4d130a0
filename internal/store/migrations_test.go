package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"promfleet"
	"promfleet/internal/fleet"
)

// firstSchema are rows of a database of schema version 1, as that version wrote them.
const firstSchema = `
INSERT INTO nodes VALUES ('00000000-0000-4000-8000-000000000001', 'host', 'http://h:9090/', 'host', NULL, X'73', 'h', 1, 1, 7, 0, 0, 0, '', '', '', '', 0, 0, NULL, 3, '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', NULL);
INSERT INTO jobs VALUES (1, '00000000-0000-4000-8000-000000000001', 'k', 'k', '', 'k', X'73', 'h', 1, 1, 'h', 1, 1, 1, 2, '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', NULL);
INSERT INTO targets VALUES (1, 1, '', '', 'a:1', '{"env":"prod"}', 'a:1', X'000102030405060708090a0b', 1, '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', NULL);
INSERT INTO tags VALUES (1, 'ÉCOLE 北京', '', '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', NULL), (2, '测试', '', '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', NULL);
INSERT INTO node_tags VALUES ('00000000-0000-4000-8000-000000000001', 1);
INSERT INTO target_tags VALUES (1, 1), (1, 2);
INSERT INTO revisions VALUES ('00000000-0000-4000-8000-000000000001', 6, '2026-01-02 03:04:05+00:00'), ('00000000-0000-4000-8000-000000000001', 7, '2026-01-02 03:04:05+00:00');
INSERT INTO events VALUES (1, '2026-01-02 03:04:05+00:00', 'token:ci', 'create', 'job/1', '00000000-0000-4000-8000-000000000001', 'token:ci', NULL, '{}');
`

// migrateTo makes or changes a database file to a schema version.
func migrateTo(t *testing.T, path string, version int64, names ...string) {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range names {
		body, err := fs.ReadFile(sqliteMigrations, "migrations/sqlite/"+name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: body}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	have, err := p.GetDBVersion(t.Context())
	if err == nil && have > version {
		_, err = p.DownTo(t.Context(), version)
	} else if err == nil {
		_, err = p.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
	if have == 0 {
		if _, err := db.Exec(firstSchema); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSQLiteMigrates: what a database of the first schema holds is all there, and
// is as if it had been written by this version. The way back keeps it too.
func TestSQLiteMigrates(t *testing.T) {
	openSQLite(t, tempDB(t), Options{}) // says how this process locks files, before any is
	path := tempDB(t)
	migrateTo(t, path, 1, "00001_init.sql")
	s := openSQLite(t, path, Options{})
	checkMigrated(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrateTo(t, path, 1, "00001_init.sql", "00002_users_history.sql", "00003_confirmed.sql", "00004_notices.sql", "00005_managed.sql", "00006_questions.sql", "00007_user_tokens.sql", "00008_steps.sql", "00009_lists.sql", "00010_policy.sql")
	checkMigrated(t, openSQLite(t, path, Options{}))
}

func checkMigrated(t *testing.T, s *Store) {
	t.Helper()
	ctx, q := t.Context(), fleet.ListQuery{Limit: 10}
	err := s.View(ctx, func(tx fleet.Tx) error {
		n, err := tx.Node(ctx, testNode)
		if err != nil {
			return err
		}
		if n.Revision != 7 || n.Version != 3 || len(n.Tags) != 1 || n.Contacts == nil || string(n.SealedBase) != "s" {
			t.Errorf("the node: %+v", n)
		}
		j, err := tx.JobByName(ctx, testNode, "k")
		if err != nil {
			return err
		}
		if j.SetVersion != 0 || j.Version != 2 || j.Contacts == nil || j.Targets != 1 {
			t.Errorf("the job: %+v", j)
		}
		targets, err := tx.TargetsMatching(ctx, fleet.TargetQuery{Tags: []string{"测试", "ÉCOLE 北京"}}, 0, 10)
		if err != nil {
			return err
		}
		if len(targets) != 1 || targets[0].Addr != "a:1" || targets[0].Labels["env"] != "prod" {
			t.Errorf("the targets: %+v", targets)
		}
		tags, err := tx.ListTags(ctx, fleet.ListQuery{Limit: 10, Q: "école"})
		if err != nil {
			return err
		}
		if want := (promfleet.Tag{ID: 1, Name: "ÉCOLE 北京", CreatedAt: testTime, UpdatedAt: testTime, Version: 1}); tags.Total != 1 || tags.Items[0] != want {
			t.Errorf("the tags: %+v", tags)
		}
		events, err := tx.ListEvents(ctx, fleet.EventQuery{ListQuery: q})
		if err != nil {
			return err
		}
		if e := events.Items[0]; events.Total != 1 || e.Actor != "token:ci" || e.ActorName != "token:ci" || e.Reverts != 0 || string(e.After) != "{}" {
			t.Errorf("the events: %+v", events)
		}
		revisions, err := tx.ListRevisions(ctx, testNode, q)
		if err != nil {
			return err
		}
		has, err := tx.HasHistory(ctx, testNode)
		if err != nil {
			return err
		}
		some, err := tx.AnyUser(ctx)
		if revisions.Total != 0 || has || some {
			t.Errorf("there are %d revisions, history: %v, users: %v", revisions.Total, has, some)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// It goes on; nothing of this is kept.
	undo := errors.New("undo")
	err = s.Update(ctx, func(tx fleet.Tx) error {
		g, err := tx.TagByName(ctx, "测试")
		if err != nil {
			return err
		}
		g.DeletedAt = &g.CreatedAt
		if err := tx.UpdateTag(ctx, g); err != nil {
			return err
		}
		rev, err := tx.AddRevision(ctx, testNode, promfleet.Revision{At: testTime, Actor: "user/1"})
		if err != nil {
			return err
		}
		if rev != 8 {
			t.Errorf("the next revision is %d", rev)
		}
		if err := tx.SetHistory(ctx, fleet.PartHistory{Node: testNode, Name: "base", From: rev}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Errorf("writes after the migration: %v", err)
	}
}
