package sentencecheck

// The sentences on leaks that show an upload, if it cannot be said whether they were marked.

// bareOfOne reports whether a leak without a mark was traced, is unreadable, and shows no page that several
// uploads share.
func (l *leak) bareOfOne() bool {
	return l.Finding == "unreadable" && l.seen() && len(l.Reads) == 0 && l.trace(l.Submission).Submission != "" && l.shared() <= 1
}

// alikeBeside returns another upload of the same document or capture that the leak shows, or may show. No tracing rules out its
// copies. "": no such upload.
func (l *leak) alikeBeside() string {
	for _, m := range l.Matches {
		if (m.Pixels == "same document" || m.Pixels == "same page" && len(m.Altered) == 0 || m.Sibling || capture(m.Pixels)) && m.Submission != l.Submission && !l.excluded(m.Submission) {
			return m.Submission
		}
	}
	return ""
}

// excluded reports whether tracing against an upload would have found a mark, and found none. The leak may be another
// capture.
func (l *leak) excluded(of string) bool {
	t := l.trace(of)
	return t.Unsought == 0 && max(t.Power, t.Withheld) >= 0.999 && t.LogAny > -6
}
