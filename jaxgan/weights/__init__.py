"""Other people's weights: read from their files, written into files that their code reads."""
