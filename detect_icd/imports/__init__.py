"""Official lists and a site's own words: read from files, checked, and joined to the lexicon in a user's folder."""
