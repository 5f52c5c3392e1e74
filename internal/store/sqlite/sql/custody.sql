SELECT id, recipient, since, until, listed, note, entered, actor, salt, seq FROM custody
