"""What several slices share, each made once in a run: episodes, states, minimal pairs, scenes."""
