"""What every room uses: optional imports, files, threads."""
