package reference

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const module = "github.com/watchword/watchword"

// comments are the comments of struct fields in the source.
type comments struct {
	root   string                       // of the repository
	fields map[string]map[string]string // by import path, then by "Type.Field"
	errs   []error
}

// of returns the comment of a field, which is the help of its key, as one line.
// That there is none is an error of all.
func (c *comments) of(t reflect.Type, field string) string {
	if field == "" {
		return "" // of the type itself
	}
	f, ok := t.FieldByName(field)
	if !ok || strings.HasSuffix(f.Tag.Get("koanf"), ",squash") {
		return ""
	}
	if c.fields[t.PkgPath()] == nil {
		c.fields[t.PkgPath()] = map[string]string{}
		if err := c.read(t.PkgPath()); err != nil {
			c.errs = append(c.errs, err)
		}
	}
	text := c.fields[t.PkgPath()][t.Name()+"."+field]
	if text == "" {
		c.errs = append(c.errs, fmt.Errorf("%s.%s has no comment: it is the help of the key %q", t, field, f.Tag.Get("koanf")))
	}
	return text
}

func (c *comments) err() error { return errors.Join(c.errs...) }

func (c *comments) read(pkg string) error {
	dir := filepath.Join(c.root, filepath.FromSlash(strings.TrimPrefix(pkg, module)))
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the comments of %s: %w", pkg, err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read the comments of %s: %w", pkg, err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				keep(c.fields[pkg], spec)
			}
			return true
		})
	}
	return nil
}

// keep notes the comments of a struct's fields: what stands above a field, else
// what stands behind it.
func keep(into map[string]string, spec *ast.TypeSpec) {
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, name := range f.Names {
			into[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
		}
	}
}
