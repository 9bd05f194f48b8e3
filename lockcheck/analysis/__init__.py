"""How it is found out: index (extract), link, summarise."""
