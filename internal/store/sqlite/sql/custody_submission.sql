SELECT submission FROM custody_submission WHERE custody = ? ORDER BY submission
