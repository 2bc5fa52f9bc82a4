"""Data sets that come with jaxgan, one file each: drawn or read on this machine, nothing downloaded."""
