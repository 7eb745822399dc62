package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one of an archive.
type file struct {
	name    string // with slashes
	content []byte
	program bool
}

func (f file) mode() fs.FileMode {
	if f.program {
		return 0o755
	}
	return 0o644
}

// documents are the files that go along. git lists them: what else lies beside
// an example may be a secret.
func documents(ctx context.Context) ([]file, error) {
	list, err := output(ctx, nil, "git", "ls-files", "-s", "-z", "--", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/*.yml", "docs/images", "examples", "packaging")
	if err != nil {
		return nil, err
	}
	var files []file
	for line := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		about, name, _ := strings.Cut(line, "\t") // mode, object and stage; name
		content, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, content: content, program: strings.HasPrefix(about, "100755")})
	}
	return files, nil
}

// archive writes the files into a zip for Windows, else into a tar.gz, in a
// folder of the archive's name. The order, owners and times are always the same.
func (r *release) archive(t target, name string, files []file) (string, error) {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	write, ending := r.tar, ".tar.gz"
	if t.os == "windows" {
		write, ending = r.zip, ".zip"
	}
	path := filepath.Join(r.out, name+ending)
	w, err := os.Create(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(write(w, name, files), w.Close())
}

func (r *release) tar(w io.Writer, folder string, files []file) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestCompression) // its header has neither name nor time
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	for _, f := range files {
		err := archive.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Size: int64(len(f.content)), Mode: int64(f.mode()), ModTime: r.date, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}

func (r *release) zip(w io.Writer, folder string, files []file) error {
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, f := range files {
		h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: r.date}
		h.SetMode(f.mode())
		part, err := archive.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.content); err != nil {
			return err
		}
	}
	return archive.Close()
}
