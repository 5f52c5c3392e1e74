INSERT INTO custody (recipient, since, until, listed, note, entered, actor, salt, seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
