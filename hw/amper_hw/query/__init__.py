"""From random words to search keys: representatives, radii, nearest neighbours."""
