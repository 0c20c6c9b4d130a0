package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// credentials are what promfleet login keeps: a token for each server.
type credentials struct {
	Servers map[string]credential `json:"servers"` // by URL
}

type credential struct {
	Name  string `json:"name"` // of the user
	Token string `json:"token"`
}

// credentialsFile gives the path of the credentials: below $XDG_CONFIG_HOME, which
// counts only if it is absolute, else below ~/.config. "": there is no home.
func credentialsFile() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := os.Getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "promfleet", "credentials.json")
}

// serverKey is what a server is kept under: as different URLs of one server as
// people write are one.
func serverKey(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.Path, "/")
}

// readCredentials gives what is kept; nothing, if there is no file. A file that
// others can read is refused: its tokens are theirs as well.
func readCredentials() (credentials, error) {
	var c credentials
	path := credentialsFile()
	if path == "" {
		return c, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, errorf("read the credentials: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return c, errorf("read the credentials: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return c, errorf("the credentials in %s are open to others (mode %04o); hint: chmod 600 %s, and log in again if others may have read them", path, mode, path)
	}
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return c, errorf("the credentials in %s cannot be read: %w; hint: delete the file and log in again", path, err)
	}
	return c, nil
}

// write replaces the file as a whole.
func (c credentials) write() (err error) {
	path := credentialsFile()
	if path == "" {
		return errorf("there is no place for the credentials; hint: set HOME or XDG_CONFIG_HOME")
	}
	defer func() {
		if err != nil {
			err = errorf("write the credentials: %w", err)
		}
	}()
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".credentials-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect once it is renamed
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// set keeps a credential for a server, or none if it is empty.
func (c *credentials) set(server string, to credential) {
	if c.Servers == nil {
		c.Servers = map[string]credential{}
	}
	if delete(c.Servers, serverKey(server)); to.Token != "" {
		c.Servers[serverKey(server)] = to
	}
}
