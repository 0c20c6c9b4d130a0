// Package secret keeps what must not be read from the database alone: it seals
// and opens bytes with a key that lives beside the database, or elsewhere. It
// also makes and hashes the tokens that callers authenticate with.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// KeySize is the length of a key in bytes (AES-256).
const KeySize = 32

// Box seals and opens with one key. The zero Box does neither.
type Box struct{ aead cipher.AEAD }

// NewBox makes a Box of a key of KeySize bytes.
func NewBox(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("secret key has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	return &Box{aead: aead}, nil
}

// LoadBox reads the key file, or creates it (0600) with a random key if it is
// missing and create is set. Losing the file loses what was sealed, so a missing
// key is an error where there is data already.
func LoadBox(path string, create bool) (*Box, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		key = make([]byte, KeySize)
		_, _ = rand.Read(key) // never fails
		err = writeNew(path, key)
		if err == nil {
			return NewBox(key)
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("create secret key: %w", err)
		}
		key, err = os.ReadFile(path) // another process was first
	}
	if err != nil {
		return nil, fmt.Errorf("read secret key: %w", err)
	}
	box, err := NewBox(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return box, nil
}

// writeNew leaves the file whole and on disk, or not there.
func writeNew(path string, data []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	// Link, not rename: a key that another process has just made is not replaced.
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Seal encrypts. context says what the bytes belong to (as "job 12"): Open wants
// the same, so that a sealed value moved elsewhere does not open.
func (b *Box) Seal(plain []byte, context string) []byte {
	return b.aead.Seal(nil, nil, plain, []byte(context))
}

// Open decrypts what Seal gave for the same context.
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	plain, err := b.aead.Open(nil, nil, sealed, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("open sealed %s: wrong secret key or damaged data: %w", context, err)
	}
	return plain, nil
}

// NewToken makes a random token of 256 bits. The prefix tells people, and
// scanners for leaked secrets, what it is.
func NewToken(prefix string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// HashToken gives what is kept of a token. A plain SHA-256 serves, since tokens
// are too random to be guessed.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
