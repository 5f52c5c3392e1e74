SELECT s.seq FROM submission s LEFT JOIN sealed x ON x.submission = s.id WHERE x.submission IS NULL LIMIT 1
