package dump

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
)

// maxMailDepth is the maximum depth of the parts of an e-mail in each other, and of e-mails in e-mails.
// Mail programs nest three to five parts.
const maxMailDepth = 16

// inMessage calls each for the files in an e-mail: attachments, and pictures that the text shows. The text
// itself is no file. It ends at an error of each, which it returns. The error of an e-mail that is broken
// is returned at the end.
func inMessage(r io.Reader, each lister) error { return inMails(r, true, each) }

// inMailbox calls each, as [inMessage] does, for the files in all e-mails of a mailbox. Their names begin
// with "message 1/".
func inMailbox(r io.Reader, each lister) error { return inMails(r, false, each) }

func inMails(r io.Reader, whole bool, each lister) error {
	in := &mails{r: bufio.NewReaderSize(r, 1<<16), whole: whole}
	var broken error
	for n := 1; in.next(); n++ {
		p := &parts{each: each}
		if !whole {
			p.under = fmt.Sprintf("message %d/", n)
		}
		err := p.message(in, 0)
		if p.stop != nil {
			return p.stop
		}
		if err != nil && broken == nil {
			broken = fmt.Errorf("e-mail %d: %w", n, err)
		}
	}
	return broken
}

// mails reads one e-mail of a mailbox after the other. In a mailbox each begins with a line "From ".
type mails struct {
	r     *bufio.Reader
	whole bool // all of it is one e-mail
	begun bool
	line  []byte // what is left of the line that was read
	fresh bool   // the next byte begins a line
}

// next passes over the rest of the e-mail, and reports whether another one begins.
func (m *mails) next() bool {
	if m.whole {
		first := !m.begun
		m.begun = true
		return first
	}
	for m.begun {
		if _, err := m.Read(make([]byte, 4096)); err != nil {
			break
		}
	}
	if from, _ := m.r.Peek(5); string(from) != "From " {
		return false
	}
	_, err := m.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = m.r.ReadSlice('\n')
	}
	m.begun, m.fresh = true, true
	return err == nil
}

// Read reads the e-mail up to the line that begins the next one.
func (m *mails) Read(b []byte) (int, error) {
	if m.whole {
		return m.r.Read(b)
	}
	if len(m.line) == 0 {
		if from, _ := m.r.Peek(5); m.fresh && string(from) == "From " {
			return 0, io.EOF
		}
		line, err := m.r.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		m.line, m.fresh = line, line[len(line)-1] == '\n'
	}
	n := copy(b, m.line)
	m.line = m.line[n:]
	return n, nil
}

// parts finds the files in the parts of one e-mail.
type parts struct {
	each  lister
	under string // what names begin with
	count int    // of files without a name
	stop  error  // of each
}

// message finds the files of an e-mail.
func (p *parts) message(r io.Reader, depth int) error {
	m, err := netmail.ReadMessage(r)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case err != nil: // which would repeat what is written there
		return errors.New("no header of an e-mail")
	}
	return p.part(textproto.MIMEHeader(m.Header), m.Body, depth)
}

// part finds the files of a part with a header. The error says why the rest of the part is not read.
func (p *parts) part(h textproto.MIMEHeader, body io.Reader, depth int) error {
	if depth > maxMailDepth {
		return errors.New("parts are nested too deep")
	}
	kind, of, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	name := nameOf(h, of)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		all := multipart.NewReader(body, of["boundary"])
		for {
			part, err := all.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := p.part(part.Header, part, depth+1); err != nil {
				return err
			}
		}
	case kind == "message/rfc822":
		return p.message(body, depth+1)
	case name == "" && strings.HasPrefix(kind, "text/"):
		return nil
	case name == "":
		p.count++
		name = fmt.Sprintf("part %d", p.count)
		if _, end, is := strings.Cut(kind, "image/"); is {
			name += "." + end
		}
	}
	p.stop = p.each(p.under+name, true, body)
	return p.stop
}

// nameOf returns the file name of a part, "" if it has none. of are the parameters of its content type.
func nameOf(h textproto.MIMEHeader, of map[string]string) string {
	name := of["name"]
	if _, says, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && says["filename"] != "" {
		name = says["filename"]
	}
	if name == "" { // a saved page says where the picture was
		name = h.Get("Content-Location")
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	if plain, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = plain
	}
	return string(bytes.ToValidUTF8([]byte(name), []byte("?")))
}
