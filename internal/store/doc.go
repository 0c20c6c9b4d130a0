// Package store keeps the fleet in an SQL database: it is fleet.Store on SQLite,
// written so that another dialect needs its own opener and migrations and no
// other change. Tables are bun models, queries have one text for all dialects,
// and what differs between drivers is behind the backend type.
//
// It is the only package that imports database drivers.
package store
