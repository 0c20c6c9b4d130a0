// Package store keeps the fleet in an SQL database: it is fleet.Store on SQLite,
// and on PostgreSQL for any number of servers. Tables are bun models, queries
// have one text for both, and what differs between drivers is behind the backend
// type; each database has its own migrations.
//
// It is the only package that imports database drivers.
package store
