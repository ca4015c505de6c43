"""The associative memory: match lines, row storage, banks and the tree of nodes over them."""
