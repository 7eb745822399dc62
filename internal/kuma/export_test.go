package kuma

// Render arranges the document and writes it without its head.
func (d *Document) Render(folder string) string {
	d.arrange()
	return d.render(newLayout(folder, nil), nil)
}
