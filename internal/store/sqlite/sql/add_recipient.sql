INSERT INTO recipient (name, kind, actor, added, salt, seq) VALUES (?, ?, ?, ?, ?, ?)
