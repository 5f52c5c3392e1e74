SELECT name, kind, actor, added, salt, seq FROM recipient
