"""Reads official coverage files, and a site's own policies, into the store of coverage data."""
