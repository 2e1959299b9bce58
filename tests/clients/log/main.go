// What a stranger does with a zone's public log: reads it with Go's own packages for signed notes and transparency logs, and tries
// whether a changed bit anywhere gets past them. Prints what it checked as JSON; ends with 1 and a sentence when something is wrong.
//
//	log PREFIX            checkpoint, tiles and proofs below a URL
//	log -files PREFIX     the same of a static export, which has no proofs
//	log -receipt FILE     the file of one receipt
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type checked struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Leaves      int    `json:"leaves"`
	Inclusions  int    `json:"inclusions"`
	Consistency int    `json:"consistency"`
	Cosigned    int    `json:"cosigned"`
	Rejected    int    `json:"rejected"` // mutations
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

func get(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return body, err
}

// A checkpoint of C2SP's form: origin, size, root.
func parseCheckpoint(text string) (origin string, tree tlog.Tree, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return "", tree, fmt.Errorf("a checkpoint has three lines: %q", text)
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
		return "", tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return lines[0], tree, err
}

// The tiles of C2SP's tlog-tiles: those of Go's package without their height in the path. `change` may touch what was read.
type tiles struct {
	prefix string
	kept   map[string][]byte
	change func(tile tlog.Tile, data []byte)
}

func (t *tiles) Height() int { return tileHeight }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, ok := t.kept[path]
		if !ok {
			var err error
			if data, err = get(t.prefix + path); err != nil {
				return nil, err
			}
			t.kept[path] = data
		}
		found[i] = append([]byte(nil), data...)
		if t.change != nil {
			t.change(tile, found[i])
		}
	}
	return found, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	files := flag.Bool("files", false, "a static export")
	receipt := flag.String("receipt", "", "the file of one receipt")
	witness := flag.String("witness", "", "verifier key of a witness whose cosignature must be there")
	name := flag.String("checkpoint", "checkpoint", "which signed note is read")
	flag.Parse()
	var done checked
	if *receipt != "" {
		checkReceipt(*receipt, &done)
	} else {
		checkLog(flag.Arg(0), *name, *files, *witness, &done)
	}
	fmt.Println(string(must(json.Marshal(done))))
}

func checkLog(prefix, name string, files bool, witness string, done *checked) {
	key := strings.TrimSpace(string(must(get(prefix + "key"))))
	signed := must(get(prefix + name))
	verifier := must(note.NewVerifier(key))
	opened := must(note.Open(signed, note.VerifierList(verifier)))
	origin, tree, err := parseCheckpoint(opened.Text)
	if err != nil {
		fail("%v", err)
	}
	if origin != verifier.Name() {
		fail("the checkpoint is of %q, and the key of %q", origin, verifier.Name())
	}
	done.Origin, done.Size = origin, tree.N
	rejectChangedNotes(signed, verifier, done)
	if witness != "" {
		checkCosignature(signed, witness, done)
	}

	reader := &tiles{prefix: prefix, kept: map[string][]byte{}}
	hashes := tlog.TileHashReader(tree, reader)
	if root := must(tlog.TreeHash(tree.N, hashes)); root != tree.Hash {
		fail("the tiles' root is %v, and the checkpoint's %v", root, tree.Hash)
	}
	for index := int64(0); index < tree.N; index += 1 + tree.N/64 {
		leaf := must(hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)}))[0]
		done.Leaves++
		proof := must(tlog.ProveRecord(tree.N, index, hashes))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			fail("leaf %d: %v", index, err)
		}
		if !files {
			checkInclusion(prefix, tree, index, leaf, done)
		}
	}
	rejectChangedTiles(tree, reader, done)
	if files {
		return
	}
	for from := int64(1); from < tree.N; from += 1 + tree.N/32 {
		checkConsistency(prefix, tree, from, must(tlog.TreeHash(from, hashes)), done)
	}
}

type proof struct {
	Index    int64       `json:"index"`
	Size     int64       `json:"size"`
	LeafHash tlog.Hash   `json:"leaf_hash"`
	Hashes   []tlog.Hash `json:"hashes"`
}

func checkInclusion(prefix string, tree tlog.Tree, index int64, leaf tlog.Hash, done *checked) {
	var said proof
	body := must(get(fmt.Sprintf("%sinclusion?index=%d&size=%d", prefix, index, tree.N)))
	if err := json.Unmarshal(body, &said); err != nil {
		fail("%v", err)
	}
	if said.LeafHash != leaf {
		fail("leaf %d: the proof speaks of another hash than the tile", index)
	}
	if err := tlog.CheckRecord(said.Hashes, tree.N, tree.Hash, index, leaf); err != nil {
		fail("inclusion of %d: %v", index, err)
	}
	done.Inclusions++
	eachBit(said.Hashes, func() {
		if tlog.CheckRecord(said.Hashes, tree.N, tree.Hash, index, leaf) == nil {
			fail("a changed inclusion proof of %d was accepted", index)
		}
		done.Rejected++
	})
}

func checkConsistency(prefix string, tree tlog.Tree, from int64, root tlog.Hash, done *checked) {
	var said proof
	body := must(get(fmt.Sprintf("%sconsistency?from=%d&to=%d", prefix, from, tree.N)))
	if err := json.Unmarshal(body, &said); err != nil {
		fail("%v", err)
	}
	if err := tlog.CheckTree(said.Hashes, tree.N, tree.Hash, from, root); err != nil {
		fail("consistency from %d: %v", from, err)
	}
	done.Consistency++
	eachBit(said.Hashes, func() {
		if tlog.CheckTree(said.Hashes, tree.N, tree.Hash, from, root) == nil {
			fail("a changed consistency proof from %d was accepted", from)
		}
		done.Rejected++
	})
}

func checkReceipt(path string, done *checked) {
	var file struct {
		Leaf       []byte      `json:"leaf"`
		Index      int64       `json:"index"`
		TreeSize   int64       `json:"tree_size"`
		Inclusion  []tlog.Hash `json:"inclusion"`
		Checkpoint string      `json:"checkpoint"`
		Key        string      `json:"verifier_key"`
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), &file); err != nil {
		fail("%v", err)
	}
	opened := must(note.Open([]byte(file.Checkpoint), note.VerifierList(must(note.NewVerifier(file.Key)))))
	origin, tree, err := parseCheckpoint(opened.Text)
	if err != nil {
		fail("%v", err)
	}
	done.Origin, done.Size = origin, tree.N
	check := func() error {
		return tlog.CheckRecord(file.Inclusion, file.TreeSize, tree.Hash, file.Index, tlog.RecordHash(file.Leaf))
	}
	if err := check(); err != nil {
		fail("%v", err)
	}
	done.Inclusions++
	for bit := 0; bit < len(file.Leaf)*8; bit++ {
		file.Leaf[bit/8] ^= 1 << (bit % 8)
		if check() == nil {
			fail("a receipt with a changed bit %d was accepted", bit)
		}
		file.Leaf[bit/8] ^= 1 << (bit % 8)
		done.Rejected++
	}
}
