"""How it is found out: index and visitors (extract), link, summarise."""
