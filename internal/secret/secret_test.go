package secret_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"promfleet/internal/secret"
)

func TestSealedOpensOnlyWithItsKeyAndContext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), secret.KeySize, secret.KeySize).Draw(t, "key")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		context := rapid.String().Draw(t, "context")
		box, err := secret.NewBox(key)
		if err != nil {
			t.Fatal(err)
		}
		sealed := box.Seal(plain, context)
		if got, err := box.Open(sealed, context); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, error %v", got, err)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("sealed bytes show the plain ones")
		}
		if _, err := box.Open(sealed, context+"x"); err == nil {
			t.Fatal("opened for another context")
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1
		if _, err := box.Open(sealed, context); err == nil {
			t.Fatal("opened after a change")
		}
		key[0] ^= 1
		other, err := secret.NewBox(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Open(box.Seal(plain, context), context); err == nil {
			t.Fatal("opened with another key")
		}
	})
}

// Whoever comes first makes the key; all have the same.
func TestKeyFileIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if _, err := secret.LoadBox(path, false); err == nil {
		t.Fatal("a missing key was made unasked")
	}
	boxes := make([]*secret.Box, 8)
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() {
			var err error
			if boxes[i], err = secret.LoadBox(path, true); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed := boxes[0].Seal([]byte("x"), "")
	for _, b := range boxes {
		if _, err := b.Open(sealed, ""); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, error %v", left, err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadBox(path, true); err == nil {
		t.Error("a short key was taken")
	}
}
