package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet/internal/fleet"
	"promfleet/internal/server"
	"promfleet/internal/store"
)

// adminExport is the way out: whoever has the database and its key may leave with
// everything.
func (c *command) adminExport(cmd *kingpin.CmdClause) {
	o := &server.Options{}
	storageFlags(cmd, o)
	node := cmd.Flag("node", "UUID of the node.").Required().PlaceHolder("UUID").String()
	to := cmd.Flag("out", "Write to this file, for its owner only; it must not be there yet. Default: standard output.").PlaceHolder("FILE").String()
	c.does(cmd, func() error {
		if err := existing(*o); err != nil {
			return err
		}
		return withFleet(c, *o, func(f *fleet.Service, _ *store.Store) error {
			yml, err := f.ExportPlain(c.ctx, strings.ToLower(*node))
			if err != nil {
				return err
			}
			if *to == "" {
				_, err = c.stdout.Write(yml)
				return err
			}
			if err := writePrivate(*to, yml); err != nil {
				return err
			}
			c.say("wrote %s (%d bytes), which has the secrets of node %s in it", *to, len(yml), *node)
			return nil
		})
	})
}

// writePrivate makes a file for its owner only.
func writePrivate(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errorf("%s is there already; hint: choose another name, or remove it first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}
