package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/fleetfile"
)

// exporting is the command export.
type exporting struct {
	c                 *command
	cl                *client.Client
	node, format, out *string
	all               *bool
}

func (c *command) addExport(app *kingpin.Application) {
	cmd := app.Command("export", "Write what a node is as a complete prometheus.yml, or as fleet files; secrets are shown as <secret>.")
	conn := c.connection(cmd)
	e := exporting{
		c:      c,
		node:   cmd.Flag("node", "UUID of the node, or its hostname where one node alone has it.").PlaceHolder("UUID|HOSTNAME").String(),
		all:    cmd.Flag("all", "Every node, as fleet files: one a node in the directory --out.").Bool(),
		format: cmd.Flag("output", "prometheus (default), or fleetfile, which apply takes.").Short('o').Enum("prometheus", "fleetfile"),
		out:    cmd.Flag("out", "File, or directory with --all; a file that says the same already is not written. Default: standard output.").PlaceHolder("FILE|DIR").String(),
	}
	c.calls(cmd, conn, func(cl *client.Client) error {
		e.cl = cl
		return e.run()
	})
}

func (e exporting) run() error {
	wrong := func(why error) error { return &usageError{err: why, command: "promfleet export"} }
	switch {
	case (*e.node == "") == !*e.all:
		return wrong(errorf("give either --node or --all"))
	case *e.all && *e.format == "prometheus":
		return wrong(errorf("--all writes fleet files; a prometheus.yml is of one node"))
	case *e.all && *e.out == "":
		return wrong(errorf("--all needs a directory, --out"))
	case *e.all:
		return e.everyNode()
	}
	uuid, err := e.c.nodeUUID(e.cl, *e.node)
	if err != nil {
		return err
	}
	content, masked, err := e.one(uuid)
	if err != nil {
		return err
	}
	if *e.out == "" {
		_, err = e.c.stdout.Write(content)
	} else {
		err = e.write(*e.out, content)
	}
	if err == nil {
		e.tellMasked(masked)
	}
	return err
}

func (e exporting) one(uuid string) (content []byte, masked []string, err error) {
	if *e.format != "fleetfile" && !*e.all {
		if content, err = e.cl.Export(e.c.ctx, uuid); err == nil {
			masked, err = maskedInConfig(content)
		}
		return content, masked, err
	}
	docs, err := e.cl.ExportDocuments(e.c.ctx, uuid)
	if err != nil {
		return nil, nil, err
	}
	content, err = fleetfile.Encode(docs)
	return content, maskedInDocuments(docs), err
}

func (e exporting) everyNode() error {
	nodes, err := e.c.nodes(e.cl)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*e.out, 0o777); err != nil { // umask says who may read it
		return err
	}
	names := fileNames(nodes)
	bar := e.c.progress("exporting nodes")
	defer bar.end()
	var masked []string
	written := 0
	for i, n := range nodes {
		content, secrets, err := e.one(n.UUID)
		if promfleet.ErrorCode(err) == promfleet.NotFound {
			continue // deleted in the meantime
		}
		if err != nil {
			return errorf("node %s: %w", n.UUID, err)
		}
		changed, err := replace(filepath.Join(*e.out, names[n.UUID]), content)
		if err != nil {
			return err
		}
		if changed {
			written++
		}
		for _, s := range secrets {
			masked = append(masked, names[n.UUID]+": "+s)
		}
		bar.told(i+1, len(nodes))
	}
	bar.end()
	e.tellMasked(masked)
	e.c.say("%d nodes are in %s: %d files written, %d said the same already", len(nodes), *e.out, written, len(nodes)-written)
	return e.tellOthers(names)
}

// tellOthers names the files in the directory that are of no node. They stay: they
// may be anybody's.
func (e exporting) tellOthers(names map[string]string) error {
	there, err := os.ReadDir(*e.out)
	if err != nil {
		return err
	}
	ours := make(map[string]bool, len(names))
	for _, name := range names {
		ours[name] = true
	}
	for _, f := range there {
		if filepath.Ext(f.Name()) == ".yml" && f.Type().IsRegular() && !ours[f.Name()] {
			e.c.say("%s is of no node that there is now: delete it if it was exported before", plain(filepath.Join(*e.out, f.Name())))
		}
	}
	return nil
}

// maxMasked is how many secrets are named.
const maxMasked = 50

func (e exporting) tellMasked(masked []string) {
	for i, s := range masked {
		if i == maxMasked {
			e.c.say("and %d secrets more", len(masked)-i)
			break
		}
		e.c.say("%s is shown as <secret>", plain(s))
	}
	if len(masked) == 0 {
		return
	}
	if *e.format == "fleetfile" || *e.all {
		e.c.say("apply keeps what the server has for them; promfleet admin export, on the server, shows them")
	} else {
		e.c.say("promfleet admin export, on the server, shows them")
	}
}

func (e exporting) write(path string, content []byte) error {
	changed, err := replace(path, content)
	if err != nil {
		return err
	}
	if changed {
		e.c.say("%s is written", path)
	} else {
		e.c.say("%s said the same already", path)
	}
	return nil
}

// replace makes a file have a content, whole or not at all, and says whether it had
// another one.
func replace(path string, content []byte) (changed bool, err error) {
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return false, errorf("%s is a directory; hint: --out is a file, but with --all", path)
	case err == nil && !info.Mode().IsRegular(): // a pipe, or /dev/stdout
		return true, os.WriteFile(path, content, 0)
	case err == nil:
		mode = info.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil { // the link stays
			return false, err
		}
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			return false, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".promfleet-*")
	if err != nil {
		return false, err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return false, errors.Join(errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return true, nil
}
