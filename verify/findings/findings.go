package findings
