"""One hazard per file, its rewrite beside it. Found by scanning the package: there is no list to keep."""
