package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Changes every bit of the hashes in turn, calls `look`, and changes it back.
func eachBit(hashes []tlog.Hash, look func()) {
	for bit := 0; bit < len(hashes)*tlog.HashSize*8; bit++ {
		at := &hashes[bit/8/tlog.HashSize][bit/8%tlog.HashSize]
		*at ^= 1 << (bit % 8)
		look()
		*at ^= 1 << (bit % 8)
	}
}

// Whether two notes say the same: Go's base64 passes over the two bits that the last digit of a signature does not use.
func isSameNote(a, b []byte) bool {
	head := bytes.LastIndexByte(a[:len(a)-1], ' ') + 1
	if len(a) != len(b) || !bytes.Equal(a[:head], b[:head]) || b[len(b)-1] != '\n' {
		return false
	}
	one, err := base64.StdEncoding.DecodeString(string(a[head : len(a)-1]))
	two, other := base64.StdEncoding.DecodeString(string(b[head : len(b)-1]))
	return err == nil && other == nil && bytes.Equal(one, two)
}

func rejectChangedNotes(signed []byte, verifier note.Verifier, done *checked) {
	end := len(signed)
	if second := cosignaturesAt(signed); second > 0 {
		end = second // what others have signed is passed over by those who do not know them
	}
	for bit := 0; bit < end*8; bit++ {
		changed := append([]byte(nil), signed[:end]...)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := note.Open(changed, note.VerifierList(verifier)); err == nil {
			if !isSameNote(signed[:end], changed) {
				fail("a checkpoint with a changed bit %d was accepted", bit)
			}
			continue
		}
		done.Rejected++
	}
}

// Where the second signature line begins; 0: there is one only.
func cosignaturesAt(signed []byte) int {
	lines := bytes.Index(signed, []byte("\n\n")) + 2
	first := bytes.IndexByte(signed[lines:], '\n') + 1
	if lines+first == len(signed) {
		return 0
	}
	return lines + first
}

func rejectChangedTiles(tree tlog.Tree, reader *tiles, done *checked) {
	for path, data := range reader.kept {
		step := 1
		if len(data) == 256*tlog.HashSize {
			step = 37 // a whole tile has 65,536 bits
		}
		for bit := 0; bit < len(data)*8; bit += step {
			before := data[bit/8]
			data[bit/8] ^= 1 << (bit % 8)
			if everyTileIsTrue(tree, reader, path) {
				fail("%s with a changed bit %d was accepted", path, bit)
			}
			data[bit/8] = before
			done.Rejected++
		}
	}
}

// Reads a hash out of that tile through Go's authenticating reader.
func everyTileIsTrue(tree tlog.Tree, reader *tiles, path string) bool {
	tile, err := tlog.ParseTilePath("tile/8/" + strings.TrimPrefix(path, "tile/"))
	if err != nil {
		fail("%v", err)
	}
	index := tlog.StoredHashIndex(tile.L*tileHeight, tile.N<<tileHeight)
	_, err = tlog.TileHashReader(tree, reader).ReadHashes([]int64{index})
	return err == nil
}

// The verifier of C2SP's cosignature/v1, which Go's package does not bring.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	said := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, []byte(said), signature[8:])
}

func newCosigner(vkey string) (cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return cosigner{}, errors.New("no verifier key: " + vkey)
	}
	bytes, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(bytes) != 1+ed25519.PublicKeySize || bytes[0] != 4 {
		return cosigner{}, errors.New("no key of a cosigner: " + vkey)
	}
	digest := sha256.Sum256([]byte(parts[0] + "\n" + string(bytes)))
	made := cosigner{parts[0], binary.BigEndian.Uint32(digest[:4]), bytes[1:]}
	if parts[1] != fmt.Sprintf("%08x", made.hash) {
		return cosigner{}, errors.New("the verifier key's hash is another: " + vkey)
	}
	return made, nil
}

func checkCosignature(signed []byte, vkey string, done *checked) {
	known := must(newCosigner(vkey))
	opened := must(note.Open(signed, note.VerifierList(known)))
	done.Cosigned = len(opened.Sigs)
	begin := cosignaturesAt(signed)
	for bit := begin * 8; bit < len(signed)*8; bit++ {
		changed := append([]byte(nil), signed...)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := note.Open(changed, note.VerifierList(known)); err == nil {
			if !isSameNote(signed, changed) {
				fail("a cosignature with a changed bit %d was accepted", bit)
			}
			continue
		}
		done.Rejected++
	}
}
