// judge checks a log that `strongroom audit export` wrote, with Go's own golang.org/x/mod/sumdb:
//
//	judge FOLDER VERIFIER-KEY PROOFS
//
// PROOFS is JSON that the vault made: inclusion proofs of entries, and consistency proofs from older checkpoints.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index int64
	Path  []tlog.Hash
}

type consistency struct {
	Older string
	Path  []tlog.Hash
}

type proofs struct {
	Inclusion   []inclusion
	Consistency []consistency
}

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "judge: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func openCheckpoint(data []byte, verifiers note.Verifiers) (int64, tlog.Hash) {
	opened, err := note.Open(data, verifiers)
	must(err, "signature")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		must(fmt.Errorf("%d lines", len(lines)), "checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return size, root
}

// folder reads tiles of the export for tlog: C2SP's tiles are Go's of height 8, without the height in their names.
type folder struct {
	path string
	size int64
}

func (f folder) Height() int { return 8 }

func (f folder) file(t tlog.Tile) string {
	width := int64(256)
	if left := f.size>>(8*uint(t.L)) - t.N<<8; left < width {
		width = left
	}
	whole := tlog.Tile{H: t.H, L: t.L, N: t.N, W: int(width)}
	return filepath.Join(f.path, strings.Replace(whole.Path(), "tile/8/", "tile/", 1))
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		read, err := os.ReadFile(f.file(t))
		if err != nil {
			return nil, err
		}
		data[i] = read[:t.W*tlog.HashSize]
	}
	return data, nil
}

func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// entries gives every entry's record hash, from the tiles of entries alone.
func (f folder) entries() []tlog.Hash {
	var hashes []tlog.Hash
	for n := int64(0); n<<8 < f.size; n++ {
		path := strings.Replace(f.file(tlog.Tile{H: 8, L: 0, N: n, W: 256}), "/tile/0/", "/tile/entries/", 1)
		data, err := os.ReadFile(path)
		must(err, "entries")
		for len(data) > 0 {
			end := 2 + int(binary.BigEndian.Uint16(data))
			hashes = append(hashes, tlog.RecordHash(data[2:end]))
			data = data[end:]
		}
	}
	return hashes
}

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "verifier key")
	verifiers := note.VerifierList(verifier)
	data, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	must(err, "checkpoint")
	size, root := openCheckpoint(data, verifiers)
	log := folder{path: os.Args[1], size: size}
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, log)

	var given proofs
	data, err = os.ReadFile(os.Args[3])
	must(err, "proofs")
	must(json.Unmarshal(data, &given), "proofs")

	records := log.entries()
	if int64(len(records)) != size {
		must(fmt.Errorf("%d entries, not %d", len(records), size), "entries")
	}
	made, err := tlog.TreeHash(size, hashes)
	must(err, "tiles")
	if made != root {
		must(fmt.Errorf("root %v, not %v", made, root), "tiles")
	}
	// Every entry by its tile, which TileHashReader authenticates against the signed root.
	indexes := make([]int64, size)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	stored, err := hashes.ReadHashes(indexes)
	must(err, "leaves")
	for i, each := range stored {
		if each != records[i] {
			must(fmt.Errorf("entry %d is not its leaf", i+1), "leaves")
		}
	}
	for _, each := range given.Inclusion {
		must(tlog.CheckRecord(each.Path, size, root, each.Index, records[each.Index]), "inclusion")
	}
	for _, each := range given.Consistency {
		older, olderRoot := openCheckpoint([]byte(each.Older), verifiers)
		must(tlog.CheckTree(each.Path, size, root, older, olderRoot), "consistency")
	}
	fmt.Printf("judged: %d entries, %d inclusion proofs, %d consistency proofs\n",
		size, len(given.Inclusion), len(given.Consistency))
}
