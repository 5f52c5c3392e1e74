SELECT min(submitted), max(submitted) FROM submission
