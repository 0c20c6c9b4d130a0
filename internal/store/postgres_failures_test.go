package store

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"promfleet/internal/fleet"
	"promfleet/internal/pgtest"
)

// testPostgresFailures: what the operator has to mend is said in one line, with
// what to do, and without the password.
func testPostgresFailures(t *testing.T, server *pgtest.Server) {
	good := server.Database(t)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	change := func(edit func(u *url.URL)) string {
		v := *u
		edit(&v)
		return v.String()
	}
	query := func(q string) string { return change(func(u *url.URL) { u.RawQuery = q }) }
	database := func(name, options string) string {
		server.Exec(t, "CREATE DATABASE "+name+" "+options)
		return change(func(u *url.URL) { u.Path = name })
	}
	server.Exec(t, "CREATE ROLE guest LOGIN PASSWORD 's3cret/guest'")
	newer := database("newer", "")
	s := openPostgres(t, newer, Options{})
	if _, err := s.writer.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
		t.Fatal(err)
	}

	const name = "open database postgres://" + pgtest.Superuser + "@"
	for what, tt := range map[string]struct {
		url  string
		want []string
	}{
		"no URL":               {"s3cret", []string{"open database: ", "postgres://USER:PASSWORD@HOST"}},
		"a password unescaped": {"postgres://u:s3cret/a?b@host:x/db", []string{"open database: ", "%40"}},
		"a file is missing":    {query("sslmode=verify-full&sslrootcert=/no/such.pem"), []string{"open database: ", "/no/such.pem", "no such file"}},
		"wrong password":       {change(func(u *url.URL) { u.User = url.UserPassword(pgtest.Superuser, "s3cret") }), []string{name + u.Host, "check user and password"}},
		"no database":          {change(func(u *url.URL) { u.Path = "none" }), []string{u.Host + "/none", "create it"}},
		"nobody listens":       {change(func(u *url.URL) { u.Host = "127.0.0.1:1" }), []string{"127.0.0.1:1", "check that it runs", "connection refused"}},
		"two hosts":            {change(func(u *url.URL) { u.Host = "127.0.0.1:1,127.0.0.1:2" }), []string{"127.0.0.1:1,127.0.0.1:2", "check that it runs"}},
		"no TLS":               {query("sslmode=require"), []string{"TLS"}},
		"a newer schema":       {newer, []string{u.Host + "/newer", "schema version 99"}},
		"another encoding":     {database("latin", "ENCODING 'LATIN1' TEMPLATE template0"), []string{"LATIN1", "ENCODING 'UTF8'"}},
		"not durable":          {query("synchronous_commit=off"), []string{"synchronous_commit is off"}},
		"no rights":            {change(func(u *url.URL) { u.User = url.UserPassword("guest", "s3cret/guest") }), []string{"guest@", "make it the owner"}},
	} {
		s, err := OpenPostgres(t.Context(), tt.url, Options{})
		if err == nil {
			t.Errorf("%s: it opened", what)
			_ = s.Close()
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nwant it to say %q", what, err, w)
			}
		}
		if said := err.Error(); strings.Contains(said, "\n") || strings.Contains(said, password) || strings.Contains(said, "s3cret") {
			t.Errorf("%s: more than a line, or the password: %q", what, said)
		}
	}

	seedNode(t, openPostgres(t, good, Options{}))
	_, err = bump(openPostgres(t, query("default_transaction_read_only=on"), Options{}))
	if !errors.Is(err, fleet.ErrUnwritable) || !strings.Contains(err.Error(), "takes no writes") {
		t.Errorf("read-only: %v", err)
	}
	slow := openPostgres(t, query("statement_timeout=50ms"), Options{})
	err = slow.View(t.Context(), func(ftx fleet.Tx) error {
		_, err := ftx.(*tx).db.ExecContext(t.Context(), "SELECT pg_sleep(10)")
		return ftx.(*tx).fail(err, "sleep")
	})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "statement_timeout") {
		t.Errorf("slow: %v", err)
	}
}

// TestPostgresKinds: failures by SQLSTATE, which are hard to bring about.
func TestPostgresKinds(t *testing.T) {
	for code, want := range map[string]struct {
		kind kind
		is   error
	}{
		"23505": {kindUnique, nil},
		"23503": {kindForeign, nil},
		"40001": {kindBusy, nil},
		"40P01": {kindBusy, nil},
		"55P03": {kindBusy, nil},
		"57P01": {kindLost, fleet.ErrUnreachable},
		"57P03": {kindLost, fleet.ErrUnreachable},
		"08006": {kindLost, fleet.ErrUnreachable},
		"53300": {kindLost, fleet.ErrUnreachable},
		"53100": {kindOther, fleet.ErrUnwritable},
		"58030": {kindOther, fleet.ErrUnwritable},
		"25006": {kindOther, fleet.ErrUnwritable},
		"28P01": {kindOther, nil},
		"42601": {kindOther, nil},
	} {
		err := error(&pgconn.PgError{Code: code, Severity: "ERROR", SeverityUnlocalized: "ERROR"})
		explained := pgExplain(err)
		if got := pgKind(explained); got != want.kind {
			t.Errorf("%s is of kind %d, want %d", code, got, want.kind)
		}
		for _, is := range []error{fleet.ErrUnreachable, fleet.ErrUnwritable} {
			if errors.Is(explained, is) != errors.Is(want.is, is) {
				t.Errorf("%s: %v; is it %q?", code, explained, is)
			}
		}
	}
}
