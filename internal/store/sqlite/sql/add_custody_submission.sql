INSERT INTO custody_submission (custody, submission) VALUES (?, ?)
