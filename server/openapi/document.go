package openapi

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed *.yaml
var files embed.FS

// base is the file that the others are laid over.
const base = "base.yaml"

// Document is the whole description in YAML. The error is a mistake in a file,
// which the tests find.
var Document = sync.OnceValues(func() ([]byte, error) { return merge(files) })

// merge puts the files together: their paths and components, in the order of the
// files' names behind base's.
func merge(from fs.FS) ([]byte, error) {
	names, err := fs.Glob(from, "*.yaml")
	if err != nil {
		return nil, err
	}
	whole, err := read(from, base)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == base {
			continue
		}
		part, err := read(from, name)
		if err != nil {
			return nil, err
		}
		if whole, err = lay(whole, part, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return yaml.Marshal(whole)
}

func read(from fs.FS, name string) (yaml.MapSlice, error) {
	text, err := fs.ReadFile(from, name)
	if err != nil {
		return nil, err
	}
	var doc yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &doc, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return doc, nil
}

// joined are the maps that several files may add to. What those hold stands in
// one file.
var joined = map[string]bool{"": true, "/paths": true, "/components": true, "/components/schemas": true,
	"/components/responses": true, "/components/parameters": true}

// lay adds the entries of part to those of whole.
func lay(whole, part yaml.MapSlice, at string) (yaml.MapSlice, error) {
	for _, item := range part {
		key := fmt.Sprint(item.Key)
		i := 0
		for i < len(whole) && fmt.Sprint(whole[i].Key) != key {
			i++
		}
		if i == len(whole) {
			whole = append(whole, item)
			continue
		}
		old, isMap := whole[i].Value.(yaml.MapSlice)
		more, alsoMap := item.Value.(yaml.MapSlice)
		below := at + "/" + key
		if !isMap || !alsoMap || !joined[below] {
			return nil, fmt.Errorf("%s stands in another file already", below)
		}
		var err error
		if whole[i].Value, err = lay(old, more, below); err != nil {
			return nil, err
		}
	}
	return whole, nil
}
