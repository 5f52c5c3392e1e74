SELECT c.id, c.recipient, c.since, c.until, c.listed, c.note, c.entered, c.actor, c.salt, c.seq
FROM submission s
JOIN custody c ON c.since <= s.submitted AND s.submitted <= c.until
WHERE s.id = ?
  AND (c.listed = 0 OR EXISTS (
        SELECT 1 FROM custody_submission l WHERE l.custody = c.id AND l.submission = s.id))
ORDER BY c.seq
