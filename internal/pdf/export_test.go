package pdf

// Pictures returns the pictures of the file, page by page.
func (d *Document) Pictures() []Picture { return d.pictures }
